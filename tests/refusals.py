"""Asserting that a call is refused, with its code and what its message says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(code: str, message: str, *more: str) -> Iterator[None]:
    """The call inside is refused with this code, and with a message that contains each of these parts."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    missing = [part for part in (message, *more) if part not in error["Message"]]
    assert (error["Code"], missing) == (code, []), error["Message"]
