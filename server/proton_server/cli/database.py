"""`proton-server database`: what is done to a database between two releases, and before and after a loss."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from proton_server.cli import options
from proton_server.cli.restored_database import prepare_restored, sentences
from proton_server.cli.server import open_store
from proton_server.cli.tables import shown_time
from proton_server.persistence import backups
from proton_server.persistence.database_urls import parse_url
from proton_server.persistence.databases import StoreError, serving_lock
from proton_server.persistence.tables import SCHEMA_VERSION

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_REVOKE_KEYS = click.option("--revoke-keys", is_flag=True, help="Revoke every access key in the backup.")


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


@database.command()
@_FILE
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@options.database
def backup(file: Path, *, overwrite: bool, database: str) -> None:
    """Write a backup of a SQLite database to FILE, while servers use it."""
    if file.exists() and not overwrite:
        raise click.ClickException(f"{file} exists: name another file, or add --overwrite.")
    try:
        made = backups.back_up(_sqlite_file(database, "Back it up with pg_dump"), file)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The database {database} is backed up in {file}, as it was at {shown_time(made.made_at)}.")


@database.command()
@_FILE
@click.option("--replace", is_flag=True, help="Replace what is in the database.")
@_REVOKE_KEYS
@options.database
def restore(file: Path, *, replace: bool, revoke_keys: bool, database: str) -> None:
    """Restore a SQLite database from the backup FILE.

    No server may use the database meanwhile. What is withdrawn in the database that is replaced stays so.
    """
    try:
        target = _sqlite_file(
            database, "Restore it with pg_restore, and then run `proton-server database restored`"
        ).resolve()
        found = backups.read_backup(file)
        backups.check_folder(target)
        with closing(serving_lock(str(target))):
            replaces = _replaces(target, allowed=replace)
            with backups.staged(file, target) as copy:
                with closing(open_store(str(copy), upgrade=True)) as store:
                    kept = replaces and backups.keep_of(target, copy, found)
                    with store.write() as connection:
                        source = f"backup of {shown_time(found.made_at)}"
                        restored = prepare_restored(store, connection, source, revoke=revoke_keys)
                backups.put_in_place(copy, target)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The database {database} is restored from the backup of {shown_time(found.made_at)}.")
    for sentence in sentences(restored, kept=kept):
        click.echo(sentence, err=True)


@database.command()
@_REVOKE_KEYS
@options.database
def restored(*, revoke_keys: bool, database: str) -> None:
    """Mark a database that was restored by other means, such as pg_restore, before a server uses it."""
    try:
        with (
            closing(open_store(database)) as store,
            store.write_alone("it is marked as restored") as connection,
        ):
            found = prepare_restored(store, connection, "-", revoke=revoke_keys)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The database {store} is marked as restored.")
    for sentence in sentences(found, kept=False):
        click.echo(sentence, err=True)


def _sqlite_file(database: str, otherwise: str) -> Path:
    """The file of a SQLite database. Raises StoreError for a PostgreSQL one."""
    url = parse_url(database)
    if url.get_backend_name() != "sqlite":
        raise StoreError(
            f"The database is in PostgreSQL. {otherwise}; the guide on running serve has the commands."
        )
    return Path(str(url.database))


def _replaces(target: Path, *, allowed: bool) -> bool:
    """Whether a restore replaces anything. Raises StoreError if it may not."""
    if backups.is_empty(target):
        return False
    if not allowed:
        raise StoreError(f"The database {target} is not empty: add --replace to replace what is in it.")
    return True
