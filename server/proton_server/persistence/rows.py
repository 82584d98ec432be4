"""The rows of an account and Region by their keys, within a transaction of the store."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NONE: Mapping[str, Any] = {}


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
        return self._execute(_select(table, *key), key).one_or_none()

    def one(self, table: sa.Table, **key: Any) -> sa.Row[Any]:
        """The row with this key, which is known to be there."""
        return self._execute(_select(table, *key), key).one()

    def lock(self, table: sa.Table, *conditions: sa.ColumnElement[bool], **key: Any) -> sa.Row[Any] | None:
        """The row that meets conditions and key, or None; locked until the transaction ends.

        Needed only for a row that another account, or the reconciler for one, may change at the same time.
        """
        query = _select(table, *key).where(*conditions).with_for_update()
        return self._execute(query, key).one_or_none()

    def of(self, account_id: str) -> Rows:
        """The rows of another account. For what concerns two accounts, once it is known that it does."""
        return Rows(self.connection, account_id, self.region)

    def all(self, table: sa.Table, *conditions: sa.ColumnElement[bool], **key: Any) -> Sequence[sa.Row[Any]]:
        """The rows that meet conditions and (part of a) key, in order of their primary key."""
        query = _select_in_order(table, *key)
        return self._execute(query.where(*conditions) if conditions else query, key).all()

    def columns(self, table: sa.Table, *columns: sa.ColumnElement[Any], **key: Any) -> Sequence[sa.Row[Any]]:
        """What `all` finds, but these columns only, where the others are large."""
        query = sa.select(*columns).where(*_where(table, *key)).order_by(*table.primary_key)
        return self._execute(query, key).all()

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
        query = _page(
            table, conditions, tuple(by), tuple(key), is_first=after is None, newest_first=newest_first
        )
        start = {f"{_AFTER}{number}": value for number, value in enumerate(after or ())}
        return self._execute(query, key, {_LIMIT: limit, **start}).all()

    def insert(self, table: sa.Table, **values: Any) -> None:
        """Adds a row."""
        scope = {"account_id": self.account_id, "region": self.region}
        self.connection.execute(_insert(table), scope | values)

    def update(self, table: sa.Table, key: dict[str, Any], **values: Any) -> None:
        """Changes the row with this key."""
        self._execute(_update(table, *key), key, values)

    def delete(self, table: sa.Table, **key: Any) -> None:
        """Removes the rows with this (part of a) key."""
        self._execute(_delete(table, *key), key)

    def _execute(
        self, statement: sa.Executable, key: Mapping[str, Any], values: Mapping[str, Any] = _NONE
    ) -> sa.CursorResult[Any]:
        """Executes a statement with the conditions of `_where`, and with values of columns."""
        found = {"account_id": self.account_id, "region": self.region, **key}
        return self.connection.execute(
            statement, {**{_PARAMETER + name: value for name, value in found.items()}, **values}
        )


_PARAMETER, _AFTER, _LIMIT = "key_", "after_", "limit_"
"""Begin the names of parameters, or are one: those of columns are the ones that a statement sets."""
_KEPT_PAGES = 256
"""How many statements of pages are kept: the conditions of some are made for one request."""


@cache
def _where(table: sa.Table, *key: str) -> tuple[sa.ColumnElement[bool], ...]:
    """That a row is of an account and Region and has a key of these columns; the values are parameters."""
    accounts = [table.c[name] for name in ("account_id", "management_account_id") if name in table.c]
    mine = sa.or_(*(account == sa.bindparam(_PARAMETER + "account_id") for account in accounts))
    return mine, *(table.c[name] == sa.bindparam(_PARAMETER + name) for name in ("region", *key))


# Building a statement takes longer than executing it.


@cache
def _select(table: sa.Table, *key: str) -> sa.Select[Any]:
    return sa.select(table).where(*_where(table, *key))


@cache
def _select_in_order(table: sa.Table, *key: str) -> sa.Select[Any]:
    return _select(table, *key).order_by(*table.primary_key)


@lru_cache(maxsize=_KEPT_PAGES)
def _page(  # noqa: PLR0913  # what `Rows.page` says
    table: sa.Table,
    conditions: tuple[sa.ColumnElement[bool], ...],
    by: tuple[sa.Column[Any], ...],
    key: tuple[str, ...],
    *,
    is_first: bool,
    newest_first: bool,
) -> sa.Select[Any]:
    query = _select(table, *key).where(*conditions).limit(sa.bindparam(_LIMIT, type_=sa.Integer))
    if not is_first:
        values = (sa.bindparam(f"{_AFTER}{number}", type_=column.type) for number, column in enumerate(by))
        position, start = sa.tuple_(*by), sa.tuple_(*values)
        query = query.where(position < start if newest_first else position > start)
    return query.order_by(*(column.desc() if newest_first else column.asc() for column in by))


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _update(table: sa.Table, *key: str) -> sa.Update:
    """Sets the columns whose values it is executed with."""
    return sa.update(table).where(*_where(table, *key))


@cache
def _delete(table: sa.Table, *key: str) -> sa.Delete:
    return sa.delete(table).where(*_where(table, *key))
