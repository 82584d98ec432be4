"""TLS: the certificate, which may be renewed while the server runs, and connections during their handshake.

A handshake counts against the limits of connections and time like a request: a client that connects and says
nothing must not cost more with TLS than without. (With a listener that is given an SSL context, neither
uvicorn nor we would see a connection before its handshake has ended.)
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NoReturn, cast

from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proton_server.api.http_connections import Connections

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
"""How often the files are looked at, at most: whenever somebody connects."""
_GOODBYE_SECONDS = 1.0
"""How long to wait for a client's part of the end of TLS."""


class CertificateError(Exception):
    """The certificate or its key cannot be used. The message is one sentence."""


class Certificate:
    """The server's certificate and key, as the files have them now. Raises CertificateError at the start.

    A renewal that cannot be used changes nothing, and the log has one line about it.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files, self._mutex = (certificate, key), threading.Lock()
        self._seen, self._looked_at = self._status(), time.monotonic()
        self._context, self.expires = self._load()
        """`expires`: in epoch seconds."""
        if self.expires < time.time():
            _log.warning("The certificate %s expired on %s.", certificate, _date(self.expires))

    def context(self) -> ssl.SSLContext:
        """For a new connection: with a renewed certificate, if there is one."""
        with self._mutex:
            if time.monotonic() - self._looked_at > _LOOK_SECONDS:
                self._looked_at, seen = time.monotonic(), self._status()
                if seen != self._seen:
                    self._seen = seen
                    self._renew()
            return self._context

    def _renew(self) -> None:
        try:
            self._context, self.expires = self._load()
        except CertificateError as error:
            _log.error("%s The certificate from before stays in use.", error)
        else:
            _log.info("The certificate was renewed: it expires on %s.", _date(self.expires))

    def _status(self) -> tuple[object, ...]:
        """What is different once a file has changed."""
        try:
            found = [file.stat() for file in self._files]
        except OSError as error:
            return (error.errno,)
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def _load(self) -> tuple[ssl.SSLContext, float]:
        certificate, key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        for file in self._files:
            try:
                content = file.read_bytes()
            except OSError as error:
                raise CertificateError(f"The file {file} cannot be read: {error.strerror}.") from None
            if file == certificate:
                expires = _expiry(file, content)
        try:
            context.load_cert_chain(certificate, key, _refuse_to_ask)
        except _Encrypted:
            message = f"The key {key} is encrypted with a password: store it without one."
            raise CertificateError(message) from None
        except (ssl.SSLError, ValueError) as error:
            if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
                message = f"The key {key} is not the one of the certificate {certificate}."
            else:
                message = f"The file {key} has no private key in PEM that can be used."
            raise CertificateError(message) from None
        return context, expires


class _Encrypted(Exception):
    """The key has a password."""


def _refuse_to_ask() -> NoReturn:
    # Else OpenSSL would ask for it on the terminal.
    raise _Encrypted


def _expiry(file: Path, content: bytes) -> float:
    try:
        # The server's own; the others of the chain follow.
        certificate = x509.load_pem_x509_certificate(content)
    except ValueError:
        raise CertificateError(f"The file {file} has no certificate in PEM.") from None
    return certificate.not_valid_after_utc.timestamp()


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%d %H:%M} UTC"


class Handshake(asyncio.Protocol):
    """A connection until its handshake has ended, which then is one of HTTP.

    Args:
        certificate: the server's.
        connections: those that are open.
        http: makes the protocol that takes over.

    """

    def __init__(
        self, certificate: Certificate, connections: Connections, http: Callable[[], asyncio.Protocol]
    ) -> None:
        self._certificate, self._connections, self._http = certificate, connections, http
        self._socket: socket.socket
        self._task: asyncio.Task[Any]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins the handshake, on the connection's socket: nothing was read from it yet."""
        accepted = cast("socket.socket", transport.get_extra_info("socket"))
        self._socket = socket.socket(fileno=os.dup(accepted.fileno()))
        self._socket.setblocking(False)  # noqa: FBT003  # the library's
        options: dict[str, Any] = {"ssl_handshake_timeout": self._connections.limits.handshake_seconds}
        if sys.version_info >= (3, 11):
            options["ssl_shutdown_timeout"] = _GOODBYE_SECONDS
        loop = asyncio.get_running_loop()
        handshake = loop.connect_accepted_socket(
            self._taken_over, self._socket, ssl=self._certificate.context(), **options
        )
        self._task = loop.create_task(handshake)
        self._task.add_done_callback(self._ended)
        self._connections.opened(self, transport)
        cast("asyncio.Transport", transport).abort()  # it closes its own descriptor only

    def give_up(self) -> None:
        """Closes the connection."""
        self._task.cancel()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._connections.closed(self)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._socket.close()
        # What clients do wrong is no matter for the log.
        if error is not None and not isinstance(error, (OSError, asyncio.TimeoutError)):
            _log.error("A handshake failed", exc_info=error)

    def _taken_over(self) -> asyncio.Protocol:
        """The protocol of HTTP. It counts as a connection in place of this one once it has begun."""
        protocol = self._http()
        begin = protocol.connection_made

        def connection_made(transport: asyncio.BaseTransport) -> None:
            self._connections.closed(self)
            begin(transport)

        protocol.connection_made = connection_made  # type: ignore[method-assign]
        return protocol
