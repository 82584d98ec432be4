"""The HTTP server, uvicorn: what of it is set, and how it ends."""

from __future__ import annotations

import asyncio
import functools
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

import uvicorn

from proton_server.api.http_connections import Limits, joined_responses, protocol_class
from proton_server.api.stopping import end

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from types import FrameType

    from starlette.types import ASGIApp

    from proton_server.api.health import Health
    from proton_server.api.stopping import Stop

_MOST_FILES = 8192
_MOST_CONNECTIONS = 1024
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


def run(app: ASGIApp, listener: socket.socket, settings: Settings, health: Health, stop: Stop) -> None:
    """Serves until SIGINT or SIGTERM, which end the process with exit code 0.

    Args:
        app: the application.
        listener: where it is served.
        settings: the operator's.
        health: is told that the event loop runs.
        stop: begun by the signal.

    """
    connections = min(_MOST_CONNECTIONS, _files() // 2)
    config = configuration(
        app,
        Limits(connections=connections),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=max(1.0, settings.stop_seconds - settings.drain_seconds - _RESERVE_SECONDS),
    )
    # uvicorn raises the signal again once it has shut down. OpenBao and uvicorn's own command end with 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    _Server(config, settings.drain_seconds, health, stop).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, with an end that load balancers notice before it comes, and that has a time limit."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float, health: Health, stop: Stop) -> None:
        super().__init__(config)
        self._drain_seconds, self._health, self._stop = drain_seconds, health, stop

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


def configuration(app: ASGIApp, limits: Limits, **more: Any) -> uvicorn.Config:
    """How uvicorn serves the application. `more` goes to uvicorn as it is."""
    # By default uvicorn would believe whoever is on this machine.
    settings: dict[str, Any] = {"http": protocol_class(), "proxy_headers": False, **more}
    http = functools.partial(settings.pop("http"), limits, {})
    return uvicorn.Config(
        joined_responses(app),
        http=cast("type[asyncio.Protocol]", http),
        # WebSockets would pass by what keeps web pages out.
        ws="none",
        # As many are accepted at once: they must not displace one whose request was not read yet.
        backlog=max(128, limits.connections // 2),
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
