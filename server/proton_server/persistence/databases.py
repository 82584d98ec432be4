"""What SQLite and PostgreSQL do differently, so that everything else has one code path."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy import event

from proton_server.persistence.tables import access_keys, deployments, environment_template_versions

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

STORABLE = re.compile(r"[^\0\ud800-\udfff]*")
"""PostgreSQL takes no NUL in text, and no database takes half of a surrogate pair."""


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class Dialect(Protocol):
    """What a database does in its own way."""

    now: sa.ColumnElement[float]
    """The database's clock, in epoch seconds."""
    remote: bool
    """Whether it is behind a network: connections get lost, and each statement waits for it."""
    patience: float
    """How many seconds a writer waits for a lock in this process, and then for one in the database."""

    def writer_lock(self, subject: str) -> str | None:
        """The key of the lock that writers of a subject ("": of none) hold in this process; None: no lock."""

    def arguments(self, url: sa.URL) -> dict[str, Any]:
        """Arguments for the driver's `connect`, unless the URL has them."""

    def prepare(self, engine: sa.Engine) -> None:
        """Sets up connections."""

    def serialise(self, connection: sa.Connection, subject: str) -> None:
        """Makes transactions on the same subject follow each other."""

    def is_locked(self, error: sa.exc.DBAPIError) -> bool:
        """Whether the transaction failed only because another one holds a lock that it needs."""

    def serve_alone(self, engine: sa.Engine) -> sqlite3.Connection | None:
        """Keeps other processes from serving a database that takes only one; returns what holds the lock."""

    def use_alone(self, connection: sa.Connection, before: str) -> AbstractContextManager[object]:
        """Raises StoreError if another process uses the database, and lets none serve it meanwhile.

        `before`: what all servers must be stopped for, such as "an upgrade".
        """

    def compact(self, engine: sa.Engine) -> None:
        """Overwrites what an upgrade deleted, such as plain secrets, which stays in free space otherwise."""


class _SQLite:
    """One process, many threads: writers queue for one lock instead of polling SQLite's own."""

    now: sa.ColumnElement[float] = sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Float)
    patience = 10.0
    remote = False

    def writer_lock(self, subject: str) -> str | None:
        del subject  # SQLite has one writer, on whatever
        return "writer"

    def arguments(self, url: sa.URL) -> dict[str, Any]:
        del url
        return {"timeout": self.patience}

    def prepare(self, engine: sa.Engine) -> None:
        # Specs and access keys are in it: for the owner only. SQLite gives its other files the same mode.
        with suppress(OSError):
            os.close(os.open(str(engine.url.database), os.O_CREAT, 0o600))

        @event.listens_for(engine, "connect")
        def connect(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # transactions begin where `begin` says
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            # A reader that becomes a writer fails at once if another one has written meanwhile.
            writes = connection.get_execution_options().get("proton_writes")
            statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
            try:
                # The driver itself takes a tenth of SQLAlchemy's time for it.
                cast("sqlite3.Connection", connection.connection.dbapi_connection).execute(statement)
            except sqlite3.Error as error:
                raise sa.exc.OperationalError(statement, None, error) from error

    def serialise(self, connection: sa.Connection, subject: str) -> None:
        """Nothing to do: SQLite has one writer."""

    def is_locked(self, error: sa.exc.DBAPIError) -> bool:
        return _is_locked(error.orig)

    def serve_alone(self, engine: sa.Engine) -> sqlite3.Connection:
        lock = serving_lock(str(engine.url.database))
        with engine.begin() as connection:
            for table in (deployments, environment_template_versions):
                connection.execute(sa.update(table).values(owner=None, lease_until=0.0))
        return lock

    def use_alone(self, connection: sa.Connection, before: str) -> AbstractContextManager[object]:
        del before
        return closing(serving_lock(str(connection.engine.url.database)))

    def compact(self, engine: sa.Engine) -> None:
        with engine.connect() as connection:
            driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                driver.execute(statement)


def serving_lock(database: str) -> sqlite3.Connection:
    """What keeps other processes from serving a SQLite file, until it is closed. Raises StoreError."""
    # The file itself, so that a symbolic link to it leads to the same lock.
    file = Path(database).resolve()
    if file.exists() and file.stat().st_nlink > 1:
        message = f"The database {file} has other names (hard links), and SQLite would damage it."
        raise StoreError(f"{message} Serve a copy, or remove the other names.")
    # A lock on a file of SQLite's own works on every platform, and ends with the process however it ends.
    lock = sqlite3.connect(f"{file}-serving", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if not _is_locked(error):
            raise
        message = f"Another proton-server uses the database {database}."
        raise StoreError(f"{message} Stop it, or name another file with --database.") from None
    return lock


def _is_locked(error: BaseException | None) -> bool:
    return "is locked" in str(error)  # SQLite's code is in the exception only since Python 3.11


_SESSIONS = sa.table("pg_stat_activity", *map(sa.column, ("pid", "datname", "backend_type")))
_OTHERS = (
    _SESSIONS.c.datname == sa.func.current_database(),
    _SESSIONS.c.backend_type == "client backend",
    _SESSIONS.c.pid != sa.func.pg_backend_pid(),
)
"""The sessions of other clients, which every role may count."""


class _PostgreSQL:
    """Many processes: writers on one subject queue for an advisory lock.

    Those of one process queue for a lock in it first. Otherwise all that wait for one account, whose advisory
    lock another process may hold for long, would each hold a connection, and none were left for the others.
    """

    now: sa.ColumnElement[float] = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Float)
    patience = 3.0
    remote = True

    def writer_lock(self, subject: str) -> str | None:
        return subject or None

    def arguments(self, url: sa.URL) -> dict[str, Any]:
        """A server that has disappeared is noticed within half a minute."""
        network = {
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }
        return {name: value for name, value in network.items() if name not in url.query}

    def prepare(self, engine: sa.Engine) -> None:
        """No transaction waits long for a lock, or holds one while its process sleeps."""

        @event.listens_for(engine, "connect")
        def connect(connection: Any, _record: object) -> None:
            for name, value in (
                ("lock_timeout", f"{self.patience * 1000:.0f}ms"),
                ("statement_timeout", "30s"),
                ("idle_in_transaction_session_timeout", "60s"),
            ):
                connection.execute(f"SET {name} = '{value}'")
            connection.commit()

    def serialise(self, connection: sa.Connection, subject: str) -> None:
        number = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big", signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def is_locked(self, error: sa.exc.DBAPIError) -> bool:
        codes = ("55P03", "40P01")  # lock_not_available, deadlock_detected
        return getattr(error.orig, "sqlstate", None) in codes

    def serve_alone(self, engine: sa.Engine) -> None:
        """Nothing to do: leases arbitrate."""

    def use_alone(self, connection: sa.Connection, before: str) -> AbstractContextManager[object]:
        """A server has a session for as long as it runs; one that starts waits for the upgrade's lock.

        Leases would show only the servers that are making a step.
        """
        others = connection.scalar(sa.select(sa.func.count()).select_from(_SESSIONS).where(*_OTHERS))
        if others:
            sessions = "another session" if others == 1 else f"{others} other sessions"
            name = connection.scalar(sa.func.current_database())
            raise StoreError(
                f"The database {name} is used by {sessions}, and all servers must be stopped before "
                f"{before}: stop them, disconnect other clients, and try again."
            )
        return nullcontext()

    def compact(self, engine: sa.Engine) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM FULL {access_keys.name}")


DIALECTS: dict[str, Dialect] = {"sqlite": _SQLite(), "postgresql": _PostgreSQL()}
"""By the backend's name in SQLAlchemy's URLs."""
