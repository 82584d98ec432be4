"""The options that several commands have, and the checks of their values."""

from __future__ import annotations

import click

from proton_server.provisioning.accounts import is_account_id

database = click.option(
    "--database",
    default="proton.sqlite3",
    show_default=True,
    help="A SQLite file, or a URL such as postgresql+psycopg://user@host/name.",
)
port = click.option(
    "--port", default=4030, show_default=True, type=click.IntRange(0, 65535), help="0: any free port."
)
log_level = click.option(
    "--log-level",
    default="warning",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
)


def check_account(option: str, account: str) -> None:
    """Raises ClickException unless the option's value is an account ID."""
    if not is_account_id(account):
        raise click.ClickException(f"{option} must be 12 digits, not {account!r}.")
