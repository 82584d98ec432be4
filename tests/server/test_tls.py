"""TLS in the server: the certificate and its renewal, handshakes that do not end, the exchange over it."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from proton_server.api import tls
from proton_server.api.http_connections import Connections, Limits
from proton_server.api.http_server import configuration
from proton_server.api.tls import Certificate, CertificateError
from tests.commands import run_command
from tests.names import ACCOUNT, REGION
from tests.server.certificates import new_certificate
from tests.server.exchanges import CONFIGURATION, client
from tests.server.test_connections import KINDS, REQUEST, app, everything
from tests.servers import LocalServer, ServedBesideAws, free_port
from tests.verifying_sts import VerifyingSts

LIMITS = Limits(connections=100, handshake_seconds=0.5)

Serve = Callable[..., tuple[str, int]]


@pytest.fixture(params=KINDS)
def serve(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Starts a server with a certificate and limits, and returns its address."""
    stops: list[Callable[[], None]] = []

    def start(certificate: Certificate, limits: Limits = LIMITS) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        address: tuple[str, int] = listener.getsockname()
        settings = configuration(
            app, Connections(limits), certificate, lifespan="off", **KINDS[request.param]
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

        stops.append(stop)
        return address

    yield start
    for stop in stops:
        stop()


def connected(address: tuple[str, int], authority: Path) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=authority)
    plain = socket.create_connection(address, timeout=30)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def answer(connection: socket.socket, body: bytes = b"{}") -> bytes:
    """The body of the answer to a request."""
    connection.sendall(REQUEST % (b"", len(body)) + body)
    received = b""
    while b"\r\n\r\n" not in received or received.endswith(b"\r\n\r\n"):
        received += connection.recv(65536)
    return received.partition(b"\r\n\r\n")[2]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_requests_are_answered_over_tls_1_2_and_later(serve: Serve, tmp_path: Path) -> None:
    files = new_certificate(tmp_path)
    address = serve(Certificate(*files))
    with connected(address, files[0]) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
        for number in range(20):
            assert answer(connection, b"x" * number * 10_000) == b"%d" % (number * 10_000)

    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(address, timeout=30) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(plain)


def test_a_handshake_that_does_not_end_is_not_waited_for(serve: Serve, tmp_path: Path) -> None:
    files = new_certificate(tmp_path)
    address = serve(Certificate(*files))
    with (
        socket.create_connection(address, timeout=30) as silent,
        socket.create_connection(address, timeout=30) as half,
        socket.create_connection(address, timeout=30) as plain,
    ):
        half.sendall(b"\x16\x03\x01\x02\x00\x01")
        plain.sendall(REQUEST % (b"", 2) + b"{}")
        for connection in (silent, half, plain):
            assert b"HTTP" not in everything(connection)
    with connected(address, files[0]) as connection:
        assert answer(connection) == b"2"


def test_whoever_holds_all_connections_with_handshakes_locks_nobody_out(serve: Serve, tmp_path: Path) -> None:
    files = new_certificate(tmp_path)
    address = serve(Certificate(*files), Limits(connections=5, handshake_seconds=600))
    held = [socket.create_connection(address, timeout=30) for _ in range(20)]
    with connected(address, files[0]) as connection:
        assert answer(connection) == b"2"
    assert everything(held[0]) == b""
    for one in held:
        one.close()


def test_a_renewed_certificate_is_used_for_new_connections_and_a_broken_one_is_not(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tls, "_LOOK_SECONDS", 0.0)
    files = new_certificate(tmp_path)
    address = serve(Certificate(*files))
    first = ssl.get_server_certificate(address)
    with connected(address, files[0]) as connection:
        files[1].write_text("broken")
        assert ssl.get_server_certificate(address) == ssl.get_server_certificate(address) == first
        assert answer(connection) == b"2"
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    broken = f"The file {files[1]} has no private key in PEM that can be used."
    assert said == [f"{broken} The certificate from before stays in use."]

    for old, new in zip(files, new_certificate(tmp_path, "renewed"), strict=True):
        shutil.move(new, old)
    assert ssl.get_server_certificate(address) == files[0].read_text() != first
    with connected(address, files[0]) as connection:
        assert answer(connection) == b"2"


class TestStart:
    def test_a_certificate_says_when_it_expires(self, tmp_path: Path) -> None:
        hours = (Certificate(*new_certificate(tmp_path)).expires - time.time()) / 3600
        assert 22 < hours <= 23

    def test_an_expired_one_is_used_with_a_warning(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        files = new_certificate(tmp_path, days=0.01)
        Certificate(*files)
        assert caplog.messages[0].startswith(f"The certificate {files[0]} expired on 20")

    def test_what_cannot_be_used_is_one_sentence(self, tmp_path: Path) -> None:
        certificate, key = new_certificate(tmp_path)
        other = new_certificate(tmp_path, "other")[1]
        locked = new_certificate(tmp_path, "locked", password="secret")
        missing, empty = tmp_path / "missing", tmp_path / "empty"
        empty.touch()
        for files, sentence in (
            ((certificate, other), f"The key {other} is not the one of the certificate {certificate}."),
            ((certificate, missing), f"The file {missing} cannot be read: No such file or directory."),
            ((missing, key), f"The file {missing} cannot be read: No such file or directory."),
            ((tmp_path, key), f"The file {tmp_path} cannot be read: Is a directory."),
            ((empty, key), f"The file {empty} has no certificate in PEM."),
            ((key, key), f"The file {key} has no certificate in PEM."),
            ((certificate, empty), f"The file {empty} has no private key in PEM that can be used."),
            (locked, f"The key {locked[1]} is encrypted with a password: store it without one."),
        ):
            with pytest.raises(CertificateError) as caught:
                Certificate(*files)
            assert str(caught.value) == sentence

    def test_both_files_are_needed_or_none(self, tmp_path: Path) -> None:
        certificate, key = new_certificate(tmp_path)
        for one in (("--tls-cert", str(certificate)), ("--tls-key", str(key))):
            done = run_command("serve", *one)
            assert (done.exit_code, done.output) == (
                1,
                "Error: --tls-cert and --tls-key are given both or neither.\n",
            )


class _Encrypted(ServedBesideAws):
    """A `serve` with TLS."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def test_credentials_are_exchanged_and_used_over_tls(
    sts: VerifyingSts,
    local_server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate, key = new_certificate(tmp_path)
    (tmp_path / "serve.yaml").write_text(CONFIGURATION)
    for name, value in {
        "SSL_CERT_FILE": str(certificate),
        "AWS_CA_BUNDLE": str(certificate),
        "AWS_ACCESS_KEY_ID": sts.user.key_id,
        "AWS_SECRET_ACCESS_KEY": sts.user.secret,
        "AWS_ENDPOINT_URL_STS": sts.url,
        "AWS_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    options = ["--tls-cert", str(certificate), "--tls-key", str(key), "--config", "serve.yaml"]
    options += ["--public-url", f"https://127.0.0.1:{port}", "--sts-endpoint", sts.url]
    server = _Encrypted(tmp_path, tuple(options), port, aws=local_server)
    server.start()
    try:
        assert f"proton-server is ready at https://127.0.0.1:{port} (" in server.log.read_text()
        done = run_command("credentials", "--endpoint-url", server.url)
        assert done.exit_code == 0, done.stderr
        granted: dict[str, Any] = json.loads(done.stdout)
        assert client(server, granted).list_environments()["environments"] == []
        assert client(server, granted, "sts").get_caller_identity()["Account"] == ACCOUNT
        with urllib.request.urlopen(f"{server.url}/metrics") as metrics:
            assert b"proton_tls_certificate_expiry_timestamp_seconds" in metrics.read()
    finally:
        server.kill()
