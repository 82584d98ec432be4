"""Version numbers as they stand in what programs print and in files that name a floor."""

from __future__ import annotations

import re


def number_in(text: str, after: str = "") -> tuple[int, ...]:
    """The first dotted version number in `text` behind `after`, as comparable integers; empty if none."""
    found = re.search(re.escape(after) + r"\D*?(\d+(?:\.\d+)+)", text)
    return tuple(map(int, found[1].split("."))) if found else ()
