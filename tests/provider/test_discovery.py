"""Whether a Proton server takes AWS credentials: the provider asks it, and goes no way around its answer."""

from __future__ import annotations

import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aws_proton_provider.aws import transport
from aws_proton_provider.aws.endpoint import Endpoint
from aws_proton_provider.core.errors import NoCredentials, Unreachable
from tests.provider.exchanges import (
    IDENTITY,
    KIND,
    REDIRECT,
    document,
    headers_of,
    proton_at,
    redirect,
)
from tests.provider.fake_server import WHOLE, Answer, FakeServer, response
from tests.servers import free_port

pytestmark = pytest.mark.usefixtures("aws_credentials")


@pytest.fixture
def server(exchange_server: FakeServer) -> FakeServer:
    """A server that takes AWS credentials."""
    return exchange_server


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://proton.example.com", "https://proton.example.com"),
        ("https://Proton.Example.com:443/", "https://proton.example.com"),
        ("https://proton.example.com:8443/api/", "https://proton.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:4030", "http://[::1]:4030"),
        ("http://[0:0::1]:4030", "http://[::1]:4030"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert Endpoint(url, None, 0).origin == origin  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4030", "http://[::1]:1", "http://localhost", "https://p.example"]
)
def test_credentials_are_exchanged_over_tls_or_on_this_machine(url: str) -> None:
    Endpoint(url, None, 0).require_confidential()  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://p.example", "http://10.0.0.1", "http://localhost.example"])
def test_credentials_are_not_exchanged_where_others_can_read(url: str) -> None:
    with pytest.raises(Unreachable) as refused:
        Endpoint(url, None, 0).require_confidential()  # type: ignore[arg-type]

    assert str(refused.value) == (
        f"the Proton server at {url} takes AWS credentials, but only over TLS: use its https URL as the "
        "endpoint"
    )


def test_credentials_are_not_sent_to_another_machine_without_tls(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server is a proxy here, as which it answers for the other machine.
    monkeypatch.setenv("HTTP_PROXY", server.url)

    with pytest.raises(Unreachable, match=r"http://p\.example takes AWS credentials, but only over TLS"):
        proton_at("http://p.example").call("get_environment", name="dev")

    assert server.discovered == ["http://p.example/.well-known/proton-server"]
    assert (server.asked, server.exchanged) == (0, [])


@pytest.fixture
def tls(server: FakeServer, tmp_path: Path) -> Path:
    """The certificate with which the server has TLS."""
    certificate, key = tmp_path / "localhost.pem", tmp_path / "localhost.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return certificate


@pytest.mark.parametrize("trusted", [True, False])
def test_credentials_are_sent_to_a_server_whose_certificate_is_trusted(
    server: FakeServer, tls: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    url = server.url.replace("http://127.0.0.1", "https://LocalHost")
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tls))
        proton_at(url).call("get_environment", name="dev")
        audience = headers_of(server.exchanged[0])["x-proton-audience"]
        assert audience.startswith(f"{url.lower()}#")
    else:
        with pytest.raises(Unreachable, match="certificate verify failed"):
            proton_at(url, maxRetries="0").call("get_environment", name="dev")
        assert (server.discovered, server.asked, server.exchanged) == ([], 0, [])


_NO_ANSWER = (
    "the server at {url} answered GET /.well-known/proton-server, which says whether it takes AWS "
    "credentials, with "
)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response(b"", status=500), "application/x-amz-json-1.0 (status 500)"),
        (response(b"<html>", "text/html", 503), "text/html (status 503)"),
        (response(b"<html>Sign in</html>", "text/html"), "text/html (status 200)"),
        (response(b"<html>Sign in</html>", "text/html", 403), "text/html (status 403)"),
        (response(b"<html>Bad request</html>", "text/html", 400), "text/html (status 400)"),
        (redirect, REDIRECT),
        (document({"exchange": "https://elsewhere.example/credentials"}), "application/json (status 200)"),
        (document({"exchange": "/other"}), "application/json (status 200)"),
        (document({}), "application/json (status 200)"),
        (document(["/credentials"]), "application/json (status 200)"),
        (response(b'{"exchange": null', KIND), "application/json (status 200)"),
        (response(b"[" * 60_000, KIND), "application/json (status 200)"),
        (response(b'{"exchange": null}' + b" " * 70_000, KIND), "application/json (status 200)"),
    ],
)
@pytest.mark.parametrize("operation", ["get_environment", "delete_environment"])
def test_a_discovery_that_fails_is_one_sentence_and_no_call_is_made_with_other_credentials(
    fake_server: FakeServer, answer: Answer, said: str, operation: str
) -> None:
    fake_server.discovery = answer

    with pytest.raises(Unreachable) as failed:
        proton_at(fake_server.url).call(operation, name="dev")

    opening = _NO_ANSWER.format(url=fake_server.url)
    assert str(failed.value) == f"{opening}{said}: check the endpoint, and that the server runs"
    assert (fake_server.asked, fake_server.exchanged) == (0, [])


def test_a_server_that_does_not_answer_the_discovery_is_named_and_asked_once_by_many_threads() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    proton = proton_at(url)

    def call(_: int) -> str:
        with pytest.raises(Unreachable) as failed:
            proton.call("update_environment", name="dev", deploymentType="NONE")
        return str(failed.value)

    with ThreadPoolExecutor(8) as threads:
        (said,) = set(threads.map(call, range(8)))

    assert said.startswith(f"no answer from the Proton server at {url}: ")
    assert "may have been made" not in said


@pytest.mark.parametrize("status", [404, 405, 501])
def test_at_a_server_without_the_exchange_the_aws_credentials_sign(
    fake_server: FakeServer, status: int
) -> None:
    fake_server.discovery = response(b"nothing here", "text/plain", status)
    fake_server.answer = response(WHOLE)

    proton_at(fake_server.url).call("get_environment", name="dev")

    assert "Credential=AKIAOFAWS/" in fake_server.signed[0]


@pytest.mark.parametrize(
    "answer",
    [
        document({"exchange": None}),
        # Of the server of release 0.1.0.
        document({"__type": "MissingAuthenticationTokenException", "message": "…"}, 400),
    ],
)
def test_a_server_may_say_that_it_takes_none(fake_server: FakeServer, answer: Answer) -> None:
    fake_server.discovery, fake_server.answer = answer, response(WHOLE)

    proton_at(fake_server.url).call("get_environment", name="dev")

    assert "Credential=AKIAOFAWS/" in fake_server.signed[0]


def test_where_no_exchange_is_offered_aws_endpoint_url_leads_to_sts_as_ever(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake_server.url)
    fake_server.answer = response(IDENTITY, "text/xml")

    assert proton_at(fake_server.url).account == "555555555555"
    assert fake_server.forms == [b"Action=GetCallerIdentity&Version=2011-06-15"]


def test_without_aws_credentials_there_is_nothing_to_exchange(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(NoCredentials, match="no AWS credentials: set AWS_PROFILE"):
        proton_at(server.url).call("get_environment", name="dev")

    assert (server.asked, server.exchanged) == (0, [])


def test_a_discovery_that_does_not_end_is_not_awaited_for_ever(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.5)
    over = threading.Event()

    def drips(request: Any) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        while not over.wait(0.05):
            request.wfile.write(b" ")

    fake_server.discovery = drips

    with pytest.raises(Unreachable, match=r"did not answer completely in time"):
        proton_at(fake_server.url).call("delete_environment", name="dev")

    over.set()
    assert (fake_server.asked, fake_server.exchanged) == (0, [])
