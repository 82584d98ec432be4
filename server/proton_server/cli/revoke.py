"""`proton-server credentials revoke`: ends temporary credentials before they expire."""

from __future__ import annotations

import click

from proton_server.cli import options
from proton_server.cli.server import open_store
from proton_server.identity.principals import principal_of
from proton_server.identity.revocations import WHOLE_ACCOUNT
from proton_server.identity.revocations import revoke as revoke_sessions
from proton_server.persistence.databases import StoreError


@click.command()
@click.option("--principal", help="An ARN: whose credentials to revoke. Of an assumed role, the role counts.")
@click.option("--account", help="An AWS account, 12 digits: all of its principals.")
@options.database
def revoke(principal: str | None, account: str | None, database: str) -> None:
    """Revoke the temporary credentials that a principal, or an account, has until now.

    New ones are refused only once the configuration of `serve` allows the principal nothing.
    """
    account_id, name = _subject(principal, account)
    store = open_store(database)
    try:
        revoke_sessions(store, account_id, name)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    whose = f"account {account_id}" if name == WHOLE_ACCOUNT else name
    click.echo(f"The temporary credentials that {whose} has until now are revoked.")


def _subject(principal: str | None, account: str | None) -> tuple[str, str]:
    """The account, and its principal or all."""
    if account is not None:
        options.check_account("--account", account)
    if principal is None:
        if account is None:
            raise click.ClickException("Say whose credentials to revoke, with --principal or --account.")
        return account, WHOLE_ACCOUNT
    try:
        found = principal_of(principal)
    except ValueError as error:
        raise click.ClickException(f"--principal {error}.") from None
    if account not in (None, found.account_id):
        raise click.ClickException(f"--principal is of account {found.account_id}, and not of {account}.")
    return found.account_id, found.arn
