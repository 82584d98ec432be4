"""What a database says of itself, in its table `meta` beside the version of its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from proton_server.persistence.databases import StoreError
from proton_server.persistence.tables import meta

if TYPE_CHECKING:
    from proton_server.persistence.store import Store

ID = "id"
"""The same in a database, its backups and what is restored from them."""
BACKUP_AT = "backup_at"
"""In a backup only: when it was made, in epoch seconds."""
CLEANED_AT = "cleaned_at"
"""When a server last began to delete what is too old, in epoch seconds."""


def read(connection: sa.Connection, key: str) -> str | None:
    """The value of a mark, None if it is not there."""
    value: str | None = connection.scalar(sa.select(meta.c.value).where(meta.c.key == key))
    return value


def refuse_backup(store: Store) -> None:
    """Raises StoreError if the database is a backup that was not restored."""
    with store.read() as connection:
        if read(connection, BACKUP_AT) is not None:
            command = f"proton-server database restore {store} --database …"
            raise StoreError(f"{store} is a backup: restore it with `{command}`.")


def write(connection: sa.Connection, key: str, value: str | None) -> None:
    """Sets a mark, or removes it with None."""
    connection.execute(sa.delete(meta).where(meta.c.key == key))
    if value is not None:
        connection.execute(sa.insert(meta).values(key=key, value=value))
