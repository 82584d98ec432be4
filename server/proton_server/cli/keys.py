"""`proton-server keys`: the access keys that `serve` knows."""

from __future__ import annotations

import os

import click

from proton_server.cli import options
from proton_server.cli.server import open_store
from proton_server.identity.access_keys import create_access_key
from proton_server.identity.master_keys import MasterKeyError, MasterKeys
from proton_server.persistence.databases import StoreError


@click.group()
def keys() -> None:
    """Access keys for `proton-server serve`."""


@keys.command()
@click.option("--account", required=True, help="The AWS account, 12 digits.")
@options.database
def create(account: str, database: str) -> None:
    """Make an access key and show it, once."""
    options.check_account("--account", account)
    try:
        master_keys = MasterKeys.read(os.environ)
        key_id, secret = create_access_key(open_store(database), master_keys, account)
    except (MasterKeyError, StoreError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"AWS_ACCESS_KEY_ID={key_id}\nAWS_SECRET_ACCESS_KEY={secret}")
