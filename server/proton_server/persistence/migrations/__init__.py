"""Brings a database's schema to this release's, with Alembic: a new one, and one of each release since 0.1.0.

Importing Alembic takes longer than opening a database, so only what has something to migrate imports this.
https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from proton_server.persistence.tables import SCHEMA_VERSION, meta

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSIONS_OF_ALEMBIC = "alembic_version"


def migrate(connection: sa.Connection, found: str | None, seal: Callable[[str, str, str], str]) -> None:
    """Migrates within the connection's transaction, from the version found; None: the database is empty.

    `seal(account ID, key ID, secret)` encrypts the secrets that 0.1.0 stored as they are.
    """
    config = Config()
    config.set_main_option("script_location", "proton_server.persistence:migrations")
    config.attributes.update(connection=connection, arguments={"seal": seal})
    if found is not None and not sa.inspect(connection).has_table(_VERSIONS_OF_ALEMBIC):
        command.stamp(config, found)  # 0.1.0 had no Alembic
    command.upgrade(config, "head")
    # Releases look here, 0.1.0 too: it refuses what is not its own.
    connection.execute(sa.update(meta).where(meta.c.key == "schema").values(value=SCHEMA_VERSION))
