"""Durations as options take them: `90s`, `30m`, `24h`, `90d`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import Any

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII)


def seconds(_context: click.Context, _option: click.Parameter, value: Any) -> float | None:
    """An option's callback: the number of seconds in text such as `24h`."""
    if value is None:
        return None
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(
            f"{value!r} is not a number of seconds, minutes, hours or days, such as 24h."
        )
    return int(match[1]) * _SECONDS[match[2]]
