"""An STS that answers what it should not, or never: over real connections, some with TLS."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proton_server.identity.exchange import BODY, IdentityRequest
from proton_server.identity.refusals import ExchangeRefused
from proton_server.identity.sts import Sts
from tests.signing import Keys, identity_headers

IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:iam::111122223333:user/alice</Arn><UserId>AIDA</UserId><Account>111122223333</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
NOT_WHOLE = "AWS's STS gave an answer that is not a whole GetCallerIdentity response."
Answer = Callable[[socket.socket], None]


@dataclass
class FakeSts:
    """Answers every connection the same way, and keeps what came in."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority = f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        asked = b""
        while b"\r\n\r\n" not in asked or (b"POST" in asked and not asked.endswith(BODY.encode())):
            piece = connection.recv(65536)
            if not piece:
                break
            asked += piece
        self.asked.append(asked)
        self.answer(connection)


@contextmanager
def answering(answer: bytes | Answer, tls: ssl.SSLContext | None = None) -> Iterator[FakeSts]:
    fake = FakeSts(answer if callable(answer) else lambda connection: connection.sendall(answer), tls)
    thread = threading.Thread(target=fake.serve, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        with suppress(OSError):
            fake.listener.shutdown(socket.SHUT_RDWR)
        fake.listener.close()
        thread.join(10)


def response(content: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def request(host: str) -> IdentityRequest:
    headers = identity_headers(Keys("AKIAEXAMPLE", "secret", "token"), host=host)
    return IdentityRequest(headers, "AKIAEXAMPLE", "us-east-1", "0" * 64, 0.0)


def refusal_of(fake: FakeSts, scheme: str = "http", **options: float | str) -> tuple[str, str]:
    with pytest.raises(ExchangeRefused) as caught:
        Sts(f"{scheme}://{fake.authority}", **options).principal(request(fake.authority))  # type: ignore[arg-type]
    message = str(caught.value)
    assert "token" not in message
    assert "secret" not in message
    return caught.value.code, message


def test_the_request_is_what_was_checked_and_nothing_else() -> None:
    with answering(response(IDENTITY)) as fake:
        principal = Sts(f"http://{fake.authority}").principal(request(fake.authority))

    assert principal.arn == "arn:aws:iam::111122223333:user/alice"
    head, _, body = fake.asked[0].decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    assert (first, body) == ("POST / HTTP/1.1", BODY)
    names = [line.partition(":")[0] for line in lines]
    assert sorted(names) == sorted([*request("x").headers, "Content-Length"])


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(status: str) -> None:
    with (
        answering(response(IDENTITY)) as other,
        answering(response(b"", status, f"Location: http://{other.authority}/")) as fake,
    ):
        assert refusal_of(fake) == (
            "StsUnavailable",
            f"AWS's STS answered with HTTP status {status[:3]}. Try again.",
        )

    assert (len(fake.asked), other.asked) == (1, [])


@pytest.mark.parametrize(
    "answer",
    [
        response(IDENTITY + b" " * 65_536),
        response(
            b'<!DOCTYPE x [<!ENTITY a "111122223333">]>' + IDENTITY.replace(b">111122223333<", b">&a;<")
        ),
        response(IDENTITY.replace(b"<UserId>", b"<Account>444455556666</Account><UserId>")),
        response(IDENTITY.replace(b"sts.amazonaws.com", b"sts.evil.example")),
        response(b"null"),
        response(b""),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + IDENTITY[:-9],
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Le",
        b"HTTP/1.0 200 OK\r\n\r\n" + IDENTITY,
    ],
)
def test_no_other_answer_is_believed(answer: bytes) -> None:
    with answering(answer) as fake:
        assert refusal_of(fake) == ("StsUnavailable", NOT_WHOLE)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        b"HTTP/1.1 999999999999 OK\r\n\r\n",
        response(IDENTITY, length=len(IDENTITY) + 1),
        response(IDENTITY, "200 OK", *(f"X-{number}: y" for number in range(200))),
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
def test_an_answer_that_is_not_whole_is_one_sentence(answer: bytes) -> None:
    with answering(answer) as fake:
        code, message = refusal_of(fake)

    start = f"AWS's STS ({fake.authority}) cannot be reached or did not answer: "
    assert (code, message.startswith(start)) == ("StsUnavailable", True), message


def forever(piece: bytes) -> Answer:
    """Sends a piece again and again, so that no single wait is long, until the other end gives up."""

    def answer(connection: socket.socket) -> None:
        while True:
            connection.sendall(piece)
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x", b"HTTP/1.1 200 OK\r\n"])
def test_slow_bytes_do_not_hold_up_the_server(piece: bytes) -> None:
    with answering(forever(piece)) as fake:
        assert refusal_of(fake, seconds=0.3)[0] == "StsUnavailable"


def test_a_slow_body_does_not_hold_up_the_server() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(response(b"", length=60_000))
        forever(b" ")(connection)

    with answering(answer) as fake:
        assert refusal_of(fake, seconds=0.3)[0] == "StsUnavailable"


def test_an_sts_that_is_not_there_is_one_sentence() -> None:
    with answering(b"") as fake:
        pass

    reached = f"AWS's STS ({fake.authority}) cannot be reached or did not answer: ConnectionRefusedError."
    assert refusal_of(fake) == ("StsUnavailable", f"{reached} Try again.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody trusts, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=True,
        )
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls: ssl.SSLContext,
) -> None:
    with answering(response(IDENTITY), tls) as fake:
        code, message = refusal_of(fake, "https")

    assert (code, "SSLCertVerificationError" in message, fake.asked) == ("StsUnavailable", True, [])


def test_a_certificate_for_another_host_is_refused(tls: ssl.SSLContext, certificate: Path) -> None:
    with answering(response(IDENTITY), tls) as fake:
        host = fake.authority.replace("127.0.0.1", "localhost")
        sts = Sts(f"https://{host}", certificates=str(certificate))
        with pytest.raises(ExchangeRefused, match="SSLCertVerificationError"):
            sts.principal(request(host))

    assert fake.asked == []


def test_a_certificate_that_the_operator_trusts_is_accepted(tls: ssl.SSLContext, certificate: Path) -> None:
    with answering(response(IDENTITY), tls) as fake:
        sts = Sts(f"https://{fake.authority}", certificates=str(certificate))

        assert sts.principal(request(fake.authority)).account_id == "111122223333"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(response(IDENTITY)) as proxy, answering(response(IDENTITY)) as fake:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.authority}")
            monkeypatch.setenv(name.lower(), f"http://{proxy.authority}")

        Sts(f"http://{fake.authority}").principal(request(fake.authority))

    assert (len(fake.asked), proxy.asked) == (1, [])


def test_the_operators_proxy_sees_the_host_only() -> None:
    host = "sts.us-east-1.amazonaws.com"
    with answering(b"HTTP/1.1 403 Forbidden\r\n\r\n") as proxy:
        sts = Sts(proxy=f"http://me:p%40ss@{proxy.authority}")
        with pytest.raises(ExchangeRefused, match=r"STS \(sts.us-east-1.amazonaws.com\) cannot be reached"):
            sts.principal(request(host))

    asked = proxy.asked[0].decode()
    assert asked.startswith(f"CONNECT {host}:443 HTTP/1.")
    assert "Proxy-Authorization: Basic bWU6cEBzcw==" in asked
    assert "Credential=" not in asked
