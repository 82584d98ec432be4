"""Access keys, for machines without AWS credentials: made, listed, rotated, revoked, and found by their id.

The database holds their secrets encrypted. Each request reads its key's row anew, so that a key that expires
or is revoked is refused from the next request on, by every replica.
"""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from proton_server.identity.audit import OPERATOR, Write, record
from proton_server.identity.master_keys import MasterKeyError, SealError, key_id_of
from proton_server.persistence.tables import access_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proton_server.identity.master_keys import MasterKeys
    from proton_server.persistence.store import Store

MAX_DESCRIPTION = 200

_PURPOSE = "access key"
_ALPHABET = string.ascii_uppercase + "234567"
_KEY = sa.select(access_keys).where(access_keys.c.id == sa.bindparam("id"))
_ENDS = {"revoked": ("was revoked", "revoked_at"), "expired": ("expired", "expires_at")}
"""State of a key that may not sign → what became of it, and the column that says when."""
_SECRETS = (access_keys.c.sealed_secret, access_keys.c.previous_sealed_secret)


class AccessKeyError(Exception):
    """A key is not known, or not valid any more; the message is one sentence."""


@dataclass(frozen=True)
class UsableKey:
    """A key that may sign."""

    id: str
    account_id: str
    secrets: tuple[str, ...]
    """The present one, and for a while after a rotation the previous one."""


def create_access_key(
    store: Store,
    keys: MasterKeys,
    account_id: str,
    *,
    description: str = "",
    expires_at: float | None = None,
) -> tuple[str, str]:
    """Makes a key for an account. Returns id and secret, which cannot be shown again.

    Raises StoreError, and MasterKeyError if the database's secrets need another ring.
    """
    key_id = "AKIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    secret = _new_secret()
    with store.write() as connection:
        _check(connection, keys, str(store))
        row = {
            "id": key_id,
            "account_id": account_id,
            "sealed_secret": seal(keys, account_id, key_id, secret),
            "description": description or None,
            "created_at": time.time(),
            "expires_at": expires_at,
        }
        connection.execute(sa.insert(access_keys), row)
        record(connection, Write(account_id, OPERATOR, "CreateAccessKey", key_id))
    return key_id, secret


def list_access_keys(store: Store, account_id: str | None = None) -> Sequence[sa.Row[Any]]:
    """The rows of all keys, or of an account's, without their secrets; oldest first."""
    hidden = {column.name for column in _SECRETS}
    columns = [column for column in access_keys.c if column.name not in hidden]
    query = sa.select(*columns).order_by(access_keys.c.created_at.is_not(None), "created_at", "id")
    if account_id is not None:
        query = query.where(access_keys.c.account_id == account_id)
    with store.read() as connection:
        return connection.execute(query).all()


def state_of(key: sa.Row[Any], now: float) -> str:
    """Whether a key may sign at a time in epoch seconds: `active`, `expired` or `revoked`."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and now >= key.expires_at else "active"


def revoke_access_key(store: Store, key_id: str) -> None:
    """Revokes a key for ever: its secrets are deleted. Raises AccessKeyError and StoreError."""
    with store.write() as connection:
        revoke_in(connection, key_id)


def revoke_in(connection: sa.Connection, key_id: str) -> None:
    """The same within a transaction."""
    row = _existing(connection, key_id)
    _update(
        connection,
        key_id,
        revoked_at=row.revoked_at or time.time(),
        sealed_secret=None,
        previous_sealed_secret=None,
        previous_until=None,
    )
    record(connection, Write(row.account_id, OPERATOR, "RevokeAccessKey", key_id))


def rotate_access_key(store: Store, keys: MasterKeys, key_id: str, overlap: float) -> str:
    """Gives a key a new secret, and returns it; the one before is accepted for `overlap` seconds more.

    One from before that is accepted no longer. Raises AccessKeyError, StoreError, and MasterKeyError if the
    database's secrets need another ring.
    """
    secret = _new_secret()
    with store.write() as connection:
        _check(connection, keys, str(store))
        row = _existing(connection, key_id)
        now = time.time()
        if reason := _unusable(row, now):
            raise AccessKeyError(f"{reason}: create a new key.")
        _update(
            connection,
            key_id,
            sealed_secret=seal(keys, row.account_id, key_id, secret),
            previous_sealed_secret=row.sealed_secret if overlap else None,
            previous_until=now + overlap if overlap else None,
        )
        record(connection, Write(row.account_id, OPERATOR, "RotateAccessKey", key_id))
    return secret


def find_access_key(connection: sa.Connection, keys: MasterKeys, key_id: str, now: float) -> UsableKey:
    """The key that a request names, at a time in epoch seconds.

    Raises AccessKeyError if it may not sign, and SealError if its secret cannot be decrypted.
    """
    row = connection.execute(_KEY, {"id": key_id}).one_or_none()
    if row is None:
        raise AccessKeyError(f"{key_id} is not a key of this server")
    if reason := _unusable(row, now):
        raise AccessKeyError(reason)
    sealed = [row.sealed_secret]
    if row.previous_until is not None and now < row.previous_until:
        sealed.append(row.previous_sealed_secret)
    account_id = row.account_id
    return UsableKey(key_id, account_id, tuple(_open(keys, account_id, key_id, text) for text in sealed))


def reencrypt_secrets(store: Store, keys: MasterKeys) -> int:
    """Encrypts every secret anew with the first master key, and returns how many were not yet.

    Raises StoreError, and MasterKeyError if one cannot be decrypted.
    """
    number = 0
    with store.write() as connection:
        _check(connection, keys, str(store))
        for row in connection.execute(sa.select(access_keys).with_for_update()).mappings().all():
            account_id, key_id = row["account_id"], row["id"]
            stale = {column.name: row[column] for column in _SECRETS if _is_stale(row[column], keys)}
            try:
                plain = {name: _open(keys, account_id, key_id, sealed) for name, sealed in stale.items()}
            except SealError:
                raise MasterKeyError(
                    f"The secret of {key_id} in the database {store} cannot be decrypted: revoke the key."
                ) from None
            for name, secret in plain.items():
                _update(connection, key_id, **{name: seal(keys, account_id, key_id, secret)})
            number += len(stale)
        record(connection, Write("-", OPERATOR, "ReencryptSecrets"))
    return number


def check_master_keys(store: Store, keys: MasterKeys) -> None:
    """Raises MasterKeyError if a secret in the database was encrypted with a key that is not in the ring."""
    with store.read() as connection:
        _check(connection, keys, str(store))


def seal(keys: MasterKeys, account_id: str, key_id: str, secret: str) -> str:
    """The secret of a key as it is stored: only for this key and account."""
    return keys.seal(_PURPOSE, secret.encode(), _owner(account_id, key_id))


@lru_cache(maxsize=1024)
def _open(keys: MasterKeys, account_id: str, key_id: str, sealed: str) -> str:
    """Decrypts once what each request needs: a twentieth of GetEnvironment's time.

    Nothing can become out of date, since what is sealed is read from the row each time.
    """
    return keys.open(_PURPOSE, sealed, _owner(account_id, key_id)).decode()


def _is_stale(sealed: str | None, keys: MasterKeys) -> bool:
    return sealed is not None and key_id_of(sealed) != keys.first.id


def _owner(account_id: str, key_id: str) -> bytes:
    return f"{account_id}/{key_id}".encode()


def _new_secret() -> str:
    return secrets.token_urlsafe(30)


def _check(connection: sa.Connection, keys: MasterKeys, database: str) -> None:
    for column in _SECRETS:
        for (sealed,) in connection.execute(sa.select(column).where(column.is_not(None))):
            try:
                key_id = key_id_of(sealed)
            except SealError:
                continue  # one broken row does not stop the others
            if keys.by_id(key_id) is None:
                raise MasterKeyError(
                    f"The database {database} has secrets that are encrypted with the master key {key_id}, "
                    "which is not in PROTON_MASTER_KEYS: add it."
                )


def _existing(connection: sa.Connection, key_id: str) -> sa.Row[Any]:
    row = connection.execute(_KEY.with_for_update(), {"id": key_id}).one_or_none()
    if row is None:
        raise AccessKeyError(f"There is no access key {key_id!r} in this database.")
    return row


def _unusable(key: sa.Row[Any], now: float) -> str | None:
    """Why a key may not sign."""
    state = state_of(key, now)
    if state == "active":
        return None
    verb, column = _ENDS[state]
    return f"{key.id} {verb} at {_time(getattr(key, column))}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _update(connection: sa.Connection, key_id: str, **values: Any) -> None:
    connection.execute(sa.update(access_keys).where(access_keys.c.id == key_id).values(**values))
