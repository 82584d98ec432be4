"""`proton-server keys`: the access keys that `serve` knows."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from proton_server.cli import options
from proton_server.cli.durations import seconds
from proton_server.cli.server import open_store
from proton_server.cli.tables import print_table, shown_time
from proton_server.identity.access_keys import (
    MAX_DESCRIPTION,
    AccessKeyError,
    create_access_key,
    list_access_keys,
    reencrypt_secrets,
    revoke_access_key,
    rotate_access_key,
    state_of,
)
from proton_server.identity.master_keys import MasterKeyError, MasterKeys
from proton_server.persistence.databases import STORABLE, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proton_server.persistence.store import Store

_COLUMNS = ("id", "account_id", "state", "created_at", "expires_at", "previous_until", "description")
_TIMES = ("created_at", "expires_at", "revoked_at", "previous_until")


@click.group()
def keys() -> None:
    """Access keys for `proton-server serve`."""


@keys.command()
@click.option("--account", required=True, help="The AWS account, 12 digits.")
@click.option("--description", default="", help="What the key is for.")
@click.option(
    "--expires-in", callback=seconds, help="How long it is valid, such as 90d.  [default: for ever]"
)
@options.database
def create(account: str, description: str, expires_in: float | None, database: str) -> None:
    """Make an access key and show it, once."""
    options.check_account("--account", account)
    if len(description) > MAX_DESCRIPTION or not STORABLE.fullmatch(description):
        raise click.ClickException(f"--description must have at most {MAX_DESCRIPTION} characters.")
    master_keys = _master_keys()
    expires_at = None if expires_in is None else time.time() + expires_in
    with _database(database) as store:
        key_id, secret = create_access_key(
            store, master_keys, account, description=description, expires_at=expires_at
        )
    _print_key(key_id, secret)


@keys.command("list")
@click.option("--account", help="Of this account only, 12 digits.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object on each line.")
@options.database
def list_(account: str | None, *, as_json: bool, database: str) -> None:
    """Show all access keys, without their secrets."""
    if account is not None:
        options.check_account("--account", account)
    with _database(database) as store:
        found = list_access_keys(store, account)
    now = time.time()
    rows = [
        row._asdict()
        | {"state": state_of(row, now)}
        | {name: shown_time(getattr(row, name)) for name in _TIMES}
        for row in found
    ]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        print_table(_COLUMNS, ([row[column] for column in _COLUMNS] for row in rows))


@keys.command()
@click.argument("key_id")
@options.database
def revoke(key_id: str, database: str) -> None:
    """Revoke the access key KEY_ID, for ever and at once."""
    with _database(database) as store:
        revoke_access_key(store, key_id)
    click.echo(f"{key_id} is revoked")


@keys.command()
@click.argument("key_id")
@click.option(
    "--overlap",
    callback=seconds,
    default="24h",
    show_default=True,
    help="How long the present secret is accepted beside the new one; 0s: no longer.",
)
@options.database
def rotate(key_id: str, overlap: float, database: str) -> None:
    """Give the access key KEY_ID a new secret and show it, once."""
    master_keys = _master_keys()
    with _database(database) as store:
        secret = rotate_access_key(store, master_keys, key_id, overlap)
    _print_key(key_id, secret)


@keys.command()
@options.database
def reencrypt(database: str) -> None:
    """Encrypt every secret anew with the first master key, so that the others can be removed."""
    master_keys = _master_keys()
    with _database(database) as store:
        number = reencrypt_secrets(store, master_keys)
    click.echo(f"Secrets encrypted anew: {number}")


@contextmanager
def _database(database: str) -> Iterator[Store]:
    """The database; makes one sentence of what is wrong with it, a key or the master keys."""
    try:
        with closing(open_store(database)) as store:
            yield store
    except (AccessKeyError, MasterKeyError, StoreError) as error:
        raise click.ClickException(str(error)) from None


def _master_keys() -> MasterKeys:
    try:
        return MasterKeys.read(os.environ)
    except MasterKeyError as error:
        raise click.ClickException(str(error)) from None


def _print_key(key_id: str, secret: str) -> None:
    click.echo(f"AWS_ACCESS_KEY_ID={key_id}\nAWS_SECRET_ACCESS_KEY={secret}")
