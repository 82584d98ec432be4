"""Databases as 0.1.0 left them: with its tables, and with rows that it wrote before it was killed."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_RELEASE: dict[str, Any] = json.loads((Path(__file__).parent / "database_0.1.0.json").read_text())
ROWS: dict[str, list[dict[str, Any]]] = _RELEASE["rows"]
"""The rows of each table. Deployments of `updated`, `deleted` and `created` are in flight."""
KEY = ROWS["access_keys"][0]
"""The access key of account 123456789012."""


def write_release(database_url: str, *, rows: bool = True) -> None:
    """Makes an empty database that of 0.1.0, with its rows or without any."""
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in _RELEASE["tables"][engine.dialect.name]:
            connection.exec_driver_sql(statement)
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for name, found in (ROWS if rows else {"meta": ROWS["meta"]}).items():
            for row in found:
                connection.execute(sa.insert(metadata.tables[name]), _values(metadata.tables[name], row))
    engine.dispose()


def _values(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row's values, with what JSON cannot hold as it was.

    A deployment ends after 24 hours, so it began just now. The times in records stay: names follow from them.
    """
    kinds: dict[type, Any] = {sa.LargeBinary: base64.b64decode, sa.Boolean: bool}
    read = {column.name: kinds.get(type(column.type).__mro__[1]) for column in table.c}
    row = row | ({"created_at": time.time()} if "created_at" in row else {})
    return {name: read[name](value) if read[name] else value for name, value in row.items()}
