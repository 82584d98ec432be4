"""Puts the parts of a server together and runs them: what `serve` and `local` have in common."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from proton_server.api import http_server
from proton_server.api.app import Proton
from proton_server.api.asgi import Operators, asgi_app
from proton_server.api.health import Health
from proton_server.api.http_server import State, connections_of, serve_beside
from proton_server.api.stopping import Stop
from proton_server.cli.background import Background
from proton_server.cli.gauges import add_gauges
from proton_server.engine.in_progress import read_in_progress
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
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from proton_server.api.authentication import Authenticator
    from proton_server.api.exchange import Exchange
    from proton_server.api.http_server import Settings
    from proton_server.api.tls import Certificate
    from proton_server.observability.measures import Measures
    from proton_server.observability.metrics import Metrics
    from proton_server.provisioning.methods import Outside

_REQUESTS_AT_A_TIME = 128
"""Some of which wait for their turn to have a spec checked: more than one account may have waiting."""


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
    background = Background(store, outside, retention, measures)
    stop = Stop(settings.stop_seconds, background.stop_claiming)
    health = Health(stop.has_begun, not_ready=background.fault, not_live=background.end)
    scheme = "https" if settings.certificate else "http"

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threads = ThreadPoolExecutor(_REQUESTS_AT_A_TIME, thread_name_prefix="request")
        asyncio.get_running_loop().set_default_executor(threads)
        background.start()
        stop.watch()
        health.started()
        click.echo(f"proton-server is ready at {url(listener, scheme)} (state in {store})")
        sys.stdout.flush()
        yield
        await background.stop(stop.left)
        identity.exchange.close()
        store.close()

    can = Capabilities(METHODS, outside.hosting, Stacks(outside.aws), background.buckets.limit)
    proton = Proton(
        store, identity.authenticate, can, background.evaluate, background.wake, measures=measures
    )
    state = State(connections_of(settings), health, stop)
    operators = Operators(health)
    if measured is not None:
        operators = _measured_operators(measured, store, background, state, settings.certificate)
    app = asgi_app(proton, operators, lifespan, identity.exchange, elsewhere)
    guarded = refuse_web_pages(app, any_host=elsewhere is None)
    # What is there now stays: a full collection need not look through its 150,000 objects.
    gc.freeze()
    http_server.run(guarded, listener, settings, state)


def _measured_operators(
    measured: Measured, store: Store, background: Background, state: State, certificate: Certificate | None
) -> Operators:
    """What operators find on the main port: the metrics too, unless these have a port of their own."""
    from proton_server.api.metrics import MetricsPage  # noqa: PLC0415  # not for `local`

    by_table = {
        reconciler.table: reconciler for reconciler in (background.deployments, background.registrations)
    }
    add_gauges(measured.metrics, by_table, background.evaluate, state.connections, certificate)
    page = MetricsPage(measured.metrics, partial(read_in_progress, store))
    everything = Operators(state.health, page)
    if measured.listener is None:
        return everything
    serve_beside(everything, measured.listener)
    return Operators(state.health)


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
