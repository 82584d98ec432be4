"""The options that several commands have, and the checks of their values."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from proton_server.provisioning.accounts import is_account_id

_PASSWORD_FILE = "PROTON_DATABASE_PASSWORD_FILE"  # noqa: S105 - the name of a variable


def _with_password(_context: click.Context, _parameter: click.Parameter, database: str) -> str:
    """The database, with the password of the file that the environment names."""
    if not (file := os.environ.get(_PASSWORD_FILE)):
        return database
    from proton_server.persistence.database_urls import with_password  # noqa: PLC0415 - takes 0.3 seconds
    from proton_server.persistence.databases import StoreError  # noqa: PLC0415

    try:
        return with_password(database, Path(file).read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise click.ClickException(f"{_PASSWORD_FILE}: {file} cannot be read: {reason}.") from None
    except StoreError as error:
        raise click.ClickException(str(error)) from None


_database = partial(
    click.option,
    "--database",
    default="proton.sqlite3",
    show_default=True,
    help="A SQLite file, or a URL such as postgresql+psycopg://user@host/name.",
)
database = _database(envvar="PROTON_DATABASE", callback=_with_password)
database_of_local = _database()
"""`local` upgrades what it opens, so it does not take the database of `serve` from the environment."""
port = click.option(
    "--port", default=4030, show_default=True, type=click.IntRange(0, 65535), help="0: any free port."
)
log_level = click.option(
    "--log-level",
    default="warning",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
)


endpoint_url = click.option("--endpoint-url", help="The server, if not the one of AWS_ENDPOINT_URL_PROTON.")
region = click.option(
    "--region",
    # Every other AWS tool knows the first of these; boto3 only the second.
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    help="The region, if not the one of the environment or profile.",
)
profile = click.option(
    "--profile", help="The AWS profile, which calls Proton too where the server takes AWS credentials."
)


def check_account(option: str, account: str) -> None:
    """Raises ClickException unless the option's value is an account ID."""
    if not is_account_id(account):
        raise click.ClickException(f"{option} must be 12 digits, not {account!r}.")
