"""The command `proton-server`: puts the parts together and runs them.

A person's mistake ends in one sentence and exit code 1. Only the command `local` imports
`proton_server.local`.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from anyio.to_thread import current_default_thread_limiter

from proton_server.api import http_server
from proton_server.api.app import Proton, asgi_app
from proton_server.api.authentication import AnyCredentials, VerifiedCredentials, create_access_key
from proton_server.cli.publish import templates
from proton_server.engine.deployments import DeploymentHandler
from proton_server.engine.evaluation import Evaluator
from proton_server.engine.reconciler import Reconciler
from proton_server.engine.registrations import RegistrationHandler
from proton_server.local.web_pages import refuse_web_pages
from proton_server.operations.call import Capabilities
from proton_server.persistence.databases import StoreError
from proton_server.persistence.store import Store
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.aws_errors import trouble_of_the_server
from proton_server.provisioning.cloudformation import CloudFormation
from proton_server.provisioning.codebuild import CodeBuild
from proton_server.provisioning.customer_managed import CustomerManaged
from proton_server.provisioning.git_hosting.configuration import ConfigurationError, hostings, local_hostings
from proton_server.provisioning.pull_request import PullRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from proton_server.api.authentication import Authenticator
    from proton_server.provisioning import Method
    from proton_server.provisioning.git_hosting import Hostings

_log = logging.getLogger(__name__)

_database = click.option(
    "--database",
    default="proton.sqlite3",
    show_default=True,
    help="A SQLite file, or a URL such as postgresql+psycopg://user@host/name.",
)
_port = click.option(
    "--port", default=4030, show_default=True, type=click.IntRange(0, 65535), help="0: any free port."
)
_log_level = click.option(
    "--log-level",
    default="warning",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
)


_REQUESTS_AT_A_TIME = 128
"""Some of which wait for their turn to have a spec checked: more than one account may have waiting."""


class _Outside(NamedTuple):
    """What the server provisions with."""

    aws: Aws
    hosting: Hostings

    def methods(self) -> dict[str, Method]:
        """How each template engine is provisioned: a new way is a module in `provisioning/` and a line."""
        return {
            "cloudformation": CloudFormation(self.aws),
            "codebuild": CodeBuild(self.aws),
            "customer-managed": CustomerManaged(),
            "terraform": PullRequest(self.hosting),
        }


@click.group()
@click.version_option(package_name="pulumi-aws-proton")
def main() -> None:
    """A Proton-compatible control plane."""


main.add_command(templates)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@_port
@_database
@_log_level
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
        _check_account("--template-bucket-account", account)
    _log_to_stderr(log_level)
    try:
        outside = _Outside(Aws(template_accounts=template_accounts), hostings(os.environ))
    except ConfigurationError as fault:
        raise click.ClickException(str(fault)) from None
    # First, so that a port in use leaves no new database behind.
    listener = _listen(host, port)
    store = _open(database, alone=True)
    # Beside the start, for AWS may not answer.
    threading.Thread(target=_warn_of_aws, args=(outside.aws,), name="aws-check", daemon=True).start()
    _run(store, VerifiedCredentials(store), outside, listener)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@_port
@_database
@_log_level
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
def local(  # noqa: PLR0913  # one for each option
    *,
    host: str,
    port: int,
    database: str,
    log_level: str,
    deploy_seconds: float,
    git_root: Path,
    local_builds: bool,
) -> None:
    """Serve Proton and the rest of AWS (moto) on one port, for any credentials: 12 digits name an account."""
    if not _is_loopback(host):
        raise click.ClickException(
            f"`local` believes any credentials, so it listens on loopback only, not on {host}."
        )
    _log_to_stderr(log_level)
    _forget_aws_settings()
    from proton_server.local import account_of, aws_app  # noqa: PLC0415  # an extra, and not for `serve`

    listener = _listen(host, port)
    store = _open(database, alone=True)
    endpoint = _url(listener)
    outside = _Outside(Aws(endpoint), local_hostings(git_root))
    elsewhere = aws_app(deploy_seconds, endpoint if local_builds else None)
    _run(store, AnyCredentials(account_of), outside, listener, elsewhere)


@main.group()
def keys() -> None:
    """Access keys for `proton-server serve`."""


@keys.command()
@click.option("--account", required=True, help="The AWS account, 12 digits.")
@_database
def create(account: str, database: str) -> None:
    """Make an access key and show it, once."""
    _check_account("--account", account)
    store = _open(database)
    try:
        key_id, secret = create_access_key(store, account)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"AWS_ACCESS_KEY_ID={key_id}\nAWS_SECRET_ACCESS_KEY={secret}")


def _run(
    store: Store,
    authenticate: Authenticator,
    outside: _Outside,
    listener: socket.socket,
    elsewhere: ASGIApp | None = None,
) -> None:
    methods, evaluate = outside.methods(), Evaluator()
    reconcilers = (
        Reconciler(store, DeploymentHandler(store, methods, evaluate)),
        Reconciler(store, RegistrationHandler(store, outside.aws.read_object, evaluate)),
    )

    def wake() -> None:
        for reconciler in reconcilers:
            reconciler.wake()

    def fault() -> str | None:
        return next(filter(None, (reconciler.fault() for reconciler in reconcilers)), None)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = _REQUESTS_AT_A_TIME
        evaluate.start()
        for reconciler in reconcilers:
            reconciler.start()
        click.echo(f"proton-server is ready at {_url(listener)} (state in {store})")
        sys.stdout.flush()
        yield
        for reconciler in reconcilers:
            reconciler.stop()
        evaluate.close()
        store.close()

    proton = Proton(store, authenticate, Capabilities(frozenset(methods), outside.hosting), evaluate, wake)
    app = asgi_app(proton, fault, lifespan, elsewhere)
    http_server.run(refuse_web_pages(app, any_host=elsewhere is None), listener)


def _warn_of_aws(aws: Aws) -> None:
    if trouble := trouble_of_the_server(aws):
        _log.warning(trouble)


def _check_account(option: str, account: str) -> None:
    if not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise click.ClickException(f"{option} must be 12 digits, not {account!r}.")


def _open(database: str, *, alone: bool = False) -> Store:
    try:
        store = Store(database)
        if alone:
            store.serve_alone()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    return store


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on, so that whoever reads the ready line can connect."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = f"Cannot listen on {host} port {port}: {error.strerror}. Name another with --port."
        raise click.ClickException(message) from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("proton_server").setLevel(level.upper())
