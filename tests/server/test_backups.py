"""`database backup`, `restore` and `restored`: files, refusals, what stays withdrawn, and crashes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from proton_server.identity.access_keys import create_access_key, list_access_keys, revoke_access_key
from proton_server.identity.revocations import is_revoked
from proton_server.persistence.store import Store
from proton_server.persistence.tables import SCHEMA_VERSION, environment_account_connections, environments
from tests.bundles import bundle
from tests.commands import run_command
from tests.fault_proxy import FaultProxy, refusal
from tests.master_keys import MASTER_KEYS
from tests.names import ACCOUNT, REGION, unique
from tests.postgresql import client_program
from tests.server.environments import create
from tests.server.released import write_release
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.waiting import ended, eventually


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A SQLite database of this release with an environment."""
    Store(str(tmp_path / "db")).close()
    put(tmp_path / "db", "first")
    return tmp_path / "db"


def put(database: Path, *names: str) -> None:
    """Adds environments."""
    with closing(Store(str(database))) as store, store.write() as connection:
        for name in names:
            row = {"account_id": ACCOUNT, "region": REGION, "name": name, "record": {}}
            connection.execute(sa.insert(environments), row)


def names(database: Path) -> list[str]:
    """The environments."""
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM environments ORDER BY name")]


def done(*typed: object) -> Any:
    """A command that succeeds."""
    result = run_command(*map(str, typed))
    assert result.exit_code == 0, result.output
    return result


def refused(*typed: object) -> str:
    """The one sentence with which a command is refused."""
    result = run_command(*map(str, typed))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    return result.stderr


def backed_up(database: Path, *options: str) -> Path:
    """A backup of the database."""
    file = database.with_name("backup")
    done("database", "backup", file, "--database", database, *options)
    return file


class TestABackup:
    def test_it_has_what_was_there_in_one_file_for_its_owner_only(self, database: Path) -> None:
        file = backed_up(database)

        assert names(file) == ["first"]
        assert file.stat().st_mode & 0o777 == 0o600
        assert {path.name for path in database.parent.iterdir()} <= {"db", "db-wal", "db-shm", "backup"}
        with closing(sqlite3.connect(file)) as connection:
            marks = dict(connection.execute("SELECT key, value FROM meta"))
        assert marks["schema"] == SCHEMA_VERSION
        assert {"id", "backup_at"} < marks.keys()

    def test_it_is_not_written_over_a_file_unless_that_is_asked_for(self, database: Path) -> None:
        file = backed_up(database)
        put(database, "second")

        assert "exists: name another file, or add --overwrite." in refused(
            "database", "backup", file, "--database", database
        )
        assert names(file) == ["first"]
        backed_up(database, "--overwrite")
        assert names(file) == ["first", "second"]

    def test_it_is_made_beside_a_server_and_has_what_was_acknowledged_before_it_began(
        self, local_server: LocalServer, tmp_path: Path
    ) -> None:
        server = ServedBesideAws(tmp_path, aws=local_server)
        server.start()
        proton, stopping, acknowledged = server.client("proton"), threading.Event(), list[str]()

        def write() -> None:
            while not stopping.is_set():
                made = proton.create_environment_template(name=unique("t"))
                acknowledged.append(made["environmentTemplate"]["name"])

        thread = threading.Thread(target=write)
        thread.start()
        try:
            eventually(lambda: acknowledged)
            for number in range(5):
                before = set(acknowledged)
                done("database", "backup", tmp_path / f"b{number}", "--database", server.database)
                with closing(sqlite3.connect(tmp_path / f"b{number}")) as connection:
                    found = {name for (name,) in connection.execute("SELECT name FROM environment_templates")}
                assert before <= found
        finally:
            stopping.set()
            thread.join()
            server.stop()

    def test_a_database_of_an_older_release_is_backed_up_before_its_upgrade(self, tmp_path: Path) -> None:
        write_release(f"sqlite:///{tmp_path}/db")

        file = backed_up(tmp_path / "db")
        assert "created" in names(file)
        done("database", "restore", file, "--database", tmp_path / "restored")

        assert names(tmp_path / "restored") == names(file)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, "unable to open database file"),
            (b"no database" * 100, "file is not a database"),
            (b"", "is not one of a proton-server."),
        ],
    )
    def test_what_is_no_database_is_refused_and_leaves_no_file(
        self, content: bytes | None, sentence: str, tmp_path: Path
    ) -> None:
        if content is not None:
            (tmp_path / "db").write_bytes(content)

        assert sentence in refused("database", "backup", tmp_path / "backup", "--database", tmp_path / "db")
        assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else ["db"])


class TestARestore:
    def test_it_brings_back_what_the_backup_has(self, database: Path) -> None:
        file = backed_up(database)
        put(database, "second")

        assert "is not empty: add --replace to replace what is in it." in refused(
            "database", "restore", file, "--database", database
        )
        assert names(database) == ["first", "second"]
        done("database", "restore", file, "--database", database, "--replace")

        assert names(database) == ["first"]
        assert not [path.name for path in database.parent.iterdir() if path.name.startswith(".")]
        audit = done("audit", "--database", database).stdout
        assert "RestoreDatabase  backup of 20" in audit

    def test_a_new_database_is_for_its_owner_only(self, database: Path) -> None:
        target = database.with_name("new")

        done("database", "restore", backed_up(database), "--database", target)

        assert names(target) == ["first"]
        assert target.stat().st_mode & 0o777 == 0o600

    def test_it_is_refused_while_a_server_uses_the_database(self, database: Path) -> None:
        file = backed_up(database)
        with closing(Store(str(database))) as store:
            store.serve_alone()
            for command in (["restore", file, "--replace"], ["restored"]):
                assert "Another proton-server uses the database " in refused(
                    "database", *command, "--database", database
                )

    def test_a_file_that_is_no_backup_is_refused(self, database: Path, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("no backup" * 100)

        for file, sentence in (
            (database, "is not a backup of a proton-server, made by `database backup`."),
            (tmp_path / "text", "cannot be read: file is not a database."),
            (tmp_path / "missing", "cannot be read: unable to open database file."),
        ):
            assert sentence in refused("database", "restore", file, "--database", tmp_path / "new")
        assert not (tmp_path / "new").exists()

    def test_a_folder_that_is_missing_is_named(self, database: Path, tmp_path: Path) -> None:
        file, missing = backed_up(database), tmp_path / "missing"

        to = ("restore", file, "--database", missing / "b")
        for typed in (("backup", missing / "b", "--database", database), to):
            assert f"There is no folder {missing} for b." in refused("database", *typed)

    def test_a_backup_of_a_newer_release_is_refused(self, database: Path, tmp_path: Path) -> None:
        file = backed_up(database)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
            connection.commit()

        sentence = refused("database", "restore", file, "--database", tmp_path / "new")

        assert (
            f"has schema version 99, and this release knows those up to {SCHEMA_VERSION}: use the" in sentence
        )

    def test_a_damaged_backup_is_refused(self, database: Path, tmp_path: Path) -> None:
        file = backed_up(database)
        content = bytearray(file.read_bytes())
        with closing(sqlite3.connect(file)) as connection:
            query = "SELECT rootpage FROM sqlite_schema WHERE name = 'deployments_due'"
            (page,) = connection.execute(query).fetchone()
            size = connection.execute("PRAGMA page_size").fetchone()[0]
        content[(page - 1) * size : page * size] = os.urandom(size)
        file.write_bytes(content)

        sentence = refused("database", "restore", file, "--database", tmp_path / "new")

        assert f"The backup {file} is damaged: " in sentence
        assert not (tmp_path / "new").exists()

    def test_a_damaged_database_is_not_replaced_but_to_be_moved_away(self, database: Path) -> None:
        file = backed_up(database)
        database.write_bytes(b"no database" * 1000)

        sentence = refused("database", "restore", file, "--database", database, "--replace")

        assert (
            f"The database {database} is damaged (file is not a database): move it away, with db-wal"
            in sentence
        )

    def test_a_backup_that_was_only_copied_is_not_served(self, database: Path) -> None:
        file = backed_up(database)

        sentence = refused("serve", "--port", "0", "--database", file)

        assert f"{file} is a backup: restore it with `proton-server database restore {file}" in sentence
        done("database", "restored", "--database", file)
        with closing(sqlite3.connect(file)) as connection:
            assert "backup_at" not in dict(connection.execute("SELECT key, value FROM meta"))


class TestWhatWasWithdrawnSinceTheBackup:
    @pytest.fixture
    def keys(self, database: Path) -> tuple[str, str]:
        """Two keys of the backup, of which the first was revoked since; and a connection that was deleted."""
        with closing(Store(str(database))) as store:
            first, second = (create_access_key(store, MASTER_KEYS, ACCOUNT)[0] for _ in range(2))
            with store.write() as connection:
                row = {"account_id": ACCOUNT, "region": REGION, "id": "c", "record": {}}
                more = {"management_account_id": "222222222222", "environment_name": "e"}
                connection.execute(sa.insert(environment_account_connections), row | more)
            backed_up(database)
            revoke_access_key(store, first)
            with store.write() as connection:
                connection.execute(sa.delete(environment_account_connections))
        return first, second

    def found(self, database: Path) -> tuple[dict[str, bool], int]:
        """The keys and whether each is revoked, and the number of connections."""
        with closing(Store(str(database))) as store, store.read() as connection:
            rows = list_access_keys(store)
            number = connection.scalar(
                sa.select(sa.func.count()).select_from(environment_account_connections)
            )
        return {row.id: row.revoked_at is not None for row in rows}, number or 0

    def test_it_stays_withdrawn_in_the_database_that_is_replaced(
        self, database: Path, keys: tuple[str, str]
    ) -> None:
        with closing(Store(str(database))) as store:
            third, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)

        result = done(
            "database", "restore", database.with_name("backup"), "--database", database, "--replace"
        )

        assert self.found(database) == ({keys[0]: True, keys[1]: False, third: False}, 0)
        assert "the audit are as they were before the restore." in result.stderr
        assert "WARNING" not in result.stderr
        assert "RevokeAccessKey" in done("audit", "--database", database).stdout

    def test_elsewhere_it_is_accepted_again_and_the_operator_is_warned(
        self, database: Path, keys: tuple[str, str]
    ) -> None:
        new = database.with_name("new")

        result = done("database", "restore", database.with_name("backup"), "--database", new)

        assert self.found(new) == ({keys[0]: False, keys[1]: False}, 1)
        assert (
            "WARNING: access keys and connections between accounts are as the backup has them"
            in result.stderr
        )
        assert f"Access keys that are accepted: {', '.join(sorted(keys))}." in result.stderr

    def test_all_keys_of_a_backup_can_be_revoked(self, database: Path, keys: tuple[str, str]) -> None:
        new = database.with_name("new")
        file = database.with_name("backup")

        result = done("database", "restore", file, "--database", new, "--revoke-keys")

        assert self.found(new)[0] == {keys[0]: True, keys[1]: True}
        assert f"Access keys revoked: {', '.join(sorted(keys))}." in result.stderr

    def test_nothing_is_taken_from_a_database_that_the_backup_is_not_of(
        self, database: Path, keys: tuple[str, str], tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        with closing(Store(str(other))) as store:
            create_access_key(store, MASTER_KEYS, ACCOUNT)

        result = done("database", "restore", database.with_name("backup"), "--database", other, "--replace")

        assert set(self.found(other)[0]) == set(keys)
        assert "WARNING" in result.stderr

    def test_the_sessions_of_all_accounts_have_ended(self, database: Path) -> None:
        done("database", "restore", backed_up(database), "--database", database, "--replace")

        with closing(Store(str(database))) as store, store.read() as connection:
            now = connection.scalar(sa.select(store.now)) or 0.0
            assert is_revoked(connection, ACCOUNT, "arn:aws:iam::123456789012:role/x", now - 60)
            assert not is_revoked(connection, ACCOUNT, "arn:aws:iam::123456789012:role/x", now + 60)


@pytest.fixture
def large(database: Path) -> Path:
    """A database that takes a while to copy: 20 MB."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE ballast (content)")
        rows = [(os.urandom(1_000_000),) for _ in range(20)]
        connection.executemany("INSERT INTO ballast VALUES (?)", rows)
        connection.commit()
    return database


@pytest.mark.parametrize(
    ("command", "option", "megabytes"),
    # A restore writes everything twice: a copy, and the database.
    [("backup", "--overwrite", 10), ("restore", "--replace", 10), ("restore", "--replace", 30)],
)
def test_a_command_that_is_killed_leaves_what_was_there_or_what_it_makes(
    large: Path, command: str, option: str, megabytes: int
) -> None:
    file = backed_up(large)
    put(large, "second")
    written = {"backup": file, "restore": large}[command]
    before, after = {"backup": (1, 2), "restore": (2, 1)}[command]
    start = _bytes(large.parent)
    typed = [sys.executable, "-m", "proton_server.cli", "database", command, str(file), option]

    process = subprocess.Popen([*typed, "--database", str(large)], stdout=subprocess.DEVNULL)
    eventually(lambda: process.poll() is not None or _bytes(large.parent) > start + megabytes * 1_000_000)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert len(names(written)) in (before, after)
    with closing(sqlite3.connect(written)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def beside(database_url: str) -> str:
    """The URL of an empty database on the same PostgreSQL server."""
    name = sa.make_url(database_url).database
    engine = sa.create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}_restored")
    engine.dispose()
    return database_url.replace(f"/{name}", f"/{name}_restored")


def message(proton: Any, name: str) -> str:
    """What the environment's deployment waits for."""
    record = proton.get_environment(name=name)["environment"]
    text: str = record.get("deploymentStatusMessage", "")
    return text


class TestPostgreSql:
    @pytest.mark.parametrize(
        ("command", "sentence"),
        [
            ("backup", "Back it up with pg_dump; the guide"),
            ("restore", "`proton-server database restored`; the"),
        ],
    )
    def test_its_own_programs_are_named(self, command: str, sentence: str, tmp_path: Path) -> None:
        url = "postgresql://user@host/proton"

        refusal_of = refused("database", command, tmp_path / "f", "--database", url)

        assert "The database is in PostgreSQL. " in refusal_of
        assert sentence in refusal_of

    def test_what_pg_dump_had_in_progress_is_resumed_in_the_database_of_pg_restore(
        self, new_postgresql: str, local_server: LocalServer, tmp_path: Path
    ) -> None:
        pg_dump, pg_restore = client_program("pg_dump"), client_program("pg_restore")
        proxy = FaultProxy(local_server.url)
        server = ServedBesideAws(tmp_path, aws=local_server, aws_url=proxy.url, database_url=new_postgresql)
        server.start()
        try:
            proton = server.client("proton")
            template = publisher(server)(bundle(tmp_path / "bundle"))
            proxy.before = lambda action: (
                refusal(503, "ServiceUnavailable") if action == "CreateStack" else None
            )
            name = create(proton, template)["name"]
            eventually(lambda: "CreateStack" in message(proton, name))
            plain = new_postgresql.replace("+psycopg", "")
            subprocess.run([pg_dump, "--format=custom", f"--file={tmp_path}/dump", plain], check=True)
            server.stop()
            copy = beside(new_postgresql)
            into = f"--dbname={copy.replace('+psycopg', '')}"
            subprocess.run([pg_restore, "--no-owner", "--exit-on-error", into, tmp_path / "dump"], check=True)
            result = done("database", "restored", "--database", copy)
            assert "1 deployment was in progress when the backup was made." in result.stderr
            assert "WARNING: access keys" in result.stderr
            proxy.heal()
            server.database_url = copy
            server.start()
            assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
            assert proxy.calls.count("CreateStack") == 1
        finally:
            server.kill()
            proxy.close()
