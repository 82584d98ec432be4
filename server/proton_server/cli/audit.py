"""`proton-server audit`: who did what."""

from __future__ import annotations

import json
import time
from contextlib import closing

import click

from proton_server.cli import options
from proton_server.cli.durations import seconds
from proton_server.cli.server import open_store
from proton_server.cli.tables import print_table, shown_time
from proton_server.identity.audit import delete_lines, read_lines
from proton_server.persistence.databases import StoreError

_COLUMNS = ("at", "account_id", "region", "principal", "address", "operation", "resource", "outcome")


@click.command()
@click.option("--since", callback=seconds, default="30d", show_default=True, help="How far back.")
@click.option("--account", help="Of this account only, 12 digits.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object on each line.")
@click.option(
    "--delete-before", callback=seconds, help="Instead, delete the lines that are older, such as 400d."
)
@options.database
def audit(
    *, since: float, account: str | None, as_json: bool, delete_before: float | None, database: str
) -> None:
    """Show who did what: a line for each request that writes, oldest first."""
    if account is not None:
        options.check_account("--account", account)
    try:
        with closing(open_store(database)) as store:
            if delete_before is not None:
                click.echo(f"Lines deleted: {delete_lines(store, time.time() - delete_before)}")
                return
            lines = (
                {**line, "at": shown_time(line["at"])}
                for line in read_lines(store, time.time() - since, account)
            )
            if as_json:
                for line in lines:
                    click.echo(json.dumps(line))
            else:
                print_table(_COLUMNS, ([line[column] for column in _COLUMNS] for line in lines))
    except StoreError as error:
        raise click.ClickException(str(error)) from None
