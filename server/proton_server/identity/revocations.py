"""Sessions that were ended before they expired: all of a principal's, or of an account's, up to a moment.

They are in the database, and every request looks there: a revocation works at once, on every replica.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.persistence.tables import revocations

if TYPE_CHECKING:
    from proton_server.persistence.store import Store

WHOLE_ACCOUNT = "*"
"""In place of a principal: all of the account."""
ALL_ACCOUNTS = "*"
"""In place of an account, with `WHOLE_ACCOUNT`: everybody."""

_LATEST = sa.select(sa.func.max(revocations.c.not_before)).where(
    revocations.c.account_id.in_([sa.bindparam("account"), ALL_ACCOUNTS]),
    revocations.c.principal.in_([sa.bindparam("principal"), WHOLE_ACCOUNT]),
)


def revoke(store: Store, account_id: str, principal: str = WHOLE_ACCOUNT) -> float:
    """Ends the sessions that were issued until now, by the database's clock; returns that time."""
    with store.write() as connection:
        now: float = connection.scalar(sa.select(store.now)) or 0.0
        revoke_in(connection, account_id, principal, now=now)
    return now


def revoke_in(
    connection: sa.Connection, account_id: str, principal: str = WHOLE_ACCOUNT, *, now: float
) -> None:
    """The same within a transaction; `now` is of the database's clock."""
    key = {"account_id": account_id, "principal": principal}
    connection.execute(
        sa.delete(revocations).where(*(revocations.c[name] == value for name, value in key.items()))
    )
    connection.execute(sa.insert(revocations).values(**key, not_before=now))


def is_revoked(connection: sa.Connection, account_id: str, principal: str, issued: float) -> bool:
    """Whether a session of the principal that was issued then has been ended."""
    latest = connection.scalar(_LATEST, {"account": account_id, "principal": principal})
    return latest is not None and issued <= latest
