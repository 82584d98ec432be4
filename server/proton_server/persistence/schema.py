"""The version of a database's schema: it is made, accepted, upgraded, or refused with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.persistence.databases import StoreError
from proton_server.persistence.tables import SCHEMA_VERSION, meta

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton_server.persistence.databases import Dialect

    Seal = Callable[[str, str, str], str]
    """Encrypts a secret: account ID, key ID, secret → what is stored."""


def prepare(connection: sa.Connection, dialect: Dialect, database: str, seal: Seal | None) -> str | None:
    """Brings the schema to this release's within a transaction; returns the version that it had, if any.

    Without `seal` a database that has another version is refused. Raises StoreError.
    """
    dialect.serialise(connection, "schema")
    found = _version(connection)
    if found == SCHEMA_VERSION:
        # A database that cannot be written, such as a standby, is of no use to any command.
        connection.execute(sa.update(meta).values(value=meta.c.value))
        return found
    if found is not None:
        if refusal := _refusal(found, database, upgrade=seal is not None):
            raise StoreError(f"The database {database} {refusal}")
        with dialect.use_alone(connection, "an upgrade"):
            _migrate(connection, found, seal or _no_secrets)
        return found
    _migrate(connection, found, seal or _no_secrets)
    return None


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(meta.name):
        return None
    version: str | None = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
    return version


def _refusal(found: str, database: str, *, upgrade: bool) -> str | None:
    has = f"has schema version {found}, and this release needs {SCHEMA_VERSION}"
    if not found.isascii() or not found.isdigit() or not int(found):
        return f"{has}: no release made it; name another with --database."
    if int(found) > int(SCHEMA_VERSION):
        return f"{has}: a newer release has upgraded it; run that release, or restore a backup from before."
    if not upgrade:
        command = f"proton-server database upgrade --database {database}"
        return f"{has}: stop all servers that use it, make a backup, and run `{command}`."
    return None


def _no_secrets(account_id: str, key_id: str, secret: str) -> str:
    """Takes the place of `seal` for a new database, which has no secrets."""
    raise NotImplementedError


def _migrate(connection: sa.Connection, found: str | None, seal: Seal) -> None:
    from proton_server.persistence.migrations import migrate  # noqa: PLC0415  # it imports Alembic, and is rarely needed

    migrate(connection, found, seal)
