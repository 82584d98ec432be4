"""The reconciler's promises, on both databases, with a handler that counts instead of calling AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa

from proton_server.engine import reconciler as reconciling
from proton_server.engine.handler import LeaseLost
from proton_server.engine.reconciler import Reconciler
from proton_server.persistence.store import Store
from proton_server.persistence.tables import deployments
from tests.server.counting_handler import LEASE, CountingHandler, add, counts, row_of
from tests.waiting import eventually


def test_work_that_is_there_and_work_that_comes_is_done_once_per_step(
    store: Store, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For an hour nothing is looked for without `wake`.
    monkeypatch.setattr(reconciling, "_IDLE_SECONDS", 3600)
    handler = CountingHandler()
    first = [add(store) for _ in range(30)]
    reconciler = start(handler, lease=3 * 3600)
    eventually(lambda: set(counts(store).values()) == {3})
    late = add(store)
    reconciler.wake()

    eventually(lambda: counts(store)[late] == 3)
    assert sorted(handler.steps) == sorted([*first, late] * 3)


def test_rows_that_wait_are_put_off_by_as_much_each_and_those_that_are_due_are_not(store: Store) -> None:
    soon, sooner, late, due, done = (add(store) for _ in range(5))
    waits: list[tuple[str, float | None]] = [(soon, 30), (sooner, 10), (late, 90), (due, -1), (done, None)]
    with store.write() as connection:
        now: float = connection.scalar(sa.select(store.now)) or 0.0
        for id_, seconds in waits:
            statement = sa.update(deployments).where(deployments.c.id == id_)
            connection.execute(statement.values(next_at=None if seconds is None else now + seconds))

    waiting = Reconciler(store, CountingHandler()).put_off([soon, sooner, late, due, done], 20.0)

    assert {*waiting} == {soon, sooner, late}
    found = {id_: row_of(store, id_).next_at for id_, _ in waits}
    assert found[done] is None
    assert [round(found[id_] - now) for id_ in (soon, sooner, late, due)] == [50, 30, 90, -1]


def test_two_deployments_of_one_environment_are_never_in_flight(store: Store) -> None:
    add(store, "dev")

    with pytest.raises(sa.exc.IntegrityError):
        add(store, "dev")
    add(store, "other")


def test_a_step_longer_than_the_lease_keeps_it(store: Store, start: Any) -> None:
    handler = CountingHandler(lambda row: time.sleep(LEASE * 2) if row.record["count"] == 0 else None)
    id_ = add(store)
    start(handler)
    start(other := CountingHandler())

    eventually(lambda: counts(store)[id_] == 3)
    assert len(handler.steps + other.steps) == 3


def test_leases_are_kept_while_all_workers_are_busy(store: Store, start: Any) -> None:
    def slow(row: sa.Row[Any]) -> None:
        time.sleep(LEASE * 2 if row.record["count"] == 0 else 0)

    ids = [add(store) for _ in range(3)]
    handlers = [CountingHandler(slow), CountingHandler(slow)]
    for handler in handlers:
        start(handler, workers=1)

    eventually(lambda: set(counts(store).values()) == {3})
    assert sorted(handlers[0].steps + handlers[1].steps) == sorted(ids * 3)


def test_the_result_of_a_step_whose_lease_was_lost_is_dropped(store: Store, start: Any) -> None:
    """Another process claims the row during the step, as if this one had slept past its lease."""
    stolen = threading.Event()

    def steal(row: sa.Row[Any]) -> None:
        if not stolen.is_set():
            with store.write() as connection:
                theft = sa.update(deployments).values(
                    epoch=deployments.c.epoch + 1, owner="thief", record={"count": 1}
                )
                connection.execute(theft.where(deployments.c.id == row.id))
            stolen.set()

    id_ = add(store)
    start(handler := CountingHandler(steal))
    eventually(lambda: len(handler.steps) == 1 and stolen.is_set())
    time.sleep(0.2)
    assert (row_of(store, id_).owner, counts(store)[id_]) == ("thief", 1)

    # The thief's process ended: after its lease the steps continue from what it wrote.
    eventually(lambda: counts(store)[id_] == 3)
    assert len(handler.steps) == 3


def test_a_step_that_notices_itself_that_its_lease_was_lost_is_no_error(
    store: Store, start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def notice(row: sa.Row[Any]) -> None:
        raise LeaseLost(row.id)

    id_ = add(store)
    start(CountingHandler(notice))

    eventually(lambda: f"The lease of deployments {id_} was lost; its step is dropped" in caplog.messages)
    assert "Traceback" not in caplog.text
    assert row_of(store, id_).errors == 0


def test_a_step_that_fails_is_tried_again_later_and_given_up_in_the_end(
    store: Store, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(row: sa.Row[Any]) -> None:
        raise OSError

    monkeypatch.setattr(reconciling, "_MAX_ERRORS", 2)
    id_ = add(store)
    start(handler := CountingHandler(fail))

    eventually(lambda: row_of(store, id_).errors == 1)
    assert counts(store)[id_] == 0
    eventually(lambda: counts(store)[id_] == -1)
    assert len(handler.steps) == 2
    assert row_of(store, id_).next_at is None


def test_a_result_that_cannot_be_settled_counts_as_a_failure(
    store: Store, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_MAX_ERRORS", 1)
    handler = CountingHandler()
    handler.settle = lambda rows, row, result: 1 / 0  # type: ignore[method-assign,assignment]
    id_ = add(store)
    start(handler)

    eventually(lambda: counts(store)[id_] == -1)


def test_a_success_forgets_earlier_failures(store: Store, start: Any) -> None:
    def fail_once(row: sa.Row[Any]) -> None:
        if row.errors == 0 and row.record["count"] == 0:
            raise OSError

    id_ = add(store)
    start(CountingHandler(fail_once))

    eventually(lambda: counts(store)[id_] == 3)
    assert row_of(store, id_).errors == 0


CHILD = """
import sys, time
from proton_server.engine.reconciler import Reconciler
from proton_server.persistence.store import Store
from tests.server.counting_handler import LEASE, CountingHandler
store = Store(sys.argv[1])
store.serve_alone()
def hang(row):
    print(row.id, flush=True)
    time.sleep(60)
Reconciler(store, CountingHandler(hang), lease=LEASE).start()
time.sleep(60)
"""


def test_what_a_killed_process_was_doing_is_done_by_the_next_one(
    database_url: str, store: Store, start: Any, pytestconfig: pytest.Config
) -> None:
    """On PostgreSQL the survivor runs already and waits for the lease; on SQLite a restart frees it."""
    id_ = add(store)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(pytestconfig.rootpath)])}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, database_url], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == id_
        if database_url.startswith("postgresql"):
            start(handler := CountingHandler())
            time.sleep(LEASE * 1.5)
            assert handler.steps == []  # the child is alive and renews its lease
        child.send_signal(signal.SIGKILL)
    if database_url.startswith("sqlite"):
        assert row_of(store, id_).owner is not None
        store.serve_alone()
        assert row_of(store, id_).owner is None
        start(handler := CountingHandler())

    eventually(lambda: counts(store)[id_] == 3)
    assert len(handler.steps) == 3
    assert row_of(store, id_).next_at is None
