"""The server's state in SQLite or PostgreSQL, through SQLAlchemy Core: transactions, and rows by their keys.

No AWS calls and no decisions about Proton here; what differs between the databases is in `dialects.py`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from proton_server.dialects import DIALECTS, StoreError
from proton_server.tables import SCHEMA_VERSION, meta, metadata

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence


class Store:
    """A database. Give it a SQLAlchemy URL, or the path of a SQLite file.

    Raises StoreError if the database cannot be opened or was made by another version of the server.
    """

    def __init__(self, database: str) -> None:
        backend, url = _parse(database)
        self._dialect = DIALECTS[backend]
        # Parameters hold specs and keys: an error that reaches the log must not quote them.
        self.engine = sa.create_engine(
            url, pool_size=16, max_overflow=16, pool_pre_ping=True, hide_parameters=True
        )
        self._dialect.prepare(self.engine)
        self.now = self._dialect.now
        self._writers = self._dialect.writers()
        self._serving_lock: sqlite3.Connection | None = None
        self._writing = self.engine.execution_options(proton_writes=True)
        self._create()

    def __str__(self) -> str:
        return self.engine.url.render_as_string(hide_password=True).removeprefix("sqlite:///")

    def _create(self) -> None:
        try:
            with self.write() as connection:
                self._dialect.serialise(connection, "schema")
                metadata.create_all(connection)
                found = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
                if found is None:
                    connection.execute(sa.insert(meta).values(key="schema", value=SCHEMA_VERSION))
        except sa.exc.DBAPIError as error:
            raise StoreError(f"The database {self} cannot be opened: {str(error.orig).strip()}") from None
        if found not in (None, SCHEMA_VERSION):
            message = (
                f"The database {self} has schema version {found}, and this server needs {SCHEMA_VERSION}."
            )
            raise StoreError(f"{message} Start it with a new --database.")

    def serve_alone(self) -> None:
        """Makes this the one process that serves a SQLite database, and frees what a killed one had leased.

        PostgreSQL may be served by several processes, so nothing is done. The hold ends with the process.
        Raises StoreError if another process serves the file.
        """
        self._serving_lock = self._dialect.serve_alone(self._writing)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, account_id: str = "", region: str = "") -> Iterator[sa.Connection]:
        """A transaction that writes. Those of one account and Region follow each other, never overlap."""
        with self._writers, self._writing.begin() as connection:
            if account_id:
                self._dialect.serialise(connection, f"{account_id}/{region}")
            yield connection

    def close(self) -> None:
        """Closes the connections, and lets another process serve the database."""
        self.engine.dispose()
        if self._serving_lock is not None:
            self._serving_lock.close()


class Rows:
    """The rows of one account and Region, within a transaction. Nothing of another account can be reached.

    A row with a second account in it (`management_account_id`) is reached from both.
    """

    def __init__(self, connection: sa.Connection, account_id: str, region: str) -> None:
        self.connection = connection
        self.account_id = account_id
        self.region = region

    def find(self, table: sa.Table, **key: Any) -> sa.Row[Any] | None:
        """The row with this key, or None."""
        return self.connection.execute(sa.select(table).where(*self._where(table, key))).one_or_none()

    def lock(self, table: sa.Table, *conditions: sa.ColumnElement[bool], **key: Any) -> sa.Row[Any] | None:
        """The row that meets conditions and key, or None; nobody else changes it before the transaction ends.

        Needed only for a row that another account, or the reconciler for one, may change at the same time.
        """
        query = sa.select(table).where(*self._where(table, key), *conditions).with_for_update()
        return self.connection.execute(query).one_or_none()

    def of(self, account_id: str) -> Rows:
        """The rows of another account. For what concerns two accounts, once it is known that it does."""
        return Rows(self.connection, account_id, self.region)

    def all(self, table: sa.Table, *conditions: sa.ColumnElement[bool], **key: Any) -> Sequence[sa.Row[Any]]:
        """The rows that meet conditions and (part of a) key, in order of their primary key."""
        query = sa.select(table).where(*self._where(table, key), *conditions).order_by(*table.primary_key)
        return self.connection.execute(query).all()

    def page(
        self,
        table: sa.Table,
        *conditions: sa.ColumnElement[bool],
        by: Sequence[sa.Column[Any]],
        after: Sequence[Any] | None,
        limit: int,
        newest_first: bool = False,
        **key: Any,
    ) -> Sequence[sa.Row[Any]]:
        """Up to `limit` rows in the order of the columns `by`, those behind the values `after`."""
        query = sa.select(table).where(*self._where(table, key), *conditions).limit(limit)
        if after is not None:
            position, start = sa.tuple_(*by), sa.tuple_(*after)
            query = query.where(position < start if newest_first else position > start)
        order = [column.desc() if newest_first else column.asc() for column in by]
        return self.connection.execute(query.order_by(*order)).all()

    def insert(self, table: sa.Table, **values: Any) -> None:
        """Adds a row."""
        scope = {"account_id": self.account_id, "region": self.region}
        self.connection.execute(sa.insert(table).values(**scope, **values))

    def update(self, table: sa.Table, key: dict[str, Any], **values: Any) -> None:
        """Changes the row with this key."""
        self.connection.execute(sa.update(table).where(*self._where(table, key)).values(**values))

    def delete(self, table: sa.Table, **key: Any) -> None:
        """Removes the rows with this (part of a) key."""
        self.connection.execute(sa.delete(table).where(*self._where(table, key)))

    def _where(self, table: sa.Table, key: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
        accounts = [table.c[name] for name in ("account_id", "management_account_id") if name in table.c]
        mine = sa.or_(*(account == self.account_id for account in accounts))
        return [mine, table.c.region == self.region, *(table.c[name] == value for name, value in key.items())]


def _parse(database: str) -> tuple[str, sa.URL]:
    """The name of a backend in `DIALECTS` and the URL, with the driver that is installed for it."""
    try:
        url = sa.make_url(database if "://" in database else f"sqlite:///{database}")
    except (sa.exc.ArgumentError, ValueError):
        url = None
    # Every connection to a SQLite database without a file has a database of its own.
    if url is None or url.get_backend_name() not in DIALECTS or url.database in (None, "", ":memory:"):
        raise StoreError("--database must be a SQLite file or a PostgreSQL URL (postgresql+psycopg://…).")
    drivers = {"postgresql": "postgresql+psycopg"}
    return url.get_backend_name(), url.set(drivername=drivers.get(url.drivername, url.drivername))
