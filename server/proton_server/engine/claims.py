"""The statements by which the reconciler finds, claims, keeps and locks rows, whatever their table is.

They are built once: to build one takes longer than to execute it. Their parameters are in `backquotes`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def until_due(table: sa.Table, now: sa.ColumnElement[float]) -> sa.Select[Any]:
    """The seconds until a row can be claimed; null if no row has anything left to do."""
    claimable_at = sa.case(
        (table.c.next_at > table.c.lease_until, table.c.next_at), else_=table.c.lease_until
    )
    return sa.select(sa.func.min(claimable_at) - now).where(table.c.next_at.is_not(None))


def claim(table: sa.Table, now: sa.ColumnElement[float], owner: str, lease: float) -> sa.Executable:
    """Claims `at_most` rows that are due, and returns them."""
    # Through a CTE: PostgreSQL may evaluate a bare `IN (SELECT … LIMIT … FOR UPDATE)` more than once.
    due = (
        sa.select(table.c.id)
        .where(table.c.next_at <= now, table.c.lease_until <= now)
        .order_by(table.c.next_at)
        .limit(sa.bindparam("at_most", type_=sa.Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        sa.update(table)
        .where(table.c.id.in_(sa.select(due.c.id)))
        .values(owner=owner, epoch=table.c.epoch + 1, lease_until=now + lease)
        .returning(table)
    )


def make_due(table: sa.Table, now: sa.ColumnElement[float]) -> sa.Executable:
    """Makes the rows with `ids` due that wait for a later time."""
    return sa.update(table).where(_with_ids(table), table.c.next_at > now).values(next_at=now)


def put_off(table: sa.Table, now: sa.ColumnElement[float]) -> sa.Executable:
    """Lets those of the rows with `ids` wait for `seconds` more that wait for less than twice that.

    Each by as much as the others, so that they do not become due at the same instant. Returns all that wait.
    """
    seconds = sa.bindparam("seconds", type_=sa.Float)
    is_soon = table.c.next_at < now + 2 * seconds
    later = sa.case((is_soon, table.c.next_at + seconds), else_=table.c.next_at)
    waiting = sa.update(table).where(_with_ids(table), table.c.next_at > now)
    return waiting.values(next_at=later).returning(table.c.id)


def renew(table: sa.Table, now: sa.ColumnElement[float], owner: str, lease: float) -> sa.Executable:
    """Renews the leases of the rows with `ids`, without those that are being written.

    One row that is locked for long must not cost the others' leases.
    """
    ours = (
        sa.select(table.c.id)
        .where(table.c.owner == owner, _with_ids(table))
        .with_for_update(skip_locked=True)
        .cte("ours")
    )
    return sa.update(table).where(table.c.id.in_(sa.select(ours.c.id))).values(lease_until=now + lease)


def still_held(table: sa.Table) -> sa.Select[tuple[Any, ...]]:
    """The row that `is_held`, locked until the transaction ends."""
    return sa.select(table).where(is_held(table)).with_for_update()


def settle(table: sa.Table, now: sa.ColumnElement[float]) -> sa.Update:
    """Ends the claim of the row that `is_held`: it is due in `delay` seconds, or never again (null).

    It also sets the columns whose values it is executed with.
    """
    next_at = now + sa.bindparam("delay", type_=sa.Float)
    return sa.update(table).where(is_held(table)).values(next_at=next_at, owner=None, lease_until=0.0)


def _with_ids(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.id.in_(sa.bindparam("ids", expanding=True))


def is_held(table: sa.Table) -> sa.ColumnElement[bool]:
    """That a row is `held_id`, and of the epoch `held_epoch`."""
    return sa.and_(table.c.id == sa.bindparam("held_id"), table.c.epoch == sa.bindparam("held_epoch"))
