"""The connections of the HTTP server: answers in one piece, and no connection that is held for nothing."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request

from proton_server.api.http_connections import Connections, Limits, _H11Connection, protocol_class
from proton_server.api.http_server import configuration
from tests.master_keys import MASTER_KEYS_ENVIRONMENT

REQUEST = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
SECONDS = 0.5
LIMITS = Limits(connections=100, head_seconds=SECONDS, body_seconds=SECONDS)
KINDS = {
    "uvloop": {"http": protocol_class(), "loop": "uvloop"},
    "asyncio": {"http": protocol_class(), "loop": "asyncio"},
    "h11": {"http": _H11Connection, "loop": "asyncio"},
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body; its path says how many seconds it takes for that.

    To `/stop` it answers without reading the body, and to `/large` with much.
    """
    if scope["type"] == "lifespan":
        return
    what = scope["path"].lstrip("/")
    if what == "stop":
        text = b"enough"
    elif what == "large":
        text = b"x" * 1_000_000
    else:
        await asyncio.sleep(float(what or 0))
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        text = b"%d" % len(body)
    headers = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    # As moto's answers come, from another thread.
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": text})


Connect = Callable[[], socket.socket]


@pytest.fixture(params=KINDS)
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[[Limits], Connect]]:
    """Starts a server with these limits; what it returns connects to it."""
    stops: list[Callable[[], None]] = []

    def start(limits: Limits) -> Connect:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            configuration(app, Connections(limits), lifespan="off", **KINDS[request.param])
        )
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        address = listener.getsockname()

        def stop() -> None:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

        stops.append(stop)
        return lambda: socket.create_connection(address, timeout=30)

    yield start
    for stop in stops:
        stop()


def everything(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def drip(connection: socket.socket, seconds: float = 20) -> bytes:
    """Sends a byte now and then until the server has had enough; what it said."""
    deadline = time.monotonic() + seconds
    connection.settimeout(0.05)
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"x")
            if piece := connection.recv(65536):
                return piece
        except TimeoutError:
            continue
        except OSError:
            break
        return b""
    pytest.fail("The connection is still open.")


def send_until_closed(connection: socket.socket, piece: bytes, seconds: float = 60) -> None:
    """Sends as much as the server takes, until it closes the connection."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            connection.sendall(piece)
    except ConnectionError:
        return
    pytest.fail("The connection is still open.")


def test_an_answer_comes_in_one_piece(serve: Callable[[Limits], Connect]) -> None:
    with serve(LIMITS)() as connection:
        for _ in range(50):
            connection.sendall(REQUEST % (b"", 2) + b"{}")
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\n2")


def test_an_answer_is_sent_without_waiting_for_the_acknowledgement_of_the_one_before(
    serve: Callable[[Limits], Connect],
) -> None:
    with serve(LIMITS)() as client:
        client.sendall(REQUEST % (b"", 2) + b"{}")
        assert client.recv(65536)
        ours = psutil.Process().net_connections("tcp")
        accepted = next(one.fd for one in ours if one.raddr == client.getsockname())
        with socket.socket(fileno=os.dup(accepted)) as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_requests_that_are_sent_together_are_answered_in_turn(serve: Callable[[Limits], Connect]) -> None:
    with serve(LIMITS)() as connection:
        connection.sendall(
            (REQUEST % (b"", 2) + b"{}") * 2
            + REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") % (b"", 3)
            + b"{ }"
        )
        answer = everything(connection)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.endswith(b"3")


def test_a_client_that_does_not_end_its_request_is_not_waited_for(serve: Callable[[Limits], Connect]) -> None:
    connect = serve(LIMITS)
    with connect() as silent, connect() as half_a_head, connect() as half_a_body, connect() as second:
        half_a_head.sendall(b"POST / HTTP/1.1\r\nHost: ")
        half_a_body.sendall(REQUEST % (b"", 100) + b"{")
        second.sendall(REQUEST % (b"", 2) + b"{}")
        assert second.recv(65536)
        second.sendall(b"POST / HTTP/1.1\r\nHost: ")

        for connection in (half_a_head, half_a_body, second):
            assert drip(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert everything(silent) == b""


def test_what_takes_the_server_long_is_not_the_clients_fault(serve: Callable[[Limits], Connect]) -> None:
    with serve(LIMITS)() as connection:
        # Nobody reads the body meanwhile; afterwards the connection is idle, and still good.
        connection.sendall(REQUEST % (b"1", 200_000) + b"x" * 200_000)
        assert connection.recv(65536).endswith(b"200000")
        time.sleep(SECONDS * 1.5)
        connection.sendall(REQUEST % (b"", 0))
        assert connection.recv(65536).endswith(b"0")


def test_whoever_holds_all_connections_locks_nobody_out(serve: Callable[[Limits], Connect]) -> None:
    connect = serve(Limits(connections=5, head_seconds=60))
    busy = connect()
    busy.sendall(REQUEST % (b"", 2) + b"{}")
    assert busy.recv(65536).endswith(b"2")
    busy.sendall(REQUEST % (b"1", 2) + b"{}")
    held = [connect() for _ in range(20)]
    for connection in held:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: ")

    with connect() as good:
        good.sendall(REQUEST % (b"", 2) + b"{}")
        assert good.recv(65536).endswith(b"2")
    assert busy.recv(65536).endswith(b"2")
    assert everything(held[0]) == b""
    for connection in (busy, *held):
        connection.close()


def test_a_head_without_end_is_not_read(serve: Callable[[Limits], Connect]) -> None:
    with serve(Limits(connections=5))() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for number in range(1000):
                connection.sendall(b"X-%d: %b\r\n" % (number, b"x" * 1000))
        except ConnectionError:
            return
        assert everything(connection)[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400", b"")


def test_a_body_without_end_is_not_read_for_ever(serve: Callable[[Limits], Connect]) -> None:
    with serve(LIMITS)() as connection:
        connection.sendall(b"POST /stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b"enough" in connection.recv(65536)
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        send_until_closed(connection, piece)


def test_a_flood_of_requests_on_one_connection_is_answered_in_turn_and_holds_nobody_up(
    serve: Callable[[Limits], Connect],
) -> None:
    # Without the short limits of the other tests, which a busy machine takes for the flood's silence.
    connect, number = serve(Limits(connections=100)), 5000
    with connect() as flood, connect() as other:
        sender = threading.Thread(target=flood.sendall, args=((REQUEST % (b"", 2) + b"{}") * number,))
        sender.start()
        other.sendall(REQUEST % (b"", 3) + b"{ }")
        assert other.recv(65536).endswith(b"3")
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < number:
            answers += flood.recv(65536)
        sender.join()


def test_a_client_that_does_not_take_its_responses_is_not_waited_for(
    serve: Callable[[Limits], Connect],
) -> None:
    with serve(Limits(connections=100, response_seconds=SECONDS))() as connection:
        request = REQUEST % (b"large", 2) + b"{}"
        send_until_closed(connection, request * 100)


def test_an_address_with_many_connections_takes_none_from_another(
    serve: Callable[[Limits], Connect],
) -> None:
    connect = serve(Limits(connections=6, head_seconds=60))
    with connect() as quiet:
        quiet.sendall(REQUEST % (b"", 2) + b"{}")
        assert quiet.recv(65536).endswith(b"2")
        address = quiet.getpeername()
        held = [
            socket.create_connection(address, timeout=30, source_address=("127.0.0.2", 0)) for _ in range(30)
        ]
        for connection in held:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: ")
        assert everything(held[0]) == b""
        quiet.sendall(REQUEST % (b"", 3) + b"{ }")
        assert quiet.recv(65536).endswith(b"3")
    for connection in held:
        connection.close()


@pytest.mark.parametrize(("trusted", "client"), [([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.9")])
def test_of_a_proxys_headers_the_address_is_believed_and_only_of_one_that_is_trusted(
    trusted: list[str], client: str
) -> None:
    seen: list[Any] = []

    async def note(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"][0], dict(scope["headers"])[b"host"]))
        await app(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    settings = configuration(
        note,
        Connections(LIMITS),
        lifespan="off",
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    forwarded = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: elsewhere\r\nX-Forwarded-Proto: https\r\n"
    with socket.create_connection(listener.getsockname(), timeout=30) as connection:
        connection.sendall((REQUEST % (b"", 2)).replace(b"\r\n\r\n", b"\r\n" + forwarded + b"\r\n") + b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    server.should_exit = True
    thread.join(20)
    assert seen == [(client, b"localhost")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_takes_more_files_keeps_nobody_waiting_and_ends_quietly(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = [sys.executable, "-m", "proton_server.cli", "serve", "--port", "0"]
    program += ["--log-level", "error"]  # it has no AWS, and warns of that

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300))

    with subprocess.Popen(
        program,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | MASTER_KEYS_ENVIRONMENT,
        preexec_fn=few_files,  # noqa: PLW1509  # no threads that matter
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[4]
            port = int(url.rpartition(":")[2])
            held = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(250)]
            for connection in held:
                connection.sendall(b"POST / HTTP/1.1\r\nHost: ")
            with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:
                assert answer.read() == b"ok\n"
            server.send_signal(number)
            output = server.communicate(timeout=60)[0]
            for connection in held:
                connection.close()
        finally:
            server.kill()

    assert (server.returncode, output) == (0, "")


def test_a_connection_outlives_the_pause_between_two_looks_at_a_deployment() -> None:
    """Five seconds is what the provider and botocore's waiters pause, and what uvicorn would wait."""
    assert configuration(app, Connections(Limits(connections=10))).timeout_keep_alive > 60
