"""What SQLite and PostgreSQL do differently, so that everything else has one code path."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event

from proton_server.tables import deployments, environment_template_versions


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class Dialect(Protocol):
    """What a database does in its own way."""

    now: sa.ColumnElement[float]
    """The database's clock, in epoch seconds."""

    def writers(self) -> AbstractContextManager[Any]:
        """What every writer of this process has to hold."""

    def prepare(self, engine: sa.Engine) -> None:
        """Sets up connections."""

    def serialise(self, connection: sa.Connection, subject: str) -> None:
        """Makes transactions on the same subject follow each other."""

    def serve_alone(self, engine: sa.Engine) -> sqlite3.Connection | None:
        """Keeps other processes from serving a database that takes only one; returns what holds the lock."""


class _SQLite:
    """One process, many threads: writers queue for one lock instead of polling SQLite's own."""

    now: sa.ColumnElement[float] = sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Float)

    def writers(self) -> AbstractContextManager[Any]:
        return threading.Lock()

    def prepare(self, engine: sa.Engine) -> None:
        # Specs and access keys are in it: for the owner only. SQLite gives its other files the same mode.
        with suppress(OSError):
            os.close(os.open(str(engine.url.database), os.O_CREAT, 0o600))

        @event.listens_for(engine, "connect")
        def connect(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # transactions begin where `begin` says
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            # A reader that turned writer half-way would fail at once when somebody else wrote meanwhile.
            writes = connection.get_execution_options().get("proton_writes")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def serialise(self, connection: sa.Connection, subject: str) -> None:
        """Nothing to do: SQLite has one writer."""

    def serve_alone(self, engine: sa.Engine) -> sqlite3.Connection:
        file = engine.url.database
        # A lock on a file of SQLite's own works on every platform, and ends with the process however it ends.
        lock = sqlite3.connect(f"{file}-serving", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            message = f"Another proton-server uses the database {file}."
            raise StoreError(f"{message} Stop it, or name another file with --database.") from None
        with engine.begin() as connection:
            for table in (deployments, environment_template_versions):
                connection.execute(sa.update(table).values(owner=None, lease_until=0.0))
        return lock


class _PostgreSQL:
    """Many processes: writers on one subject queue for an advisory lock."""

    now: sa.ColumnElement[float] = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Float)

    def writers(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def prepare(self, engine: sa.Engine) -> None:
        """Nothing to do."""

    def serialise(self, connection: sa.Connection, subject: str) -> None:
        number = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big", signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def serve_alone(self, engine: sa.Engine) -> None:
        """Nothing to do: leases arbitrate."""


DIALECTS: dict[str, Dialect] = {"sqlite": _SQLite(), "postgresql": _PostgreSQL()}
"""By the backend's name in SQLAlchemy's URLs."""
