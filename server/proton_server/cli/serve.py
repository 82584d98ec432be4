"""`proton-server serve`: the server in front of real accounts."""

from __future__ import annotations

import logging
import os
import threading

import click

from proton_server.api.authentication import VerifiedCredentials
from proton_server.cli import options
from proton_server.cli.server import listen, log_to_stderr, open_store, run
from proton_server.identity.access_keys import check_master_keys
from proton_server.identity.master_keys import MasterKeyError, MasterKeys
from proton_server.persistence.databases import StoreError
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.git_hosting.configuration import ConfigurationError, hostings
from proton_server.provisioning.methods import Outside

_log = logging.getLogger(__name__)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@options.port
@options.database
@options.log_level
@click.option(
    "--template-bucket-account",
    "template_accounts",
    multiple=True,
    callback=lambda _, __, given: ",".join(given).replace(",", " ").split(),
    envvar="PROTON_TEMPLATE_BUCKET_ACCOUNTS",
    help="An account in whose buckets all callers' templates may lie, not only its own. May be repeated.",
)
def serve(host: str, port: int, database: str, log_level: str, template_accounts: list[str]) -> None:
    """Serve the Proton API, for requests signed with keys of `proton-server keys create`."""
    for account in template_accounts:
        options.check_account("--template-bucket-account", account)
    log_to_stderr(log_level)
    try:
        outside = Outside(Aws(template_accounts=template_accounts), hostings(os.environ))
        master_keys = MasterKeys.read(os.environ)
    except (ConfigurationError, MasterKeyError) as fault:
        raise click.ClickException(str(fault)) from None
    # First, so that a port in use leaves no new database behind.
    listener = listen(host, port)
    store = open_store(database, alone=True)
    try:
        check_master_keys(store, master_keys)
    except (MasterKeyError, StoreError) as fault:
        raise click.ClickException(str(fault)) from None
    # Beside the start, for AWS may not answer.
    threading.Thread(target=_warn_of_aws, args=(outside.aws,), name="aws-check", daemon=True).start()
    run(store, VerifiedCredentials(master_keys), outside, listener)


def _warn_of_aws(aws: Aws) -> None:
    if problem := aws.credentials_problem():
        _log.warning(problem)
