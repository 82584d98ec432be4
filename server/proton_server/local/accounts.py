"""Which local account an access key belongs to. Locally there are no secrets: a key is only a name."""

from __future__ import annotations

import re
import threading

DEFAULT_ACCOUNT = "123456789012"

moto_is_loaded = threading.Event()
"""Set once moto can issue keys; before that, no key is one of its own, and looking would wait for moto."""

_TWELVE_DIGITS = re.compile(r"\d{12}")


def account_of(access_key: str) -> str:
    """The account of an access key.

    Twelve digits name the account themselves. A key that the local STS or IAM issued (an assumed role's
    session, a user's key) belongs to the account that issued it, until the process ends. Any other key is
    account 123456789012.
    """
    if _TWELVE_DIGITS.fullmatch(access_key):
        return access_key
    if moto_is_loaded.is_set():
        from moto.iam.models import iam_backends  # noqa: PLC0415 - see moto_is_loaded

        for account, partitions in list(iam_backends.items()):
            if any(access_key in iam.access_keys for iam in list(partitions.values())):
                return account
    return DEFAULT_ACCOUNT
