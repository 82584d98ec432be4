"""What is in progress, as an operator's metrics show it: a few numbers, and the oldest deployments.

Rows in progress only are read, which an index has, and only so many of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from proton_server.persistence.tables import deployments, environment_template_versions, environments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proton_server.persistence.store import Store

_ROWS = 10_000
"""How many are counted at most."""
_LOOKED_AT, _SHOWN = 200, 10
"""How many of the oldest are looked at, and how many of them are shown, of each kind."""

SELF_MANAGED, MANAGED = "self_managed", "managed"


class Group(NamedTuple):
    """The deployments in progress with one status and phase."""

    status: str
    phase: str
    number: int


class Oldest(NamedTuple):
    """One of the oldest deployments in progress."""

    id: str
    provisioning: str
    """`SELF_MANAGED`: it waits for people, who merge a pull request; else `MANAGED`."""
    age: float
    """Seconds since it was asked for."""
    idle: float
    """Seconds since its status, phase or message changed."""
    errors: int
    """Steps that failed in a row."""


class InProgress(NamedTuple):
    """What is in progress."""

    groups: list[Group]
    oldest: list[Oldest]
    overdue: float
    """Seconds for which the row has been due that has been so for longest, without a server that took it."""
    errors: int
    """The most steps that failed in a row, of all deployments."""
    registrations: int


def read_in_progress(store: Store) -> InProgress:
    """Reads it from the database. Raises Unavailable."""
    with store.read() as connection:
        work = (
            sa.select(deployments)
            .where(deployments.c.next_at.is_not(None))
            .order_by(deployments.c.next_at)
            .limit(_ROWS)
            .subquery()
        )
        key = (work.c.record["deploymentStatus"].as_string(), work.c.phase)
        groups = connection.execute(sa.select(*key, sa.func.count()).group_by(*key)).all()
        # A row that a server has is not overdue: its lease ends later than it was due.
        since = sa.case((work.c.next_at > work.c.lease_until, work.c.next_at), else_=work.c.lease_until)
        overdue = (store.now - sa.func.min(since)).label("overdue")
        worst = connection.execute(sa.select(sa.func.max(work.c.errors).label("errors"), overdue)).one()
        registering = environment_template_versions.c.next_at.is_not(None)
        registrations = connection.scalar(
            sa.select(sa.func.count()).select_from(environment_template_versions).where(registering)
        )
        oldest = connection.execute(_oldest()).all()
    return InProgress(
        [Group(*group) for group in groups],
        list(_shown(oldest, time.time())),
        max(0.0, worst.overdue or 0.0),
        worst.errors or 0,
        registrations or 0,
    )


def _oldest() -> sa.Select[Any]:
    columns = ("id", "account_id", "region", "environment_name", "created_at", "moved_at", "errors")
    first = (
        sa.select(*(deployments.c[column] for column in columns))
        .where(deployments.c.next_at.is_not(None))
        .order_by(deployments.c.created_at)
        .limit(_LOOKED_AT)
        .subquery()
    )
    its = (
        environments.c.account_id == first.c.account_id,
        environments.c.region == first.c.region,
        environments.c.name == first.c.environment_name,
    )
    repository = environments.c.record["provisioningRepository"].as_string().is_not(None)
    return (
        sa.select(first, repository.label("waits_for_people"))
        .select_from(first.outerjoin(environments, sa.and_(*its)))
        .order_by(first.c.created_at)
    )


def _shown(rows: Iterable[sa.Row[Any]], now: float) -> Iterable[Oldest]:
    left = {SELF_MANAGED: _SHOWN, MANAGED: _SHOWN}
    for row in rows:
        provisioning = SELF_MANAGED if row.waits_for_people else MANAGED
        if left[provisioning]:
            left[provisioning] -= 1
            age, idle = now - row.created_at, now - (row.moved_at or row.created_at)
            yield Oldest(row.id, provisioning, max(0.0, age), max(0.0, idle), row.errors)
