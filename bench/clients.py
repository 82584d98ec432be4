"""Clients that cost little: requests that boto3 signed, sent as bytes over sockets that are kept open.

boto3 itself takes longer for a call than the server does, on the same processors.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from typing import Any, NoReturn
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest

from tests.names import REGION
from tests.servers import Door

_PIECE_BYTES = 256 * 1024
_TIMEOUT = 30


class _Prepared(Exception):  # no error: it carries the request out of boto3
    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__("the request is signed")
        self.request = request


def client_of(door: Door, service: str, region: str = REGION) -> Any:
    """A boto3 client of the service behind a door."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=door.url,
        aws_access_key_id=door.key_id,
        aws_secret_access_key=door.secret,
    )


def request_of(client: Any, operation: str, **parameters: Any) -> bytes:
    """What boto3 sends for a call, signed now: `operation` is the name of the client's method."""

    def stop(request: AWSPreparedRequest, **_: Any) -> NoReturn:
        raise _Prepared(request)

    client.meta.events.register_last("before-send", stop)
    try:
        getattr(client, operation)(**parameters)
    except _Prepared as prepared:
        return _as_bytes(prepared.request)
    finally:
        client.meta.events.unregister("before-send", stop)
    raise RuntimeError(f"{operation} sent no request.")


def requests_per_second(url: str, requests: Iterable[bytes], clients: int, seconds: float) -> float:
    """The rate at which so many clients get responses, each with one request at a time on its own connection.

    Ends when the time is over or there are no more requests. Connects again to a server that closes its
    connections after a response, as moto's does. Raises RuntimeError for a response other than 200.
    """
    pending, responses, began = iter(requests), 0, time.perf_counter()
    with selectors.DefaultSelector() as selector:

        def send(connection: _Connection) -> None:
            request = next(pending, None)
            if request is None or time.perf_counter() - began > seconds:
                connection.socket.close()
                return
            connection.send(request)
            selector.register(connection.socket, selectors.EVENT_READ, connection)

        for _ in range(clients):
            send(_Connection(url))
        while selector.get_map():
            ready = selector.select(timeout=_TIMEOUT)
            if not ready:
                raise RuntimeError(f"The server has not answered for {_TIMEOUT} s.")
            for key, _ in ready:
                connection: _Connection = key.data
                if connection.has_response():
                    responses += 1
                    selector.unregister(connection.socket)
                    send(connection)
    return responses / (time.perf_counter() - began)


class _Connection:
    """One client's connection."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).hostname, urlsplit(url).port
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.create_connection(self._address, timeout=_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._closes = False

    def send(self, request: bytes) -> None:
        """Sends a request."""
        if self._closes:
            self.socket.close()
            self._connect()
        self._received = b""
        self.socket.sendall(request)

    def has_response(self) -> bool:
        """Reads what has come, and says whether the response is complete. Raises RuntimeError."""
        piece = self.socket.recv(_PIECE_BYTES)
        if not piece:
            raise RuntimeError(f"The server closed the connection after {self._received[:200]!r}.")
        self._received += piece
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        lines = head.lower().split(b"\r\n")
        if b" 200 " not in lines[0]:
            raise RuntimeError(f"The server answered {self._received[:1000]!r}.")
        self._closes = b"connection: close" in lines
        length = next(line for line in lines if line.startswith(b"content-length:"))
        return len(body) >= int(length.partition(b":")[2])


def _as_bytes(request: AWSPreparedRequest) -> bytes:
    url = urlsplit(request.url)
    lines = [f"{request.method} {url.path or '/'} HTTP/1.1", f"Host: {url.netloc}"]
    for name, value in request.headers.items():
        lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
