"""The HTTP server, uvicorn: what of it is set, and how it ends."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

import uvicorn

from proton_server.api.http_connections import Limits, joined_responses, protocol_class

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from types import FrameType

    from starlette.types import ASGIApp

_MOST_FILES = 8192
_MOST_CONNECTIONS = 1024
_IDLE_SECONDS = 75
"""How long a connection is kept for a next request: longer than clients pause between two looks at a
deployment. One that closes just as the next request is sent looks to its client like a lost answer."""


def run(app: ASGIApp, listener: socket.socket, trusted_proxies: Sequence[str] = ()) -> None:
    """Serves until SIGINT or SIGTERM, which end the process with exit code 0: to be stopped is no failure.

    `trusted_proxies`: addresses and networks whose X-Forwarded-For says where a request is from.
    """
    connections = min(_MOST_CONNECTIONS, _files() // 2)
    config = configuration(
        app,
        Limits(connections=connections),
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
    )
    # uvicorn raises the signal again once it has shut down. OpenBao and uvicorn's own command end with 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    uvicorn.Server(config).run(sockets=[listener])


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
        timeout_graceful_shutdown=5,
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
    # At once: nothing is left to be written down, and a thread in which moto still waits would be waited for.
    os._exit(0)
