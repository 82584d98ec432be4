"""`proton-server local`: the server and a local AWS on one port."""

from __future__ import annotations

import ipaddress
import os
from importlib.util import find_spec
from pathlib import Path

import click

from proton_server.api.authentication import AnyCredentials
from proton_server.api.exchange import Exchange
from proton_server.api.http_server import Settings
from proton_server.cli import options
from proton_server.cli.extras import missing
from proton_server.cli.server import Identity, listen, open_store, run, set_up_log, url
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.template_buckets import OwnTemplateBuckets
from proton_server.provisioning.git_hosting.configuration import local_hostings
from proton_server.provisioning.methods import Outside

_MODULES = ("a2wsgi", "moto")
"""What only the extra `local` installs. moto takes seconds to import, so that is done behind the start."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@options.port
@options.database_of_local
@options.log_level
@click.option(
    "--deploy-seconds",
    default=0.0,
    type=click.FloatRange(0),
    help="How long each stack operation is in progress.",
)
@click.option(
    "--git-root",
    default="proton-git",
    show_default=True,
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="The folder of bare repositories (OWNER/NAME.git) that get the pull requests.",
)
@click.option(
    "--local-builds/--no-local-builds",
    default=True,
    show_default=True,
    help="Run the commands of CodeBuild's builds on this machine, as you.",
)
@click.option(
    "--all-addresses",
    is_flag=True,
    help="For a container: listen on all of its addresses instead of on --host. Whoever reaches one of them "
    "may do everything here, and runs commands as you: publish the port on loopback only.",
)
def local(  # noqa: PLR0913  # one for each option
    *,
    host: str,
    port: int,
    database: str,
    log_level: str,
    deploy_seconds: float,
    git_root: Path,
    local_builds: bool,
    all_addresses: bool,
) -> None:
    """Serve Proton and the rest of AWS (moto) on one port, for any credentials: 12 digits name an account."""
    if not _is_loopback(host):
        raise click.ClickException(
            f"`local` believes any credentials, so it listens on loopback only, not on {host}. "
            "In a container, whose port you publish on loopback, use --all-addresses instead of --host."
        )
    if absent := next((name for name in _MODULES if find_spec(name) is None), None):
        raise click.ClickException(missing(absent, "local"))
    set_up_log(log_level)
    _forget_aws_settings()
    from proton_server.local import account_of, aws_app  # noqa: PLC0415  # not for `serve`

    listener = listen("0.0.0.0" if all_addresses else host, port)  # noqa: S104 - asked for
    store = open_store(database, alone=True, upgrade=True)
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}" if all_addresses else url(listener)
    aws = Aws(endpoint)
    outside = Outside(aws, local_hostings(git_root), template_buckets=OwnTemplateBuckets(aws))
    elsewhere = aws_app(deploy_seconds, endpoint if local_builds else None)
    run(
        store,
        Identity(AnyCredentials(account_of), Exchange()),
        outside,
        listener,
        Settings(),
        elsewhere=elsewhere,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _forget_aws_settings() -> None:
    """The local AWS must neither fail on the user's AWS settings nor, by their doing, reach the real one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
