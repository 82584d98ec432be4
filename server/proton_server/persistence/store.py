"""The server's state in SQLite or PostgreSQL, through SQLAlchemy Core: its transactions.

No AWS calls and no decisions about Proton here. What differs between the databases is in `databases.py`, and
what is read and written within a transaction is in `rows.py`.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.observability.measures import UNMEASURED
from proton_server.persistence.database_urls import name_of, parse_url, reason_of
from proton_server.persistence.databases import DIALECTS, StoreError
from proton_server.persistence.keyed_locks import KeyedLocks, LockTimeout
from proton_server.persistence.outage import LimitedWarning, Outage
from proton_server.persistence.schema import prepare
from proton_server.persistence.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proton_server.observability.measures import Measures
    from proton_server.persistence.schema import Seal

_log = logging.getLogger(__name__)

_NOT_COMPACTED = "The database %s is upgraded, but its free space may hold plain secrets: VACUUM failed: %s"

_POOL_SECONDS = 10.0
"""How long to wait for a connection when all are in use."""

_REFUSALS = (
    sa.exc.IntegrityError,
    sa.exc.DataError,
    sa.exc.ProgrammingError,
    sa.exc.NotSupportedError,
)
"""Errors of the statement; all others are failures of the database."""


class Unavailable(StoreError):
    """The database cannot be used now: unreachable, locked, full, read-only. It is already logged."""


class WouldBlock(Exception):
    """A read cannot be made without waiting for a lock or for the network."""


class Store:
    """A database. Give it a SQLAlchemy URL, or the path of a SQLite file.

    An empty database gets its tables. One of an older release is upgraded if `seal`, which encrypts the
    secrets of 0.1.0, is given. Raises StoreError if the database cannot be opened or has another schema.
    """

    def __init__(self, database: str, *, seal: Seal | None = None, measures: Measures = UNMEASURED) -> None:
        url = parse_url(database)
        self._dialect = DIALECTS[url.get_backend_name()]
        self._name, self._measures = name_of(url), measures
        # Parameters hold specs and keys: an error that reaches the log must not quote them.
        create_engine = partial(sa.create_engine, url, hide_parameters=True)
        arguments = self._dialect.arguments(url)
        with self._opening():
            self.engine = create_engine(
                pool_size=16,
                max_overflow=16,
                pool_timeout=_POOL_SECONDS,
                pool_pre_ping=self._dialect.remote,
                connect_args=arguments,
            )
        self._dialect.prepare(self.engine)
        self._nonblocking = create_engine(poolclass=sa.NullPool, connect_args=arguments | {"timeout": 0})
        self.now = self._dialect.now
        self._writer_locks = KeyedLocks(self._dialect.patience)
        self._outage, self._contention = Outage(), LimitedWarning()
        self._serving_lock: sqlite3.Connection | None = None
        self._writing = self.engine.execution_options(proton_writes=True)
        try:
            with self._opening():
                self.found_schema = self._prepare(seal)
        except BaseException:
            self.close()
            raise

    def __str__(self) -> str:
        return self._name

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Makes one sentence of an error at the start, whether the driver or SQLAlchemy raises it."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, TypeError, ValueError) as error:
            raise StoreError(f"The database {self} cannot be opened: {reason_of(error)}") from None

    def _prepare(self, seal: Seal | None) -> str | None:
        """Makes, accepts, upgrades or refuses the schema; returns the version that the database had."""
        with self._writing.begin() as connection:
            found = prepare(connection, self._dialect, self._name, seal)
        if found not in (None, SCHEMA_VERSION):
            try:
                self._dialect.compact(self.engine)
            except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
                _log.warning(_NOT_COMPACTED, self, reason_of(error))
        return found

    def serve_alone(self) -> None:
        """Makes this the one process that serves a SQLite database, and frees what a killed one had leased.

        PostgreSQL may be served by several processes, so nothing is done. The hold ends with the process.
        Raises StoreError if another process serves the file.
        """
        with self._opening():
            self._serving_lock = self._dialect.serve_alone(self._writing)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads. Raises Unavailable, as `write` does."""
        with self._watched("", writing=False), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read_without_blocking(self) -> Iterator[sa.Connection]:
        """A connection for single queries, each of which sees the newest state. Raises WouldBlock.

        It is for an event loop, which may wait for nothing: on SQLite a row is read in less time than it
        takes to hand the request to a thread. It is always the same connection: only one thread may use it.
        """
        if self._dialect.remote:
            raise WouldBlock
        try:
            yield self._kept_connection
        except sa.exc.SQLAlchemyError as error:
            self._drop_kept_connection()
            raise WouldBlock from error

    @cached_property
    def _kept_connection(self) -> sa.Connection:
        # Without a transaction: to begin and to end one takes twice as long as the query.
        return self._nonblocking.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _drop_kept_connection(self) -> None:
        connection = self.__dict__.pop("_kept_connection", None)
        if connection is not None:
            connection.close()

    @contextmanager
    def write(self, account_id: str = "", region: str = "") -> Iterator[sa.Connection]:
        """A transaction that writes. Those of one account and Region follow each other, never overlap."""
        subject = f"{account_id}/{region}" if account_id else ""
        key = self._dialect.writer_lock(subject)
        with (
            self._watched(subject, writing=True),
            nullcontext() if key is None else self._writer_locks.hold(key),
            self._writing.begin() as connection,
        ):
            if subject:
                self._dialect.serialise(connection, subject)
            yield connection

    @contextmanager
    def write_alone(self, before: str) -> Iterator[sa.Connection]:
        """A transaction that writes while no server uses the database. Raises StoreError if one does.

        `before`: what all servers must be stopped for, such as "an upgrade".
        """
        with self.write() as connection:
            # A server that starts waits for it.
            self._dialect.serialise(connection, "schema")
            with self._dialect.use_alone(connection, before):
                yield connection

    @contextmanager
    def _watched(self, subject: str, *, writing: bool) -> Iterator[None]:
        """Turns failures of the database into Unavailable, and logs an outage instead of each of them."""
        try:
            yield
        except LockTimeout as error:
            raise self._locked(subject, "another request takes too long") from error
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            if isinstance(error, _REFUSALS):
                raise
            if isinstance(error, sa.exc.DBAPIError) and self._dialect.is_locked(error):
                raise self._locked(subject, reason_of(error)) from error
            unavailable = Unavailable(f"The database {self} cannot be used: {reason_of(error)}")
            self._outage.failed(str(unavailable), writing=writing)
            self._measures.database_error("unavailable")
            raise unavailable from error
        self._outage.succeeded(writing=writing)

    def _locked(self, subject: str, reason: str) -> Unavailable:
        what = f"The rows of {subject}" if subject else "Rows"
        unavailable = Unavailable(f"{what} in the database {self} are locked: {reason}")
        self._contention.warn("%s", unavailable)
        self._measures.database_error("locked")
        return unavailable

    def close(self) -> None:
        """Closes the connections, and lets another process serve the database."""
        self.engine.dispose()
        self._drop_kept_connection()
        if self._serving_lock is not None:
            self._serving_lock.close()
