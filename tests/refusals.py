"""Asserting that a call is refused, with its code and what its message says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(code: str, *parts: str) -> Iterator[None]:
    """The call inside is refused with this code, and each of these parts is in the message."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    missing = [part for part in parts if part not in error["Message"]]
    assert (error["Code"], missing) == (code, []), error["Message"]
