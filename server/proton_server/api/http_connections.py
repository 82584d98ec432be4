"""The connections of the HTTP server: deadlines for requests, a limit, and responses in one segment.

uvicorn waits for a request without limit, and a process has a limited number of open files: a client without
a key could open enough idle connections to lock out all others. So a request has a deadline, which slow bytes
do not extend, and when there are too many connections, one without a complete request is closed: of the
address that has most of them, the oldest. (uvicorn's own `limit_concurrency` refuses the newest instead.)

uvicorn sends the headers and the body of a response as two segments; AWS's SDK for Go sometimes takes a body
that arrives late for an empty one. So what is written in one turn of the event loop is sent together.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from proton_server.api.wire import MAX_BODY_BYTES
from proton_server.identity.address_limits import network_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    _Uvicorn = H11Protocol  # or the one with httptools, whose members have the same names
else:
    _Uvicorn = asyncio.Protocol

_PIECE_BYTES = 64 * 1024
_LAST_SECONDS = 5.0
"""For the rest of a body when the server ends, and for a response before a connection is cut off."""


@dataclass(frozen=True)
class Limits:
    """What a client may cost before it has sent a whole request."""

    connections: int
    head_seconds: float = 10.0
    head_bytes: int = 64 * 1024
    body_seconds: float = 20.0
    """For each MAX_BODY_BYTES of a body: the local S3 takes larger ones than Proton."""
    handshake_seconds: float = 10.0
    """Of TLS."""
    response_seconds: float = 30.0
    """For the client to take 64 KB of a response, of which no more is kept for it."""


class Closable(Protocol):
    """A connection that can be closed."""

    def give_up(self) -> None:
        """Closes it, whatever has come on it."""


class Connections:
    """The open connections of a server, and those of them without a whole request, by address."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.number = limits, 0
        self._addresses: dict[Closable, str] = {}
        self._waiting: dict[str, dict[Closable, None]] = {}
        """By address, those first that have waited longest."""

    def opened(self, connection: Closable, transport: asyncio.BaseTransport) -> None:
        """Counts a new connection, and closes another one if there are too many."""
        peer = transport.get_extra_info("peername")
        self._addresses[connection] = network_of(peer[0]) if isinstance(peer, tuple) else ""
        self.number += 1
        self.waits(connection)
        if self.number > self.limits.connections:
            most = max(self._waiting.values(), key=len)
            next(iter(most)).give_up()

    def closed(self, connection: Closable) -> None:
        """Counts it no more."""
        self.waits_no_more(connection)
        if self._addresses.pop(connection, None) is not None:
            self.number -= 1

    def waits(self, connection: Closable) -> None:
        """The connection has no whole request."""
        self._waiting.setdefault(self._addresses[connection], {}).setdefault(connection)

    def waits_no_more(self, connection: Closable) -> None:
        """The connection has a whole request, or is closed."""
        address = self._addresses.get(connection, "")
        waiting = self._waiting.get(address, {})
        waiting.pop(connection, None)
        if not waiting:
            self._waiting.pop(address, None)


class _Connection(_Uvicorn):
    """What is added to uvicorn's protocols. `all_open` are the server's connections."""

    def __init__(self, all_open: Connections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._limits, self._all_open = all_open.limits, all_open
        self._deadline: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None
        self._awaiting: Any = None
        """What the deadline is for: "head", or the request (uvicorn's `cycle`) whose body is to come."""
        self._received = 0
        """Bytes since the deadline was set."""
        self._held_up = False
        """Whether we did not read when a deadline for the body was due: the rest had no time of its own."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's event loop is no BaseEventLoop; it sends without delay by itself.
        if isinstance(self.loop, asyncio.BaseEventLoop):
            # asyncio sets it only on sockets of protocol TCP; `socket.create_server` makes others.
            # Without it a response waits 40 ms for the client's acknowledgement of the one before.
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = cast("Any", _Joined(transport, self.loop))
        super().connection_made(cast("Any", transport))
        self._await("head", self._limits.head_seconds)
        self._all_open.opened(self, transport)

    def pause_writing(self) -> None:
        """The client does not take its response. It has a whole request, so no other would have its place."""
        super().pause_writing()
        self._untaken = self.loop.call_later(self._limits.response_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        self._taken()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._taken()
        self._all_open.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if not self.transport.is_closing():
            self._look(len(data))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._look(0)

    def _look(self, received: int) -> None:
        """Sets the deadline for the part of the request that is to be received next."""
        request = self.cycle
        if request is None or request.response_complete:
            self._all_open.waits(self)
            # A body that is still sent after the response keeps its deadline.
            if self._awaiting is None and received:
                self._await("head", self._limits.head_seconds, received)
            if self._awaiting == "head" and self._received > self._limits.head_bytes:
                self._refuse(b"431 Request Header Fields Too Large", "The head of the request is too large.")
        elif request.more_body:
            self._all_open.waits(self)
            if self._awaiting is not request:
                self._await(request, self._limits.body_seconds)
        else:
            self._leave()

    def _await(self, what: Any, seconds: float, received: int = 0) -> None:
        self._stop()
        self._awaiting, self._received = what, received
        self._deadline = self.loop.call_later(seconds, self._late, seconds)

    def _late(self, seconds: float) -> None:
        what = self._awaiting
        if what == "head":
            part, no_response = "head", self._received > 0
        elif not what.response_complete and (
            self.flow.read_paused or self._held_up or self._received >= MAX_BODY_BYTES
        ):
            # We are the ones who are late, or were when it was looked at last, or there is much of it.
            self._held_up = self.flow.read_paused
            self._await(what, seconds)
            return
        else:
            part, no_response = "body", not what.response_started
        if no_response:
            self._refuse(b"408 Request Timeout", f"The {part} of the request took more than {seconds:g} s.")
        else:
            self.give_up()

    def _refuse(self, status: bytes, sentence: str) -> None:
        head = b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % (status, len(sentence)) + sentence.encode())
        self.give_up()

    def shutdown(self) -> None:
        """Closes the connection when the request in progress is answered, whose body gets little time."""
        super().shutdown()
        if self._awaiting not in (None, "head"):
            self._await(self._awaiting, min(_LAST_SECONDS, self._limits.body_seconds))

    def give_up(self) -> None:
        """Closes the connection, whatever has come on it."""
        self._leave()
        self.transport.close()
        # What was written to it may never be read, and the end of TLS never be answered.
        self.loop.call_later(_LAST_SECONDS, self.transport.abort)

    def _leave(self) -> None:
        self._stop()
        self._all_open.waits_no_more(self)

    def _taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._awaiting = None


class _H11Connection(_Connection, H11Protocol):
    """One that parses with h11."""


def protocol_class() -> type[_Connection]:
    """The HTTP protocol that parses with httptools where that is installed, which is not on PyPy."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415

        from proton_server.api.http_upgrades import WithoutUpgrades  # noqa: PLC0415
    except ModuleNotFoundError:
        return _H11Connection
    return type("_HttpToolsConnection", (_Connection, WithoutUpgrades, HttpToolsProtocol), {})


class _Joined:
    """A transport that sends what is written in one turn of the event loop together."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._written = bytearray()

    def write(self, data: bytes) -> None:
        if data and not self._written:
            self._loop.call_soon(self._send)
        self._written += data
        if len(self._written) > _PIECE_BYTES:
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._written:
            data, self._written = bytes(self._written), bytearray()
            self._transport.write(data)


def joined_responses(app: ASGIApp) -> ASGIApp:
    """`app`, with the headers of each response held back until its body begins: moto sends them apart."""

    async def joined(scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)
            if message["type"] != "http.response.start":
                for one in held:
                    await send(one)
                held.clear()

        await app(scope, receive, hold)

    return joined
