"""Who may sign once a database was restored: what was withdrawn since its backup is not known to it.

Sessions are ended: they live for an hour, and whoever may still have one exchanges AWS credentials again. A
machine cannot make itself a new access key, so keys stay valid until somebody revokes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.identity.access_keys import revoke_in, state_of
from proton_server.identity.revocations import ALL_ACCOUNTS
from proton_server.identity.revocations import revoke_in as revoke_sessions_in
from proton_server.persistence.tables import access_keys

if TYPE_CHECKING:
    from collections.abc import Sequence


def end_sessions(connection: sa.Connection, now: float) -> None:
    """Ends all sessions that were issued until now, by the database's clock."""
    revoke_sessions_in(connection, ALL_ACCOUNTS, now=now)


def active_keys(connection: sa.Connection, now: float) -> Sequence[str]:
    """The IDs of the access keys that may sign."""
    rows = connection.execute(sa.select(access_keys).order_by(access_keys.c.id)).all()
    return [row.id for row in rows if state_of(row, now) == "active"]


def revoke_keys(connection: sa.Connection, now: float) -> Sequence[str]:
    """Revokes the access keys that may sign, for ever; returns their IDs."""
    ids = active_keys(connection, now)
    for key_id in ids:
        revoke_in(connection, key_id)
    return ids
