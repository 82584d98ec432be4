"""What a database needs once it was restored, by whichever means, before a server may use it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from proton_server.engine.restored import resume_all
from proton_server.identity.audit import OPERATOR, Write, record
from proton_server.identity.restored import active_keys, end_sessions, revoke_keys
from proton_server.persistence import marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proton_server.persistence.store import Store

_SHOWN_KEYS = 20


class Restored(NamedTuple):
    """What was found in a restored database."""

    in_progress: int
    """How many deployments were, when the backup was made."""
    active_keys: Sequence[str]
    """The access keys that may sign."""
    revoked_keys: Sequence[str]
    """Those that could, and may not any more."""


def prepare_restored(store: Store, connection: sa.Connection, source: str, *, revoke: bool) -> Restored:
    """Marks the database as restored, within a transaction. The audit line names the source.

    Its deployments in progress are resumed with care, sessions end, and with `revoke` all access keys, too.
    """
    now: float = connection.scalar(sa.select(store.now)) or time.time()
    in_progress = resume_all(connection, round(now, 3))
    end_sessions(connection, now)
    revoked = revoke_keys(connection, now) if revoke else []
    marks.write(connection, marks.BACKUP_AT, None)
    record(connection, Write("-", OPERATOR, "RestoreDatabase", source))
    return Restored(in_progress, active_keys(connection, now), revoked)


def sentences(restored: Restored, *, kept: bool) -> Iterator[str]:
    """What the operator has to know and to do. `kept`: nothing of what was withdrawn is forgotten."""
    number = restored.in_progress
    if number:
        deployments = "1 deployment was" if number == 1 else f"{number} deployments were"
        yield (
            f"{deployments} in progress when the backup was made. The server compares each with AWS before "
            "it goes on; one after which something else was deployed fails, and its message says so."
        )
    yield (
        "Environments that were created since are not in the database, but their stacks are in AWS: "
        "`proton-server adopt` lists them, and takes them over with --yes."
    )
    yield "Temporary credentials given out until now are refused: clients exchange AWS credentials again."
    if restored.revoked_keys:
        yield f"Access keys revoked: {_listed(restored.revoked_keys)}."
    if kept:
        yield "Access keys, connections between accounts and the audit are as they were before the restore."
    else:
        yield (
            "WARNING: access keys and connections between accounts are as the backup has them: what was "
            "revoked, rotated, rejected or deleted since is accepted again. Revoke it anew."
        )
        if restored.active_keys:
            yield f"Access keys that are accepted: {_listed(restored.active_keys)}."


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
    return ", ".join(keys[:_SHOWN_KEYS]) + more
