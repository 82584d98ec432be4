"""Which rows are too old: those that expired, and those older than the operator wants to keep.

What the API needs is kept however old it is: deployments in progress, and of each environment the last and
the last that succeeded, to which its record refers. Rows go in batches, each in a short transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from proton_server.persistence import marks
from proton_server.persistence.tables import (
    audit_lines,
    client_tokens,
    deployments,
    environments,
    meta,
    revocations,
    used_signatures,
)

if TYPE_CHECKING:
    from proton_server.persistence.store import Store

BATCH = 500
"""How many rows a transaction deletes."""
_REVOCATIONS_SECONDS = 24 * 60 * 60.0
"""After so long no session is left that a revocation could be about: they live for an hour."""


class Retention(NamedTuple):
    """How long the operator keeps what does not expire by itself, in seconds; None: for ever."""

    deployments: float | None = None
    audit_lines: float | None = None


class Rule(NamedTuple):
    """Rows that are to be deleted."""

    table: sa.Table
    too_old: sa.ColumnElement[bool]


def rules(now: sa.ColumnElement[float], retention: Retention) -> list[Rule]:
    """What is too old, by the database's clock."""
    found = [
        Rule(client_tokens, client_tokens.c.expires_at < now),
        Rule(used_signatures, used_signatures.c.expires_at < now),
        Rule(revocations, revocations.c.not_before < now - _REVOCATIONS_SECONDS),
    ]
    if retention.deployments is not None:
        found.append(Rule(deployments, _ended_before(now - retention.deployments)))
    if retention.audit_lines is not None:
        found.append(Rule(audit_lines, audit_lines.c.at < now - retention.audit_lines))
    return found


def _ended_before(time: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    table, record = deployments.c, environments.c.record
    referred_to = sa.exists().where(
        environments.c.account_id == table.account_id,
        environments.c.region == table.region,
        environments.c.name == table.environment_name,
        sa.or_(
            record["lastAttemptedDeploymentId"].as_string() == table.id,
            record["lastSucceededDeploymentId"].as_string() == table.id,
        ),
    )
    return sa.and_(
        table.next_at.is_(None),
        table.created_at < time,  # by the index: nothing ends before it is created
        table.record["completedAt"].as_float() < time,
        ~referred_to,
    )


def delete_batch(store: Store, rule: Rule) -> int:
    """Deletes up to `BATCH` of the rows, and returns how many."""
    key = sa.tuple_(*rule.table.primary_key)
    batch = sa.select(*rule.table.primary_key).where(rule.too_old).limit(BATCH)
    with store.write() as connection:
        return connection.execute(sa.delete(rule.table).where(key.in_(batch))).rowcount


def take_turn(store: Store, period: float) -> bool:
    """Whether it is this process's turn to delete, which comes to one of all in each period."""
    try:
        with store.write() as connection:
            now: float = connection.scalar(sa.select(store.now)) or 0.0
            query = sa.select(meta.c.value).where(meta.c.key == marks.CLEANED_AT).with_for_update()
            last = connection.scalar(query)
            if last is not None and float(last) > now - period:
                return False
            marks.write(connection, marks.CLEANED_AT, repr(now))
    except sa.exc.IntegrityError:
        return False  # another process made the row in the same instant
    return True
