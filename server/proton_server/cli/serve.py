"""`proton-server serve`: the server in front of real accounts."""

from __future__ import annotations

import logging
import os
import re
import threading
from pathlib import Path

import click

from proton_server.api.http_server import Settings
from proton_server.api.regions import is_region
from proton_server.api.tls import Certificate, CertificateError
from proton_server.cli import exchange, options
from proton_server.cli.durations import seconds
from proton_server.cli.server import Measured, listen, open_store, run, set_up_log
from proton_server.engine.restored import to_resume
from proton_server.identity.access_keys import check_master_keys
from proton_server.identity.configuration import ConfigurationFile, ConfigurationFileError
from proton_server.identity.master_keys import MasterKeyError, MasterKeys
from proton_server.observability.logs import FORMS
from proton_server.observability.metrics import Metrics
from proton_server.persistence.databases import StoreError
from proton_server.persistence.retention import Retention
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.template_buckets import OPTION, TemplateBuckets
from proton_server.provisioning.git_hosting.configuration import ConfigurationError, hostings
from proton_server.provisioning.methods import Outside

_log = logging.getLogger(__name__)

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""Names of buckets: "General purpose bucket naming rules" in S3's User Guide."""


def _listed(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> list[str]:
    """The values of an option that may be repeated, or given in its variable with commas between."""
    return ",".join(given).replace(",", " ").split()


def _by_region(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Buckets by their Regions."""
    buckets: dict[str, str] = {}
    for value in _listed(context, option, given):
        region, _, bucket = value.partition("=")
        if not _BUCKET.fullmatch(bucket):
            raise click.ClickException(f"{OPTION} must be REGION=BUCKET, and not {value!r}.")
        if not is_region(region):
            raise click.ClickException(f"{OPTION} {value}: AWS has no Region {region!r}.")
        if region in buckets:
            both = f"{buckets[region]} and {bucket}"
            raise click.ClickException(f"{OPTION} names two buckets for {region}: {both}.")
        buckets[region] = bucket
    return buckets


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@options.port
@options.database
@options.log_level
@click.option(
    "--template-bucket-account",
    "template_accounts",
    multiple=True,
    callback=_listed,
    envvar="PROTON_TEMPLATE_BUCKET_ACCOUNTS",
    help="An account in whose buckets all callers' templates may lie, not only its own. May be repeated.",
)
@click.option(
    "--public-url",
    envvar="PROTON_PUBLIC_URL",
    help="The URL that clients call this server by, without a path: switches the exchange on.",
)
@click.option(
    "--config",
    "file",
    envvar="PROTON_CONFIG",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A YAML file: who may exchange AWS credentials, and external IDs of service roles.",
)
@click.option("--sts-endpoint", envvar="PROTON_STS_ENDPOINT", help="Another STS than AWS's public ones.")
@click.option("--sts-proxy", envvar="PROTON_STS_PROXY", help="The HTTP proxy through which STS is reached.")
@click.option(
    "--exchanges-per-minute",
    default=120,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="How many exchanges an address may ask for in a minute.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    callback=_listed,
    envvar="PROTON_TRUSTED_PROXIES",
    help="An address or network of proxies whose X-Forwarded-For is believed. May be repeated.",
)
@click.option(
    "--log-format",
    default="text",
    show_default=True,
    type=click.Choice(FORMS),
    envvar="PROTON_LOG_FORMAT",
    help="json: an object on each line.",
)
@click.option(
    "--drain-seconds",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    envvar="PROTON_DRAIN_SECONDS",
    help="How long new connections are taken after SIGTERM, while /health/ready says 503.",
)
@click.option(
    "--stop-seconds",
    default=25.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    envvar="PROTON_STOP_SECONDS",
    help="How long the server may take to end after a signal, whatever hangs.",
)
@click.option(
    "--retain-deployments",
    callback=seconds,
    envvar="PROTON_RETAIN_DEPLOYMENTS",
    help="How long to keep deployments that have ended, such as 400d.  [default: for ever]",
)
@click.option(
    "--retain-audit",
    callback=seconds,
    envvar="PROTON_RETAIN_AUDIT",
    help="How long to keep audit lines, such as 400d.  [default: for ever]",
)
@click.option(
    OPTION,
    "stack_template_buckets",
    multiple=True,
    callback=_by_region,
    envvar="PROTON_STACK_TEMPLATE_BUCKETS",
    metavar="REGION=BUCKET",
    help="A bucket of the server's account for rendered templates above 51,200 bytes. May be repeated.",
)
@click.option(
    "--tls-cert",
    envvar="PROTON_TLS_CERT",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file in PEM with the certificate, and those of the chain after it: the server speaks HTTPS.",
)
@click.option(
    "--tls-key",
    envvar="PROTON_TLS_KEY",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file in PEM with the certificate's private key.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    envvar="PROTON_METRICS_PORT",
    help="A port of their own for /metrics and /health, without TLS; 0: any free port.",
)
@click.option(
    "--max-connections",
    default=1024,
    show_default=True,
    type=click.IntRange(16, 100_000),
    envvar="PROTON_MAX_CONNECTIONS",
    help="How many connections may be open, if the process may open twice as many files.",
)
def serve(  # noqa: PLR0913  # one for each option
    *,
    host: str,
    port: int,
    database: str,
    log_level: str,
    template_accounts: list[str],
    public_url: str | None,
    file: Path | None,
    sts_endpoint: str | None,
    sts_proxy: str | None,
    exchanges_per_minute: int,
    trusted_proxies: list[str],
    log_format: str,
    drain_seconds: float,
    stop_seconds: float,
    retain_deployments: float | None,
    retain_audit: float | None,
    stack_template_buckets: dict[str, str],
    tls_cert: Path | None,
    tls_key: Path | None,
    metrics_port: int | None,
    max_connections: int,
) -> None:
    """Serve the Proton API, for access keys of `keys create` and AWS credentials that were exchanged."""
    for account in template_accounts:
        options.check_account("--template-bucket-account", account)
    set_up_log(log_level, log_format)
    exchange_options = exchange.checked(
        public_url, sts_endpoint, sts_proxy, exchanges_per_minute, trusted_proxies
    )
    if drain_seconds >= stop_seconds:
        raise click.ClickException("--drain-seconds must be less than --stop-seconds, which it is a part of.")
    certificate = _certificate(tls_cert, tls_key)
    settings = Settings(trusted_proxies, drain_seconds, stop_seconds, max_connections, certificate)
    metrics = Metrics()
    try:
        configuration = ConfigurationFile(file)
        aws = Aws(
            template_accounts=template_accounts,
            external_ids=lambda: configuration.current().external_ids,
            measures=metrics,
        )
        outside = Outside(
            aws, hostings(os.environ), template_buckets=TemplateBuckets(aws, stack_template_buckets)
        )
        master_keys = MasterKeys.read(os.environ)
    except (ConfigurationError, ConfigurationFileError, MasterKeyError) as fault:
        raise click.ClickException(str(fault)) from None
    # First, so that a port in use leaves no new database behind.
    listener = listen(host, port)
    metrics_listener = None if metrics_port is None else listen(host, metrics_port, "--metrics-port")
    store = open_store(database, alone=True, measures=metrics)
    try:
        check_master_keys(store, master_keys)
    except (MasterKeyError, StoreError) as fault:
        raise click.ClickException(str(fault)) from None
    if number := to_resume(store):
        _log.warning("The database was restored: compared with AWS before they go on: %d deployments", number)
    if exchange_options.origin and file is None:
        _log.warning("Without --config nobody may exchange AWS credentials.")
    # Beside the start, for AWS may not answer.
    threading.Thread(target=_warn_of_aws, args=(outside.aws,), name="aws-check", daemon=True).start()
    identity = exchange.identity(exchange_options, store, master_keys, configuration, metrics)
    run(
        store,
        identity,
        outside,
        listener,
        settings,
        retention=Retention(retain_deployments, retain_audit),
        measured=Measured(metrics, metrics_listener),
    )


def _certificate(certificate: Path | None, key: Path | None) -> Certificate | None:
    """The certificate, if there is one. Raises ClickException."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise click.ClickException("--tls-cert and --tls-key are given both or neither.")
    try:
        return Certificate(certificate, key)
    except CertificateError as error:
        raise click.ClickException(str(error)) from None


def _warn_of_aws(aws: Aws) -> None:
    if problem := aws.credentials_problem():
        _log.warning(problem)
