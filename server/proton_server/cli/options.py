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
