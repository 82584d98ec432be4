"""The schema of new, old and newer databases, and the upgrade from each release."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from proton_server.identity.access_keys import find_access_key, seal
from proton_server.persistence.databases import StoreError
from proton_server.persistence.store import Store
from proton_server.persistence.tables import SCHEMA_VERSION, access_keys, environments, meta, metadata
from tests.commands import run_command
from tests.master_keys import MASTER_KEYS
from tests.server.released import KEY, write_release


def opened(database_url: str) -> Store:
    """The database, upgraded as `database upgrade` does."""
    return Store(database_url, seal=lambda *secret: seal(MASTER_KEYS, *secret))


def schema_of(database_url: str) -> dict[str, Any]:
    """The tables without Alembic's own: columns, keys and indexes."""
    engine = sa.create_engine(database_url)
    found = sa.inspect(engine)
    tables = {
        name: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"])
                for column in found.get_columns(name)
            },
            "key": found.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(each["column_names"] for each in found.get_unique_constraints(name)),
            "indexes": sorted(
                (
                    str(index["name"]),
                    index["column_names"],
                    bool(index["unique"]),
                    # PostgreSQL puts it in parentheses.
                    [
                        str(where).strip("()")
                        for where in index.get("dialect_options", {}).values()
                        if str(where)
                    ],
                )
                for index in found.get_indexes(name)
                if not index.get("duplicates_constraint")
            ),
        }
        for name in found.get_table_names()
        if name != "alembic_version"
    }
    engine.dispose()
    return tables


@pytest.fixture
def another_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a second empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/another.sqlite3"
    _, _, name = database_url.partition("://")[2].partition("?")[0].rpartition("/")
    engine = sa.create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}_2")
    engine.dispose()
    return database_url.replace(name, f"{name}_2")


@pytest.mark.parametrize("released", [False, True])
def test_a_new_database_and_an_upgraded_one_have_the_tables_that_the_server_declares(
    database_url: str, another_url: str, *, released: bool
) -> None:
    if released:
        write_release(database_url)
    opened(database_url).close()
    engine = sa.create_engine(another_url)
    metadata.create_all(engine)
    engine.dispose()

    declared = schema_of(another_url)

    assert schema_of(database_url) == declared
    assert set(declared) == set(metadata.tables)


def test_the_version_that_the_server_needs_is_that_of_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "proton_server.persistence:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_alembic_is_not_imported_for_a_database_that_needs_no_migration(tmp_path: Path) -> None:
    Store(str(tmp_path / "db")).close()
    program = (
        "import sys\nfrom proton_server.cli.server import open_store\n"
        "open_store(sys.argv[1], alone=True, upgrade=True)\nprint([*sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "db"], capture_output=True, text=True, check=True
    )

    assert "'proton_server.persistence.store'" in done.stdout
    assert "'alembic" not in done.stdout


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (
            "1",
            "stop all servers that use it, make a backup, and run `proton-server database upgrade --database",
        ),
        ("99", "a newer release has upgraded it; run that release, or restore a backup from before."),
        ("0", "no release made it; name another with --database."),
        ("next", "no release made it; name another with --database."),
    ],
)
def test_a_database_of_another_version_is_refused_with_one_sentence_and_left_as_it_is(
    database_url: str, version: str, sentence: str
) -> None:
    store = Store(database_url)
    with store.write() as connection:
        connection.execute(sa.update(meta).values(value=version))
        access_keys.drop(connection)

    with pytest.raises(StoreError) as refusal:
        Store(database_url)

    assert f" has schema version {version}, and this release needs {SCHEMA_VERSION}: {sentence}" in str(
        refusal.value
    )
    with store.read() as connection:
        assert not sa.inspect(connection).has_table(access_keys.name)
    store.close()


@pytest.mark.parametrize("version", ["99", "0"])
def test_an_upgrade_refuses_what_it_cannot_upgrade(database_url: str, version: str) -> None:
    store = Store(database_url)
    with store.write() as connection:
        connection.execute(sa.update(meta).values(value=version))
    store.close()

    with pytest.raises(StoreError, match=f"has schema version {version}, and this release needs"):
        opened(database_url)


def test_the_command_upgrades_says_so_and_does_it_once(database_url: str) -> None:
    first, again = (run_command("database", "upgrade", "--database", database_url) for _ in range(2))

    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr + again.stderr
    assert first.stdout.endswith(f" was empty, and has schema version {SCHEMA_VERSION} now.\n")
    assert again.stdout.endswith(f" has schema version {SCHEMA_VERSION} already.\n")


@pytest.mark.parametrize("typed", ["serve --port 0", "keys create --account 123456789012"])
def test_an_older_database_is_refused_by_every_command_until_it_is_upgraded(
    database_url: str, typed: str
) -> None:
    write_release(database_url)

    refused = run_command(*typed.split(), "--database", database_url)
    upgraded = run_command("database", "upgrade", "--database", database_url)

    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "has schema version 1, and this release needs" in refused.stderr
    assert "run `proton-server database upgrade --database " in refused.stderr
    assert upgraded.stdout.endswith(f" is upgraded from schema version 1 to {SCHEMA_VERSION}.\n"), upgraded


def test_an_upgrade_encrypts_the_secrets_and_keeps_the_rows(database_url: str) -> None:
    write_release(database_url)

    with closing(opened(database_url)) as store, store.read() as connection:
        key = find_access_key(connection, MASTER_KEYS, KEY["id"], 0.0)
        names = connection.scalars(sa.select(environments.c.name)).all()

    assert (key.account_id, key.secrets) == (KEY["account_id"], (KEY["secret"],))
    assert sorted(names) == ["created", "deleted", "quiet", "updated"]


def test_of_two_environments_that_had_adopted_one_stack_the_upgrade_lets_one_have_it(
    database_url: str,
) -> None:
    config = Config()
    config.set_main_option("script_location", "proton_server.persistence:migrations")
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        config.attributes.update(connection=connection, arguments={"seal": lambda *_: ""})
        command.upgrade(config, "2")
        connection.execute(sa.update(meta).values(value="2"))
        row = "INSERT INTO environments VALUES ('{}', 'eu-west-1', '{}', '{{}}', NULL, {}, '[]', '[]', {})"
        for account, name, stack in (
            ("111111111111", "plain", "NULL"),
            ("111111111111", "first", """'{"id": "arn:aws:x"}'"""),
            ("222222222222", "second", """'{"id": "arn:aws:x"}'"""),
        ):
            connection.exec_driver_sql(row.format(account, name, "true", stack))
    engine.dispose()

    with closing(opened(database_url)) as store, store.read() as connection:
        found = connection.execute(sa.select(environments.c.name, environments.c.adopted_stack_id)).all()

    assert sorted(map(tuple, found)) == [("first", "arn:aws:x"), ("plain", None), ("second", None)]


def test_no_plain_secret_is_left_in_the_file(tmp_path: Path) -> None:
    write_release(f"sqlite:///{tmp_path}/db")
    secret = KEY["secret"].encode()
    assert secret in (tmp_path / "db").read_bytes()

    opened(str(tmp_path / "db")).close()

    left = [file.name for file in tmp_path.iterdir() if secret in file.read_bytes()]
    assert left == []


@pytest.mark.parametrize("typed", ["database upgrade", "local --port 0"])
def test_plain_secrets_are_not_touched_without_master_keys(tmp_path: Path, typed: str) -> None:
    write_release(f"sqlite:///{tmp_path}/db")

    refused = run_command(*typed.split(), "--database", str(tmp_path / "db"), environment={})

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert (
        "has access keys of 0.1.0, whose secrets an upgrade encrypts. PROTON_MASTER_KEYS is not set"
        in refused.stderr
    )
    with closing(sqlite3.connect(tmp_path / "db")) as connection:
        assert connection.execute("SELECT value FROM meta").fetchone() == ("1",)
        assert connection.execute("SELECT secret FROM access_keys").fetchone() == (KEY["secret"],)


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(database_url: str) -> None:
    write_release(database_url)
    before = schema_of(database_url)

    def fail(*_: str) -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Store(database_url, seal=fail)

    assert schema_of(database_url) == before


@pytest.fixture
def used_by_an_old_server(database_url: str) -> Iterator[str]:
    """A database of 0.1.0, and what a server of that release holds while it runs."""
    write_release(database_url)
    if database_url.startswith("sqlite"):
        file = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"{file}-serving", isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield database_url
        return
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        connection.rollback()  # idle, as the connections of a server are most of the time
        yield database_url
    engine.dispose()


def test_an_upgrade_demands_that_the_old_servers_are_stopped(used_by_an_old_server: str) -> None:
    before = schema_of(used_by_an_old_server)

    refused = run_command("database", "upgrade", "--database", used_by_an_old_server)

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1), refused.stderr
    expected = (
        "Another proton-server uses the database "
        if used_by_an_old_server.startswith("sqlite")
        else " is used by another session, and all servers must be stopped before an upgrade: stop them, "
    )
    assert expected in refused.stderr
    assert schema_of(used_by_an_old_server) == before
