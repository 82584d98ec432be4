"""Moves rows forward: a level-triggered reconciler over any table with the store's work columns.

A row is due when `next_at` has come; a process claims it with a lease and a new epoch, makes one idempotent
step without a transaction open, and settles the result in a short one, fenced by the epoch. So a process may
be killed at any point: whoever claims the row next makes the step again, and what a late one writes finds no
row.

What a step is and what its result means is the law's business; nothing here knows of deployments or of AWS.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa

from proton_server.store import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proton_server.store import Store

_log = logging.getLogger(__name__)

_LEASE_SECONDS = 15.0
_IDLE_SECONDS = 1.0
"""How long to sleep at most: another process may have left work in a shared database."""
_BUSY_SECONDS = 0.1
"""How long to sleep when all workers are busy, or another process was faster."""
_MAX_ERRORS = 12
"""Steps that fail in a row, with growing pauses: about six minutes."""

Result = TypeVar("Result")


class Settled(NamedTuple):
    """What becomes of the row: changed columns, and seconds until the next step (None: there is none)."""

    changes: dict[str, Any]
    delay: float | None


class Law(Protocol[Result]):
    """What a table's rows mean."""

    table: sa.Table

    def step(self, row: sa.Row[Any]) -> Result:
        """Makes one idempotent call for a row. May take its time; any exception means: try again later."""

    def settle(self, rows: Rows, row: sa.Row[Any], result: Result) -> Settled:
        """Writes down what a result means. `row` is fresh: it may have changed since the step began."""

    def give_up(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        """Writes down that the steps failed too often."""


class Reconciler(Generic[Result]):
    """Runs a law over its table, in a thread of its own and a pool of workers."""

    def __init__(
        self, store: Store, law: Law[Result], *, workers: int = 16, lease: float = _LEASE_SECONDS
    ) -> None:
        self._store, self._law, self._lease = store, law, lease
        self._me = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._free = threading.Semaphore(workers)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=law.table.name)
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{law.table.name}-reconciler", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def wake(self) -> None:
        """Says that there may be new work, so that it need not be discovered."""
        self._woken.set()

    def stop(self) -> None:
        """Claims no more and waits for the steps under way."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        renewed = time.monotonic()
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                pause = self._until_due()
                if pause <= 0 and not self._claim_and_submit():
                    pause = _BUSY_SECONDS
                if time.monotonic() - renewed > self._lease / 3:
                    self._renew()
                    renewed = time.monotonic()
            except sa.exc.DBAPIError:
                _log.exception("The database is out of reach; trying again")
                pause = _IDLE_SECONDS
            if pause > 0:
                self._woken.wait(min(pause, _IDLE_SECONDS, self._lease / 3))

    def _until_due(self) -> float:
        """Seconds until a row can be claimed."""
        table = self._law.table
        claimable_at = sa.case(
            (table.c.next_at > table.c.lease_until, table.c.next_at), else_=table.c.lease_until
        )
        query = sa.select(sa.func.min(claimable_at) - self._store.now).where(table.c.next_at.is_not(None))
        with self._store.read() as connection:
            pause = connection.scalar(query)
        return _IDLE_SECONDS if pause is None else pause

    def _claim_and_submit(self) -> bool:
        """Gives due rows to free workers. Never waits for a worker: leases must be renewed meanwhile."""
        permits = 0
        while self._free.acquire(blocking=False):
            permits += 1
        claimed: Sequence[sa.Row[Any]] = []
        try:
            claimed = self._claim(permits) if permits else []
        finally:
            for _ in range(permits - len(claimed)):
                self._free.release()
        for row in claimed:
            self._pool.submit(self._work, row)
        return bool(claimed)

    def _claim(self, limit: int) -> Sequence[sa.Row[Any]]:
        table, now = self._law.table, self._store.now
        # Through a CTE: PostgreSQL may evaluate a bare `IN (SELECT … LIMIT … FOR UPDATE)` more than once.
        due = (
            sa.select(table.c.id)
            .where(table.c.next_at <= now, table.c.lease_until <= now)
            .order_by(table.c.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        claim = (
            sa.update(table)
            .where(table.c.id.in_(sa.select(due.c.id)))
            .values(owner=self._me, epoch=table.c.epoch + 1, lease_until=now + self._lease)
            .returning(table)
        )
        with self._store.write() as connection:
            return connection.execute(claim).all()

    def _renew(self) -> None:
        table = self._law.table
        renewal = sa.update(table).where(table.c.owner == self._me)
        with self._store.write() as connection:
            connection.execute(renewal.values(lease_until=self._store.now + self._lease))

    def _work(self, row: sa.Row[Any]) -> None:
        try:
            outcome = self._step(row)
            # Nothing is lost while the database is away: the lease is renewed as soon as it is back.
            while not self._write_back(row, outcome) and not self._stopping.wait(_IDLE_SECONDS):
                pass
        finally:
            self._free.release()
            self._woken.set()

    def _step(self, row: sa.Row[Any]) -> Callable[[Rows, sa.Row[Any]], Settled]:
        """The step's outcome: what to do with the fresh row, within the transaction that writes it back."""
        try:
            result = self._law.step(row)
        except Exception:  # noqa: BLE001  # whatever it was, the row must go on
            if self._stopping.is_set():
                return lambda _rows, _fresh: Settled({}, 0.0)  # the server it needs may be stopping too
            _log.exception("A step of %s %s failed", self._law.table.name, row.id)
            return self._after_error
        return lambda rows, fresh: self._law.settle(rows, fresh, result)

    def _after_error(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        if row.errors + 1 >= _MAX_ERRORS:
            return self._law.give_up(rows, row)
        pause = min(60.0, 2.0**row.errors) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
        return Settled({"errors": row.errors + 1}, pause)

    def _write_back(self, row: sa.Row[Any], outcome: Callable[[Rows, sa.Row[Any]], Settled]) -> bool:
        """Settles the row if the lease still holds. False if the database is out of reach."""
        table = self._law.table
        held = sa.and_(table.c.id == row.id, table.c.epoch == row.epoch)
        try:
            with self._store.write(row.account_id, row.region) as connection:
                fresh = connection.execute(sa.select(table).where(held).with_for_update()).one_or_none()
                if fresh is None:
                    _log.warning("The lease of %s %s was lost; its step is dropped", table.name, row.id)
                    return True
                changes, delay = outcome(Rows(connection, row.account_id, row.region), fresh)
                next_at = sa.null() if delay is None else self._store.now + delay
                work = {"owner": None, "lease_until": 0.0, "next_at": next_at, "errors": 0}
                connection.execute(sa.update(table).where(held).values(work | changes))
        except sa.exc.OperationalError:
            _log.exception("The database is out of reach; the result of %s %s is kept", table.name, row.id)
            return False
        except Exception:  # noqa: BLE001  # as above
            # A fault in settling must not be met again at once, for ever.
            _log.exception("The result of a step of %s %s could not be written", table.name, row.id)
            return outcome == self._after_error or self._write_back(row, self._after_error)
        return True
