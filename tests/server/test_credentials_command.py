"""`proton-server credentials`: what it prints for an SDK, and its one sentence where it cannot."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proton_server.cli import exchange_client
from proton_server.cli.credentials import credentials
from tests.provider.fake_server import FakeServer, one_after_another, response, serving

GRANT = {
    "AccessKeyId": "ASIAGRANTED",
    "SecretAccessKey": "granted-secret",
    "SessionToken": "granted-token",
    "Expiration": "2999-01-01T00:00:00Z",
}
KIND = "application/json"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server that takes AWS credentials, and an environment that has some."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFAWS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with serving() as fake:
        fake.discovery = response(b'{"exchange": "/credentials"}', KIND)
        answer = GRANT | {"Account": "444444444444", "Arn": "arn:aws:iam::444444444444:role/deploy"}
        fake.exchange = response(json.dumps(answer).encode(), KIND)
        yield fake


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(credentials, arguments)


def _error(*arguments: str) -> str:
    done = _run(*arguments)
    assert done.exit_code == 1, done.output
    assert done.stderr.count("\n") == 1
    sentence: str = done.stderr.removeprefix("Error: ").strip()
    return sentence


def test_it_prints_what_a_credential_process_prints(server: FakeServer) -> None:
    done = _run("--endpoint-url", server.url)

    assert (done.exit_code, json.loads(done.output)) == (0, {"Version": 1, **GRANT})


def test_it_signs_for_the_server_that_it_calls_with_the_named_profile_and_region(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").write_text("[sso]\naws_access_key_id=AKIASSO\naws_secret_access_key=s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)

    _run("--endpoint-url", f"{server.url}/", "--profile", "sso", "--region", "us-gov-west-1")

    headers = dict(server.exchanged[0]["headers"])
    assert headers["X-Proton-Audience"].startswith(f"{server.url}#")
    assert headers["Host"] == "sts.us-gov-west-1.amazonaws.com"
    assert "Credential=AKIASSO/" in headers["Authorization"]


def test_a_role_is_assumed_at_aws_although_aws_endpoint_url_leads_to_the_server(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        "[profile deploy]\nrole_arn = arn:aws:iam::222222222222:role/deploy\nsource_profile = keys\n"
        "[profile keys]\naws_access_key_id = AKIAKEYS\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    assert "There are no valid AWS credentials: " in _error(
        "--endpoint-url", server.url, "--profile", "deploy"
    )
    assert set(server.connected) == {"sts.eu-west-1.amazonaws.com:443"}
    assert (server.forms, server.exchanged) == ([], [])


def test_a_server_that_takes_no_aws_credentials_is_said_to_be_one(server: FakeServer) -> None:
    server.discovery = response(b'{"exchange": null}', KIND)

    assert _error("--endpoint-url", server.url) == (
        f"{server.url} does not take AWS credentials: start it with --public-url, or use a key that "
        "`proton-server keys create` made."
    )


@pytest.mark.parametrize(
    ("status", "document", "sentence"),
    [
        (
            403,
            {"code": "AccessDenied", "message": "No rule allows it."},
            "{url} does not take the AWS credentials: No rule allows it. (AccessDenied)",
        ),
        (
            403,
            {"code": "AccessDenied", "message": "\x1b[2JNo\r\n \u202erule."},
            "{url} does not take the AWS credentials: [2JNo rule. (AccessDenied)",
        ),
        (
            400,
            {"code": "OwnCredentials", "message": "These are this server's own."},
            (
                "{url} does not take the AWS credentials: These are this server's own. (OwnCredentials) Use "
                "them as they are, without a credential_process."
            ),
        ),
        (200, ["no"], "{url} answered POST /credentials with application/json (status 200): check the URL."),
    ],
)
def test_an_exchange_that_fails_is_one_sentence(
    server: FakeServer, status: int, document: Any, sentence: str
) -> None:
    server.exchange = response(json.dumps(document).encode(), KIND, status)

    assert _error("--endpoint-url", server.url) == sentence.format(url=server.url)


def test_a_server_that_was_busy_is_asked_again_with_another_signature(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_client, "_PAUSE_SECONDS", 0.01)
    busy = response(b'{"code": "Busy", "message": "Try again."}', KIND, 503)
    server.exchange = one_after_another(busy, busy, server.exchange)

    assert _run("--endpoint-url", server.url).exit_code == 0
    assert len({dict(sent["headers"])["Authorization"] for sent in server.exchanged}) == 3


@pytest.mark.parametrize("status", [200, 302, 500])
def test_a_web_page_is_no_server_of_proton(server: FakeServer, status: int) -> None:
    server.discovery = response(b"<html>", "text/html", status)
    kind = "a redirect" if status == 302 else "text/html"

    assert _error("--endpoint-url", server.url) == (
        f"{server.url} answered GET /.well-known/proton-server with {kind} (status {status}): check the URL."
    )


def test_a_server_that_never_ends_its_answer_is_left(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_client, "_TOTAL_SECONDS", 0.5)
    over = threading.Event()

    def drips(request: Any) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        while not over.wait(0.05):
            request.wfile.write(b" ")

    server.discovery = drips

    assert _error("--endpoint-url", server.url) == f"{server.url} did not answer in 0.5 s: try again."
    over.set()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("proton.example.com", "'proton.example.com' is no URL such as https://proton.example.com."),
        ("http://127.0.0.1:9", "No answer from http://127.0.0.1:9: "),
    ],
)
def test_a_url_that_leads_nowhere_is_named(server: FakeServer, url: str, sentence: str) -> None:
    assert _error("--endpoint-url", url).startswith(sentence)


def test_a_profile_whose_credentials_are_this_commands_is_not_its_source(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f"{sys.executable} -m proton_server.cli credentials --endpoint-url {server.url}"
    (tmp_path / "config").write_text(f"[profile proton]\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "proton")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    assert _error("--endpoint-url", server.url) == (
        "There are no valid AWS credentials: Error when retrieving credentials from custom-process: Error: "
        "This profile has its credentials from `proton-server credentials`, which is what asks for them: "
        "name another with --profile, one of AWS."
    )


def test_a_server_must_be_named(server: FakeServer) -> None:
    done = _run()

    assert done.exit_code == 2
    assert "Name the server with --endpoint-url." in done.stderr


def test_a_missing_profile_is_named(server: FakeServer) -> None:
    assert "(nobody) could not be found" in _error("--endpoint-url", server.url, "--profile", "nobody")


def test_a_missing_region_is_named(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")

    assert _error("--endpoint-url", server.url) == (
        "There is no AWS Region to call STS in: name one with --region."
    )
