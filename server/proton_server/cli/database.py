"""`proton-server database`: what is done to a database between two releases."""

from __future__ import annotations

import click

from proton_server.cli import options
from proton_server.cli.server import open_store
from proton_server.persistence.tables import SCHEMA_VERSION


@click.group()
def database() -> None:
    """The server's database."""


@database.command()
@options.database
def upgrade(database: str) -> None:
    """Bring a database of an older release to this release's schema.

    All servers that use it must be stopped first. The secrets of access keys, which 0.1.0 stored as they are,
    get encrypted: that needs PROTON_MASTER_KEYS.
    """
    store = open_store(database, upgrade=True)
    store.close()
    if store.found_schema is None:
        click.echo(f"The database {store} was empty, and has schema version {SCHEMA_VERSION} now.")
    elif store.found_schema == SCHEMA_VERSION:
        click.echo(f"The database {store} has schema version {SCHEMA_VERSION} already.")
    else:
        click.echo(
            f"The database {store} is upgraded from schema version {store.found_schema} to {SCHEMA_VERSION}."
        )
