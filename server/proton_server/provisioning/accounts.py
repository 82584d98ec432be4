"""What an AWS account ID looks like."""

from __future__ import annotations

import re

_ACCOUNT_ID = re.compile(r"[0-9]{12}")


def is_account_id(text: str) -> bool:
    """Whether the text is an AWS account ID: 12 digits."""
    return _ACCOUNT_ID.fullmatch(text) is not None
