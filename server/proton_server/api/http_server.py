"""The HTTP server, uvicorn: what of it is set, and how it ends."""

from __future__ import annotations

import asyncio
import functools
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

import uvicorn

from proton_server.api.http_connections import Connections, Limits, joined_responses, protocol_class
from proton_server.api.stopping import end
from proton_server.api.tls import Handshake

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from types import FrameType

    from starlette.types import ASGIApp

    from proton_server.api.health import Health
    from proton_server.api.stopping import Stop
    from proton_server.api.tls import Certificate

_MOST_FILES = 8192
_MOST_BESIDE = 64
"""How many connections a port for operators has."""
_RESERVE_SECONDS = 3.0
"""Of the time that the end may take, what is left for the steps in progress when requests have had theirs."""
_IDLE_SECONDS = 75
"""How long a connection is kept for a next request: longer than clients pause between two looks at a
deployment. One that closes just as the next request is sent looks to its client like a lost answer."""


@dataclass(frozen=True)
class Settings:
    """What an operator may set."""

    trusted_proxies: Sequence[str] = ()
    """Addresses and networks whose X-Forwarded-For says where a request is from."""
    drain_seconds: float = 0.0
    """How long connections are accepted after SIGTERM, for load balancers to notice that they should end."""
    stop_seconds: float = 10.0
    """How long the whole end may take, whatever hangs."""
    max_connections: int = 1024
    """How many may be open, if the process may open twice as many files."""
    certificate: Certificate | None = None
    """With one, connections are encrypted."""


class State(NamedTuple):
    """What else there is to know of a running server."""

    connections: Connections
    health: Health
    stop: Stop


def connections_of(settings: Settings) -> Connections:
    """The connections that a server may have: half of the files that it may open, at most."""
    return Connections(Limits(connections=min(settings.max_connections, _files() // 2)))


def run(app: ASGIApp, listener: socket.socket, settings: Settings, state: State) -> None:
    """Serves until SIGINT or SIGTERM, which end the process with exit code 0.

    Args:
        app: the application.
        listener: where it is served.
        settings: the operator's.
        state: is told of the connections, that the event loop runs, and that the end has begun.

    """
    config = configuration(
        app,
        state.connections,
        settings.certificate,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=max(1.0, settings.stop_seconds - settings.drain_seconds - _RESERVE_SECONDS),
    )
    # uvicorn raises the signal again once it has shut down. OpenBao and uvicorn's own command end with 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    _Server(config, settings.drain_seconds, state).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, with an end that load balancers notice before it comes, and that has a time limit."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float, state: State) -> None:
        super().__init__(config)
        self._drain_seconds, self._health, self._stop = drain_seconds, state.health, state.stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins the end. A second signal ends the process at once."""
        self._stop.begin()
        if sig == signal.SIGINT:
            self._drain_seconds = 0.0  # whoever presses Ctrl-C has no load balancer
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        self._health.turn()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends as uvicorn does, after a pause in which everything is still answered."""
        self._stop.first()
        await asyncio.sleep(self._drain_seconds)
        await super().shutdown(sockets)


def serve_beside(app: ASGIApp, listener: socket.socket) -> None:
    """Serves another application until the process ends, in a thread with an event loop of its own."""
    config = configuration(app, Connections(Limits(connections=_MOST_BESIDE)), lifespan="off")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, args=([listener],), name="operators", daemon=True).start()


def configuration(
    app: ASGIApp, connections: Connections, certificate: Certificate | None = None, **more: Any
) -> uvicorn.Config:
    """How uvicorn serves the application. `more` goes to uvicorn as it is."""
    # By default uvicorn would believe whoever is on this machine.
    settings: dict[str, Any] = {"http": protocol_class(), "proxy_headers": False, **more}
    protocol = functools.partial(settings.pop("http"), connections)

    def encrypted(**uvicorn: Any) -> Handshake:
        assert certificate is not None  # noqa: S101  # see below
        return Handshake(certificate, connections, functools.partial(protocol, **uvicorn))

    http = encrypted if certificate else protocol
    return uvicorn.Config(
        joined_responses(app),
        http=cast("type[asyncio.Protocol]", http),
        # WebSockets would pass by what keeps web pages out.
        ws="none",
        # As many are accepted at once: they must not displace one whose request was not read yet.
        backlog=max(128, connections.limits.connections // 2),
        log_config=None,
        access_log=False,
        timeout_keep_alive=_IDLE_SECONDS,
        **settings,
    )


def _files() -> int:
    """Lets the process open more files, within reason; how many it may open now."""
    if sys.platform == "win32":
        return _MOST_FILES
    import resource  # noqa: PLC0415  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(_MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return _MOST_FILES if soft == resource.RLIM_INFINITY else soft


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    end()
