"""The store, on both databases."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from proton_server.persistence.databases import StoreError
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store, WouldBlock
from proton_server.persistence.tables import environments


def test_rows_of_another_account_or_region_cannot_be_reached(database_url: str) -> None:
    store = Store(database_url)
    with store.write("111111111111", "us-east-1") as connection:
        Rows(connection, "111111111111", "us-east-1").insert(environments, name="e", record={})

    with store.read() as connection:
        for account, region in (("222222222222", "us-east-1"), ("111111111111", "eu-west-1")):
            rows = Rows(connection, account, region)
            assert rows.find(environments, name="e") is None
            assert rows.all(environments) == []
        assert Rows(connection, "111111111111", "us-east-1").find(environments, name="e") is not None
    store.close()


def test_a_failed_transaction_leaves_nothing(database_url: str) -> None:
    store = Store(database_url)
    with suppress(RuntimeError), store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={})
        raise RuntimeError
    with store.read() as connection:
        assert Rows(connection, "1", "r").all(environments) == []
    store.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"{tmp_path}/state.sqlite3")) as store:
        with store.write("1", "r") as connection:
            Rows(connection, "1", "r").insert(environments, name="e", record={"n": 0})
        yield store


def number(store: Store) -> int:
    """What an event loop reads."""
    with store.read_without_blocking() as connection:
        row = Rows(connection, "1", "r").find(environments, name="e")
        assert row is not None
        return row.record["n"]


def test_a_read_without_blocking_sees_each_change_at_once(sqlite_store: Store) -> None:
    for changed in (1, 2):
        with sqlite_store.write("1", "r") as connection:
            Rows(connection, "1", "r").update(environments, {"name": "e"}, record={"n": changed})
            assert number(sqlite_store) == changed - 1
        assert number(sqlite_store) == changed


def test_a_read_without_blocking_needs_no_connection_of_the_pool(sqlite_store: Store) -> None:
    taken = [sqlite_store.engine.connect() for _ in range(32)]
    assert number(sqlite_store) == 0
    for connection in taken:
        connection.close()


def test_a_read_without_blocking_does_not_wait_for_a_locked_database(sqlite_store: Store) -> None:
    assert number(sqlite_store) == 0
    sqlite_store.engine.dispose()
    sqlite_store._drop_kept_connection()
    with closing(sqlite3.connect(str(sqlite_store), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(WouldBlock) as refusal:
            number(sqlite_store)
        assert "database is locked" in str(refusal.value.__cause__)
    assert number(sqlite_store) == 0


def test_a_database_behind_a_network_is_not_read_without_blocking(new_postgresql: str) -> None:
    with closing(Store(new_postgresql)) as store, pytest.raises(WouldBlock), store.read_without_blocking():
        pass


def test_writers_of_one_account_follow_each_other(database_url: str) -> None:
    """Each of 40 writers reads a number and writes the next: with an overlap, one would be lost."""
    store = Store(database_url)
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={"n": 0})

    def count() -> None:
        for _ in range(5):
            with store.write("1", "r") as connection:
                rows = Rows(connection, "1", "r")
                row = rows.all(environments)[0]
                rows.update(environments, {"name": "e"}, record={"n": row.record["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert Rows(connection, "1", "r").all(environments)[0].record == {"n": 40}
    store.close()


def test_a_database_keeps_its_rows_when_it_is_opened_again(database_url: str) -> None:
    store = Store(database_url)
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={"n": "ü"})
    store.close()

    again = Store(database_url)
    with again.read() as connection:
        assert Rows(connection, "1", "r").all(environments)[0].record == {"n": "ü"}
    again.close()


def test_an_error_of_the_database_does_not_quote_what_was_to_be_written(database_url: str) -> None:
    store = Store(database_url)
    with suppress(sa.exc.IntegrityError), store.write("1", "r") as connection:
        rows = Rows(connection, "1", "r")
        rows.insert(environments, name="e", record={})
        with pytest.raises(sa.exc.IntegrityError) as caught:
            rows.insert(environments, name="e", record={"spec": "hunter2"})
        raise caught.value
    assert "hunter2" not in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    ("database", "sentence"),
    [
        ("postgresql+psycopg2://u:hush@h/x", "--database must be a SQLite file or a PostgreSQL URL"),
        ("postgresql+asyncpg://u:hush@h/x", "--database must be"),
        ("sqlite+aiosqlite:///x", "--database must be"),
        ("sqlite+pysqlcipher://:hush@/x", "--database must be"),
        ("postgresql://u:hush@h:port/x", "--database must be"),
        ("sqlite:///x?mode=ro&uri=true", r"--database takes no parameters \(\?mode=…\) after a SQLite file"),
        ("postgres://u:hush@127.0.0.1:1/x", r"The database postgresql\+psycopg://u:\*\*\*@127.*refused"),
        ("postgresql://u:hush@127.0.0.1:99999/x", "cannot be opened: .*port"),
        ("postgresql://u:hush@no-such-host.invalid/x", "cannot be opened: .*no-such-host.invalid"),
        ("postgresql://127.0.0.1:1/x?colour=red", "cannot be opened: .*colour"),
        ("postgresql://127.0.0.1:1/x?password=hush", "cannot be opened: .*refused"),
        ("postgresql://h/x?connect_timeout=soon", "cannot be opened: .*connect_timeout"),
        ("postgresql://h/x?plugin=none", "cannot be opened: "),
        ("postgresql://u@/x?host=a&host=b&port=1&port=2&port=3", "cannot be opened: "),
    ],
)
def test_a_database_that_cannot_be_meant_or_reached_is_one_sentence_without_its_password(
    database: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=sentence) as caught:
        Store(database)

    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_the_server_does_not_have_is_one_sentence(new_postgresql: str) -> None:
    missing = sa.make_url(new_postgresql).set(database="missing").render_as_string()
    with pytest.raises(StoreError, match=r'cannot be opened: .*database "missing" does not exist'):
        Store(missing)


def test_a_postgresql_that_only_reads_is_one_sentence(new_postgresql: str) -> None:
    Store(new_postgresql).close()
    url = sa.make_url(new_postgresql)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on")
    engine.dispose()

    with pytest.raises(StoreError, match=r"cannot be opened: .*read-only"):
        Store(new_postgresql)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite database that nobody uses."""
    Store(str(tmp_path / "db")).close()
    return tmp_path / "db"


OPEN = """
import os, sys
from proton_server.persistence.store import Store
from proton_server.persistence.databases import StoreError
if os.getuid() == 0:
    os.setuid(65534)
try:
    Store(sys.argv[1]).serve_alone()
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("writable", ["nothing", "the folder"])
def test_a_sqlite_file_that_cannot_be_written_is_one_sentence(file: Path, writable: str) -> None:
    for folder in (file.parent, *file.parent.parents[:2]):
        folder.chmod(0o755)
    file.chmod(0o444)
    file.parent.chmod(0o777 if writable == "the folder" else 0o555)
    done = subprocess.run([sys.executable, "-c", OPEN, file], capture_output=True, text=True, check=True)
    file.parent.chmod(0o755)

    assert done.stdout.startswith(f"The database {file} cannot be opened: "), done.stderr
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-c", OPEN.replace("os.setuid", "id"), tmp_path / "db"],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=no_room,
    )

    assert done.stdout.startswith(f"The database {tmp_path}/db cannot be opened: "), done.stderr
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_file_is_served_by_one_process_whatever_it_is_called(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    (file.parent / "link").symlink_to("db")
    first, others = (
        Store("db"),
        [Store(name) for name in ("link", str(file), f"{file.parent}/../{file.parent.name}/db")],
    )
    first.serve_alone()

    for other in others:
        with pytest.raises(StoreError, match="Another proton-server uses the database"):
            other.serve_alone()
        other.close()
    assert (str(first), str(others[0])) == ("db", "link")
    assert {path.name for path in file.parent.glob("*-serving")} == {"db-serving"}
    first.close()


def test_a_file_with_a_second_name_is_not_served(file: Path) -> None:
    os.link(file, file.parent / "twin")
    store = Store(str(file))
    with pytest.raises(StoreError, match=r"has other names \(hard links\)"):
        store.serve_alone()
    store.close()


def test_a_served_sqlite_database_can_be_backed_up(file: Path) -> None:
    store = Store(str(file))
    store.serve_alone()
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={})
        with closing(sqlite3.connect(file)) as served, closing(sqlite3.connect(f"{file}.copy")) as copy:
            served.backup(copy)
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="later", record={})
    store.close()

    restored = Store(f"{file}.copy")
    with restored.read() as connection:
        assert Rows(connection, "1", "r").all(environments) == []
    restored.close()
