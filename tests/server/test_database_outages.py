"""What becomes of requests, workers and the log while a database is locked, out of reach or full."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
import sqlalchemy as sa
from botocore.config import Config

from proton_server.engine import reconciler as reconciling
from proton_server.engine.reconciler import Reconciler
from proton_server.identity.access_keys import create_access_key
from proton_server.persistence import store as storing
from proton_server.persistence.databases import DIALECTS
from proton_server.persistence.outage import Outage
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store, Unavailable
from proton_server.persistence.tables import deployments, environments
from tests.master_keys import MASTER_KEYS, MASTER_KEYS_ENVIRONMENT
from tests.refusals import refused
from tests.server.counting_handler import LEASE, CountingHandler, add, counts, row_of
from tests.server.test_serve import PROGRAM
from tests.servers import LocalServer
from tests.waiting import eventually


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what another has."""
    monkeypatch.setattr(storing, "_POOL_SECONDS", 0.3)
    for dialect in DIALECTS.values():
        monkeypatch.setattr(dialect, "patience", 0.5)


@contextmanager
def all_connections_taken(store: Store) -> Iterator[None]:
    taken = [store.engine.connect() for _ in range(32)]
    try:
        yield
    finally:
        for connection in taken:
            connection.close()


@contextmanager
def locked_elsewhere(url: str, account: str) -> Iterator[None]:
    """Another process is in a transaction of the account; on SQLite that locks all writers out."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            DIALECTS["postgresql"].serialise(connection, f"{account}/r")
            yield
        engine.dispose()


@pytest.mark.usefixtures("impatient")
def test_the_reconciler_outlives_a_time_without_connections(database_url: str) -> None:
    store = Store(database_url)
    reconciler = Reconciler(store, CountingHandler(), lease=LEASE)
    reconciler.start()
    try:
        with all_connections_taken(store):
            eventually(lambda: reconciler.fault() == "The database cannot be used; the log says why.")
        eventually(lambda: reconciler.fault() is None)
        id_ = add(store)
        eventually(lambda: counts(store)[id_] == 3)
    finally:
        reconciler.stop()
        store.close()


def test_a_reconciler_that_hangs_says_so(store: Store, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "_HANGING_SECONDS", 0.5)
    monkeypatch.setattr(reconciling, "_IDLE_SECONDS", 0.05)
    reconciler = start(CountingHandler())
    eventually(lambda: reconciler.fault() is None)

    with all_connections_taken(store):
        eventually(lambda: "has made no round for" in (reconciler.fault() or ""))


def test_a_round_that_fails_by_a_fault_is_followed_by_the_next(
    store: Store, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, refusals = ThreadPoolExecutor.submit, iter(range(1))

    def no_thread_at_first(pool: ThreadPoolExecutor, *work: Any) -> Any:
        if next(refusals, None) is not None:
            raise RuntimeError("can't start new thread")  # Python's own words
        return submit(pool, *work)

    monkeypatch.setattr(reconciling, "_ERROR_SECONDS", 0.1)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", no_thread_at_first)
    id_ = add(store)
    start(handler := CountingHandler(), workers=1)

    eventually(lambda: counts(store)[id_] == 3)
    assert len(handler.steps) == 3


def test_a_result_that_can_in_no_way_be_written_leaves_the_row_to_the_next_lease(
    store: Store, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_MAX_ERRORS", 1)
    handler, faults = CountingHandler(), iter(range(2))

    def settle(rows: Rows, row: sa.Row[Any], result: str) -> Any:
        return (
            CountingHandler.settle(handler, rows, row, result)
            if next(faults, None) is None
            else {}["missing"]
        )

    handler.settle = settle  # type: ignore[method-assign]
    handler.give_up = lambda rows, row: 1 / 0  # type: ignore[method-assign,assignment]
    id_ = add(store)
    start(handler, workers=1)

    eventually(lambda: counts(store)[id_] == 3)
    assert len(handler.steps) == 5


def test_a_step_that_would_end_its_thread_counts_as_a_failure(store: Store, start: Any) -> None:
    def leave_once(row: sa.Row[Any]) -> None:
        if row.errors == 0 and row.record["count"] == 0:
            sys.exit()

    id_ = add(store)
    start(handler := CountingHandler(leave_once), workers=1)

    eventually(lambda: counts(store)[id_] == 3)
    assert len(handler.steps) == 4


@pytest.mark.usefixtures("impatient")
def test_a_locked_account_keeps_no_other_and_no_reconciler_waiting(database_url: str) -> None:
    store = Store(database_url)
    reconciler = Reconciler(store, CountingHandler(), lease=LEASE)

    def write(account: str) -> str:
        try:
            with store.write(account, "r") as connection:
                Rows(connection, account, "r").insert(environments, name="e", record={})
        except Unavailable as error:
            return str(error)
        return "written"

    with ThreadPoolExecutor(40) as threads, locked_elsewhere(database_url, "111111111111"):
        waiting = [threads.submit(write, "111111111111") for _ in range(39)]
        with store.read() as connection:
            assert Rows(connection, "222222222222", "r").all(environments) == []
        if database_url.startswith("postgresql"):
            assert store.engine.pool.checkedout() <= 3  # type: ignore[attr-defined]
            assert write("222222222222") == "written"
            reconciler.start()
            eventually(lambda: not any(future.running() for future in waiting))
            assert reconciler.fault() is None
            reconciler.stop()
        messages = {future.result() for future in waiting}
    assert all("are locked: " in message for message in messages)
    assert write("111111111111") == "written"
    store.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite locks no rows
def test_a_row_locked_elsewhere_costs_no_other_its_lease(store: Store, start: Any) -> None:
    over = threading.Event()
    handler = CountingHandler(lambda row: over.wait(30) and None)
    ids = [add(store), add(store)]
    start(handler)
    eventually(lambda: len(handler.steps) == 2)
    start(other := CountingHandler())

    with store.write() as connection:
        connection.execute(sa.select(deployments).where(deployments.c.id == ids[0]).with_for_update())
        time.sleep(LEASE * 2.5)
        assert other.steps == []
    over.set()
    eventually(lambda: counts(store)[ids[1]] == 3)
    assert [*handler.steps, *other.steps].count(ids[1]) == 3


def test_what_cannot_be_read_or_written_is_no_fault_of_the_step(
    store: Store, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter(range(1))

    def without_database(row: sa.Row[Any]) -> None:
        if next(failures, None) is not None:
            raise Unavailable

    id_ = add(store)
    start(handler := CountingHandler(without_database))

    eventually(lambda: len(handler.steps) == 1)
    assert row_of(store, id_).errors == 0
    eventually(lambda: counts(store)[id_] == 3)


class TestLog:
    def told(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        return [record.getMessage() for record in caplog.records]

    def test_an_outage_is_a_line_at_its_beginning_some_while_it_lasts_and_one_at_its_end(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        clock = iter(range(1000))  # a second passes with each look at it
        outage = Outage(lambda: float(next(clock)))
        outage.succeeded(writing=True)
        for _ in range(30):
            outage.failed("away", writing=False)
        outage.succeeded(writing=False)
        outage.succeeded(writing=False)

        lines = self.told(caplog)
        assert 3 <= lines.count("away") <= 4
        assert [line.split(", ")[0] for line in lines if line != "away"] == ["The database can be used again"]

    def test_reading_does_not_show_that_writing_works_again(self, caplog: pytest.LogCaptureFixture) -> None:
        outage = Outage()
        outage.failed("full", writing=True)
        outage.succeeded(writing=False)
        assert self.told(caplog) == ["full"]
        outage.succeeded(writing=True)
        assert "can be used again" in self.told(caplog)[1]

    def test_threads_that_meet_an_outage_together_log_it_once(self, caplog: pytest.LogCaptureFixture) -> None:
        outage = Outage()
        threads = [
            threading.Thread(target=outage.failed, args=("away",), kwargs={"writing": True})
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self.told(caplog) == ["away"]


def health(url: str, of: str = "") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{url}/health{of}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_server_without_its_database_says_so_and_is_back_with_it(
    new_postgresql: str, tmp_path: Path
) -> None:
    store = Store(new_postgresql)
    key, secret = create_access_key(store, MASTER_KEYS, "111122223333")
    store.close()
    server_url = sa.make_url(new_postgresql).set(drivername="postgresql", database="postgres")
    name = sa.make_url(new_postgresql).database
    log = tmp_path / "log"
    program = [*PROGRAM, "serve", "--port", "0", "--database", new_postgresql]
    with (
        log.open("w") as stderr,
        psycopg.connect(server_url.render_as_string(), autocommit=True) as administrator,
        subprocess.Popen(
            program,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | MASTER_KEYS_ENVIRONMENT,
        ) as server,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[4]
            client = boto3.client(
                "proton",
                endpoint_url=url,
                region_name="eu-west-1",
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                config=Config(retries={"total_max_attempts": 1}),
            )
            eventually(lambda: health(url) == (200, "ok\n"))

            administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            eventually(lambda: health(url) == (503, "The database cannot be used; the log says why.\n"))
            assert health(url, "/ready") == health(url)
            assert health(url, "/live") == (200, "ok\n"), "a restart would not help"
            for _ in range(20):
                with refused("InternalServerException", "The server cannot use its database just now."):
                    client.list_environments()

            administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
            eventually(lambda: health(url) == (200, "ok\n"))
            assert client.list_environments()["environments"] == []
            eventually(lambda: "can be used again" in log.read_text())
        finally:
            server.terminate()
    # It has no AWS either, and warns of that.
    lines = [line for line in log.read_text().splitlines() if "AWS" not in line]
    assert 2 <= len(lines) <= 6, lines
    # Whichever of PostgreSQL's and psycopg's words for it the first statement met.
    words = ("not currently accepting connections", "terminating connection", "server closed the connection")
    assert any(word in lines[0] for word in words), lines


def test_a_server_whose_sqlite_file_cannot_be_used_is_live_but_not_ready(
    restartable_server: Callable[..., LocalServer],
) -> None:
    server = restartable_server()
    with closing(sqlite3.connect(server.database, isolation_level=None)) as database:
        database.execute("ALTER TABLE deployments RENAME TO away")
        eventually(
            lambda: health(server.url, "/ready") == (503, "The database cannot be used; the log says why.\n")
        )
        assert health(server.url, "/live") == (200, "ok\n")
        database.execute("ALTER TABLE away RENAME TO deployments")
    eventually(lambda: health(server.url, "/ready") == (200, "ok\n"))


def test_who_watches_for_rows_hears_nothing_of_an_outage(store: Store, impatient: None) -> None:
    """Rows that cannot be made due are due by themselves later."""
    id_ = add(store)
    reconciler = Reconciler(store, CountingHandler())

    with all_connections_taken(store):
        reconciler.make_due([id_])
