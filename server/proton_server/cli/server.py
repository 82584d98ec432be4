"""Puts the parts of a server together and runs them: what `serve` and `local` have in common."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from proton_server.api import http_server
from proton_server.api.app import Proton
from proton_server.api.asgi import Operators, asgi_app
from proton_server.api.health import Health
from proton_server.api.http_server import State, connections_of, serve_beside
from proton_server.api.stopping import Stop
from proton_server.cli.gauges import add_gauges
from proton_server.engine.cleaning import Cleaning
from proton_server.engine.deployments import DeploymentHandler
from proton_server.engine.evaluation import Evaluator
from proton_server.engine.in_progress import read_in_progress
from proton_server.engine.reconciler import Reconciler
from proton_server.engine.registrations import RegistrationHandler
from proton_server.engine.template_objects import TemplateObjects
from proton_server.identity.access_keys import seal
from proton_server.identity.issuer import exchange_log
from proton_server.identity.master_keys import MasterKeyError, MasterKeys
from proton_server.local.web_pages import refuse_web_pages
from proton_server.observability.logs import log_to_stderr
from proton_server.observability.measures import UNMEASURED
from proton_server.operations.call import Capabilities
from proton_server.persistence.databases import StoreError
from proton_server.persistence.marks import refuse_backup
from proton_server.persistence.retention import Retention
from proton_server.persistence.store import Store
from proton_server.provisioning.methods import METHODS, manifest_engines
from proton_server.provisioning.stack_watch import StackWatch
from proton_server.provisioning.stacks import Stacks
from proton_server.provisioning.template_buckets import TemplateBuckets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from proton_server.api.authentication import Authenticator
    from proton_server.api.exchange import Exchange
    from proton_server.api.http_server import Settings
    from proton_server.observability.measures import Measures
    from proton_server.observability.metrics import Metrics
    from proton_server.provisioning.methods import Outside

_REQUESTS_AT_A_TIME = 128
"""Some of which wait for their turn to have a spec checked: more than one account may have waiting."""
_LAST_SECOND = 1.0
"""Of the time in which the server has to end, what is left for it when steps in progress have had theirs."""


class Measured(NamedTuple):
    """Where the metrics of a server are."""

    metrics: Metrics
    listener: socket.socket | None = None
    """Of a port of their own."""


class Identity(NamedTuple):
    """How a server identifies its callers."""

    authenticate: Authenticator
    exchange: Exchange


def run(  # noqa: PLR0913  # the parts of a server
    store: Store,
    identity: Identity,
    outside: Outside,
    listener: socket.socket,
    settings: Settings,
    *,
    elsewhere: ASGIApp | None = None,
    retention: Retention = Retention(),  # noqa: B008  # immutable
    measured: Measured | None = None,
) -> None:
    """Serves requests on the listener until told to stop.

    `elsewhere`: what is not Proton's. `retention`: what is deleted when it is old. `measured`: the metrics.
    """
    measures = measured.metrics if measured else UNMEASURED
    evaluate, engines = Evaluator(measures=measures), manifest_engines(METHODS)
    watch = StackWatch(outside.aws)
    outside = outside._replace(stack_watch=watch)
    buckets = outside.template_buckets or TemplateBuckets(outside.aws)
    template_objects = TemplateObjects(store, buckets)
    deployments = Reconciler(
        store,
        DeploymentHandler(store, METHODS, outside, evaluate, measures),
        ended=template_objects.after,
        measures=measures,
    )
    registrations = Reconciler(
        store,
        RegistrationHandler(store, outside.aws.read_object, evaluate, engines),
        measures=measures,
    )
    reconcilers, cleaning = (deployments, registrations), Cleaning(store, retention)

    def wake() -> None:
        for reconciler in reconcilers:
            reconciler.wake()

    def on_stop() -> None:
        for reconciler in reconcilers:
            reconciler.stop_claiming()
        # Beside the rest: AWS may not answer.
        threading.Thread(target=watch.stop, name="stack-watch-end", daemon=True).start()

    stop = Stop(settings.stop_seconds, on_stop)
    health = Health(
        stop.has_begun,
        not_ready=lambda: _first(reconciler.fault() for reconciler in reconcilers),
        not_live=lambda: _first((*(reconciler.end() for reconciler in reconcilers), evaluate.end())),
    )
    scheme = "https" if settings.certificate else "http"

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threads = ThreadPoolExecutor(_REQUESTS_AT_A_TIME, thread_name_prefix="request")
        asyncio.get_running_loop().set_default_executor(threads)
        evaluate.start()
        for reconciler in reconcilers:
            reconciler.start()
        watch.start(deployments.make_due)
        stop.watch()
        cleaning.start()
        health.started()
        template_objects.start()
        click.echo(f"proton-server is ready at {url(listener, scheme)} (state in {store})")
        sys.stdout.flush()
        yield
        await asyncio.to_thread(cleaning.stop)
        for reconciler in reconcilers:
            await asyncio.to_thread(reconciler.stop, stop.left() - _LAST_SECOND)
        template_objects.stop()
        identity.exchange.close()
        evaluate.close()
        store.close()

    can = Capabilities(METHODS, outside.hosting, Stacks(outside.aws), buckets.limit)
    proton = Proton(store, identity.authenticate, can, evaluate, wake, measures=measures)
    state = State(connections_of(settings), health, stop)
    operators = Operators(health)
    if measured is not None:
        from proton_server.api.metrics import MetricsPage  # noqa: PLC0415  # not for `local`

        by_table: dict[str, Reconciler[Any]] = {
            "deployments": deployments,
            "environment_template_versions": registrations,
        }
        add_gauges(measured.metrics, by_table, evaluate, state.connections, settings.certificate)
        everything = Operators(health, MetricsPage(measured.metrics, partial(read_in_progress, store)))
        if measured.listener is None:
            operators = everything
        else:
            serve_beside(everything, measured.listener)
    app = asgi_app(proton, operators, lifespan, identity.exchange, elsewhere)
    guarded = refuse_web_pages(app, any_host=elsewhere is None)
    http_server.run(guarded, listener, settings, state)


def _first(faults: Iterable[str | None]) -> str | None:
    return next(filter(None, faults), None)


def open_store(
    database: str, *, alone: bool = False, upgrade: bool = False, measures: Measures = UNMEASURED
) -> Store:
    """The database, for one serving process only if `alone`, and upgraded if asked. Raises ClickException."""
    try:
        store = Store(database, seal=_seal if upgrade else None, measures=measures)
        if alone:
            refuse_backup(store)
            store.serve_alone()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    return store


def _seal(account_id: str, key_id: str, secret: str) -> str:
    """Encrypts a secret of 0.1.0. Only an upgrade that meets one needs master keys."""
    try:
        return seal(MasterKeys.read(os.environ), account_id, key_id, secret)
    except MasterKeyError as error:
        message = f"The database has access keys of 0.1.0, whose secrets an upgrade encrypts. {error}"
        raise click.ClickException(message) from None


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A socket that takes connections from now on, so that whoever reads the ready line can connect."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = f"Cannot listen on {host} port {port}: {error.strerror}. Name another with {option}."
        raise click.ClickException(message) from None


def url(listener: socket.socket, scheme: str = "http") -> str:
    """Where the listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def set_up_log(level: str, form: str = "text") -> None:
    """The log on standard error. It has exchanges of credentials also by default, unlike requests."""
    log_to_stderr(level, form)
    if level == "warning":  # the default
        exchange_log.setLevel(logging.INFO)
