"""Moves rows forward: a level-triggered reconciler over any table with the store's work columns.

A row is due when `next_at` has passed; a process claims it with a lease and a new epoch, makes one idempotent
step without a transaction open, and settles the result in a short one, fenced by the epoch. So a process may
be killed at any point: the process that claims the row next makes the step again, and the write of a late
one matches no row. A result that cannot be written is dropped for the same reason: the lease is renewed only
while a worker has the row, and then the step is made again.

What a step is and what its result means is decided by the handler; nothing here knows deployments or AWS.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

import sqlalchemy as sa

from proton_server.engine.claims import claim, make_due, put_off, renew, settle, still_held, until_due
from proton_server.engine.handler import Handler, LeaseLost, Result, Settled
from proton_server.observability.logs import log_fields
from proton_server.observability.measures import UNMEASURED
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proton_server.observability.measures import Measures
    from proton_server.persistence.store import Store

_log = logging.getLogger(__name__)

_LEASE_SECONDS = 15.0
_IDLE_SECONDS = 1.0
"""How long to sleep at most: another process may have left work in a shared database."""
_BUSY_SECONDS = 0.1
"""How long to sleep when all workers are busy, or another process claimed the rows."""
_ERROR_SECONDS = 5.0
"""How long to sleep after a round that raised an unexpected error, which the next one may raise again."""
_HANGING_SECONDS = 15.0
"""After so long without a round the reconciler hangs: a round waits for locks, but never for a step."""
_MAX_ERRORS = 12
"""Steps that fail in a row, with growing pauses: about six minutes."""


class Reconciler(Generic[Result]):
    """Runs a handler over its table, in a thread of its own and a pool of workers.

    `ended` is called with a row for which nothing is left to do, after that is written; not for each, since
    this process may be killed in between.
    """

    def __init__(  # noqa: PLR0913  # what it runs, and how
        self,
        store: Store,
        handler: Handler[Result],
        *,
        workers: int = 16,
        lease: float = _LEASE_SECONDS,
        ended: Callable[[sa.Row[Any]], None] = lambda _row: None,
        measures: Measures = UNMEASURED,
    ) -> None:
        self._store, self._handler, self._lease, self._ended = store, handler, lease, ended
        self._measures = measures
        self._me = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._workers = workers
        self._held: set[tuple[str, int]] = set()
        """ID and epoch of the rows that workers have; their leases are renewed."""
        self._all_busy = False
        """Whether rows may be due that no worker was free for."""
        table, now = handler.table, store.now
        self._until_due_query, self._fresh_query = until_due(table, now), still_held(table)
        self._claim_statement = claim(table, now, self._me, lease)
        self._renew_statement = renew(table, now, self._me, lease)
        self._settle_statement = settle(table, now)
        self._make_due_statement, self._put_off_statement = make_due(table, now), put_off(table, now)
        self._round_at, self._problem = 0.0, ""
        name = handler.table.name
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name}-reconciler", daemon=True)

    @property
    def table(self) -> str:
        """The name of the table."""
        return self._handler.table.name

    def start(self) -> None:
        """Starts the thread."""
        self._round_at = time.monotonic()
        self._thread.start()

    def wake(self) -> None:
        """Looks for due rows at once, instead of after a pause."""
        self._woken.set()

    def make_due(self, ids: Sequence[str]) -> None:
        """Makes rows due at once that wait for a later time; without the database, they are due by then."""
        with suppress(Unavailable), self._store.write() as connection:
            connection.execute(self._make_due_statement, {"ids": ids})
        self.wake()

    def put_off(self, ids: Sequence[str], seconds: float) -> Sequence[str]:
        """Lets rows wait longer that are due soon; returns all that wait, and none without the database."""
        with suppress(Unavailable), self._store.write() as connection:
            return (
                connection.execute(self._put_off_statement, {"ids": ids, "seconds": seconds}).scalars().all()
            )
        return []

    def stop_claiming(self) -> None:
        """Claims no more rows. The steps in progress go on, and keep their leases."""
        self._stopping.set()
        self._woken.set()

    def stop(self, seconds: float | None = None) -> None:
        """Claims no more rows and waits for the steps in progress, for so long at most.

        The row of a step that has ended can be claimed at once, by another process. That of one that has not
        is left to its lease: a call of AWS may still be under way.
        """
        self.stop_claiming()
        self._thread.join(seconds)
        if held := len(self._held):
            message = "Steps of %s that had not ended: %d; another process makes them again in %g seconds"
            _log.warning(message, self._handler.table.name, held, self._lease)
        self._pool.shutdown(wait=not held)

    def fault(self) -> str | None:
        """Why no rows are processed at present, as a sentence; None if they are."""
        idle = time.monotonic() - self._round_at
        if ended := self.end():
            return ended
        if idle > _HANGING_SECONDS:
            return f"The reconciler of {self._handler.table.name} has made no round for {idle:.0f} seconds."
        return self._problem or None

    def end(self) -> str | None:
        """That the thread has ended, which only a restart of the process mends; None if it runs."""
        return None if self._thread.is_alive() else f"The reconciler of {self._handler.table.name} has ended."

    def held(self) -> int:
        """How many rows are being worked on."""
        return len(self._held)

    def round_age(self) -> float:
        """Seconds since the last round that succeeded."""
        return time.monotonic() - self._round_at

    def _run(self) -> None:
        renewed = time.monotonic()
        while self._held or not self._stopping.is_set():
            self._woken.clear()
            try:
                pause = _IDLE_SECONDS if self._stopping.is_set() else self._until_due()
                if pause <= 0 and not self._claim_and_submit():
                    pause = _BUSY_SECONDS
                if time.monotonic() - renewed > self._lease / 3:
                    self._renew()
                    renewed = time.monotonic()
            except Unavailable:
                self._problem, pause = "The database cannot be used; the log says why.", _IDLE_SECONDS
            except BaseException:  # noqa: BLE001  # the thread must not end: it is started only once
                _log.exception("A round of the reconciler of %s failed", self._handler.table.name)
                if self._stopping.wait(_ERROR_SECONDS):
                    self._woken.wait(_IDLE_SECONDS)
                continue
            else:
                self._round_at, self._problem = time.monotonic(), ""
            if pause > 0:
                self._woken.wait(min(pause, _IDLE_SECONDS, self._lease / 3))

    def _until_due(self) -> float:
        """Seconds until a row can be claimed."""
        with self._store.read() as connection:
            pause: float | None = connection.scalar(self._until_due_query)
        return _IDLE_SECONDS if pause is None else pause

    def _claim_and_submit(self) -> bool:
        """Gives due rows to free workers. Never waits for a worker: leases must be renewed meanwhile."""
        free = self._workers - len(self._held)
        claimed = self._claim(free) if free else []
        self._all_busy = len(claimed) == free
        for row in claimed:
            self._held.add((row.id, row.epoch))
            try:
                self._pool.submit(self._work, row)
            except BaseException:
                self._held.discard((row.id, row.epoch))
                raise
        return bool(claimed)

    def _claim(self, limit: int) -> Sequence[sa.Row[Any]]:
        with self._store.write() as connection:
            return connection.execute(self._claim_statement, {"at_most": limit}).all()

    def _renew(self) -> None:
        """Renews the leases of the rows that workers have. Also without any: it shows that writing works."""
        ids = [id_ for id_, _ in self._held.copy()]
        with self._store.write() as connection:
            connection.execute(self._renew_statement, {"ids": ids})

    def _work(self, row: sa.Row[Any]) -> None:
        subject = {self._handler.id_field: row.id, "account": row.account_id, "region": row.region}
        with log_fields(**subject):
            self._work_on(row)

    def _work_on(self, row: sa.Row[Any]) -> None:
        held, began, outcome = (row.id, row.epoch), time.monotonic(), "interrupted"
        due_soon = True
        try:
            if held in self._held:  # a pool that could not start a thread may come back to the row later
                outcome, delay = self._write_back(row, self._step(row))
                due_soon = delay is not None and delay < _IDLE_SECONDS
        except Unavailable:
            outcome = "database_unavailable"  # it is logged, and the step will be made again
        except LeaseLost:
            outcome = "lease_lost"
            _log.warning("The lease of %s %s was lost; its step is dropped", self._handler.table.name, row.id)
        except BaseException:  # noqa: BLE001  # the pool would not log it
            _log.exception("The work on %s %s was interrupted", self._handler.table.name, row.id)
        finally:
            self._held.discard(held)
            if due_soon or self._all_busy or self._stopping.is_set():
                self._woken.set()
            seconds = time.monotonic() - began
            self._measures.step(self._handler.table.name, self._handler.step_name(row), outcome, seconds)

    def _step(self, row: sa.Row[Any]) -> Callable[[Rows, sa.Row[Any]], Settled]:
        """The step's outcome: what to do with the fresh row, within the transaction that writes it back."""
        try:
            result = self._handler.step(row)
        except (LeaseLost, Unavailable):
            raise  # not the step's failure
        except BaseException:  # noqa: BLE001  # whatever it was, the step is made again
            if self._stopping.is_set():
                return lambda _rows, _fresh: Settled({}, 0.0)  # the server it needs may be stopping too
            _log.exception("A step of %s %s failed", self._handler.table.name, row.id)
            return self._after_error
        return lambda rows, fresh: self._handler.settle(rows, fresh, result)

    def _after_error(self, rows: Rows, row: sa.Row[Any]) -> Settled:
        if row.errors + 1 >= _MAX_ERRORS:
            return self._handler.give_up(rows, row)
        pause = min(60.0, 2.0**row.errors) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
        return Settled({"errors": row.errors + 1}, pause)

    def _write_back(
        self, row: sa.Row[Any], outcome: Callable[[Rows, sa.Row[Any]], Settled]
    ) -> tuple[str, float | None]:
        """What became of the step, `OK` or `failed`, and the seconds until the next.

        Raises LeaseLost and Unavailable.
        """
        try:
            delay = self._settle(row, outcome)
        except (LeaseLost, Unavailable):
            raise
        except Exception:  # noqa: BLE001  # as above
            # An error in settling must not be repeated at once, for ever.
            _log.exception(
                "The result of a step of %s %s could not be written", self._handler.table.name, row.id
            )
            return "failed", self._settle(row, self._after_error)
        return ("failed" if outcome == self._after_error else "OK"), delay

    def _settle(self, row: sa.Row[Any], outcome: Callable[[Rows, sa.Row[Any]], Settled]) -> float | None:
        """Writes the outcome into the row; the seconds until the next step.

        Raises LeaseLost if another process has the row now.
        """
        held = {"held_id": row.id, "held_epoch": row.epoch}
        with self._store.write(row.account_id, row.region) as connection:
            fresh = connection.execute(self._fresh_query, held).one_or_none()
            if fresh is None:
                raise LeaseLost(row.id)
            changes, delay = outcome(Rows(connection, row.account_id, row.region), fresh)
            connection.execute(self._settle_statement, {"errors": 0, **changes, **held, "delay": delay})
        if delay is None:
            self._ended(fresh)
        return delay
