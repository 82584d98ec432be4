"""The provider at a server that takes AWS credentials: the exchange and its renewal."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aws_proton_provider.core.errors import NoCredentials, ProtonError, Unavailable, Unreachable
from tests.provider.exchanges import (
    IDENTITY,
    REDIRECT,
    document,
    end,
    grant,
    headers_of,
    proton_at,
    redirect,
)
from tests.provider.fake_server import Answer, FakeServer, one_after_another, response

pytestmark = pytest.mark.usefixtures("aws_credentials")


@pytest.fixture
def server(exchange_server: FakeServer) -> FakeServer:
    """A server that takes AWS credentials."""
    return exchange_server


def test_calls_are_signed_with_what_the_server_gives_for_the_aws_credentials(server: FakeServer) -> None:
    proton = proton_at(server.url)

    assert proton.call("get_environment", name="dev")["environment"]["name"] == "dev"
    assert proton.account == "444444444444"

    assert re.findall(r"Credential=(\w+)/\d+/eu-west-1/proton/", server.signed[0]) == ["ASIAGRANTED"]
    assert "x-amz-security-token" in server.signed[0]
    assert server.discovered == ["/.well-known/proton-server"]


@pytest.mark.parametrize("token", [None, "token-of-aws"])
def test_the_server_gets_a_signed_question_who_it_is_and_nothing_else(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    proton_at(server.url).call("get_environment", name="dev")

    (sent,) = server.exchanged
    headers = headers_of(sent)
    signed = {"content-type", "host", "x-amz-date", "x-proton-audience"}
    signed |= {"x-amz-security-token"} if token else set()
    assert sent.keys() == {"headers", "body"}
    assert sent["body"] == "Action=GetCallerIdentity&Version=2011-06-15"
    assert headers.keys() == signed | {"authorization"}
    assert headers["host"] == "sts.eu-west-1.amazonaws.com"
    assert headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert headers.get("x-amz-security-token") == token
    authorization = (
        r"AWS4-HMAC-SHA256 Credential=AKIAOFAWS/\d{8}/eu-west-1/sts/aws4_request, SignedHeaders=(\S+),"
    )
    (names,) = re.findall(authorization, headers["authorization"])
    assert set(names.split(";")) == signed


def test_the_audience_is_the_url_that_is_called_and_no_two_requests_are_the_same(server: FakeServer) -> None:
    for _ in range(2):
        proton_at(server.url.upper().replace("HTTP", "http") + "/").call("get_environment", name="dev")

    audiences = [headers_of(sent)["x-proton-audience"].partition("#") for sent in server.exchanged]
    assert [origin for origin, _, _ in audiences] == [server.url] * 2
    nonces = {nonce for _, _, nonce in audiences}
    assert len(nonces) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16,64}", nonce) for nonce in nonces)


def test_one_thread_asks_for_all_clients_of_a_server_and_each_account_is_exchanged_once(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    keys = "aws_access_key_id = AKIA{0}\naws_secret_access_key = secret\n"
    credentials.write_text("".join(f"[{name}]\n{keys.format(name)}" for name in ("ONE", "TWO")))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    clients = [proton_at(server.url, {"profile": name}) for name in ("ONE", "TWO")]
    at_once = threading.Barrier(20)

    def call(number: int) -> None:
        at_once.wait(60)
        clients[number % 2].call("get_environment", name="dev")

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(call, range(20)))

    assert len(server.discovered) == 1
    signed = [headers_of(sent)["authorization"] for sent in server.exchanged]
    assert sorted(re.findall(r"Credential=(\w+)/", " ".join(signed))) == ["AKIAONE", "AKIATWO"]


def test_credentials_are_renewed_before_they_end_once_for_all_threads(server: FakeServer) -> None:
    server.exchange = one_after_another(grant(key_id="ASIAFIRST"), grant(key_id="ASIASECOND"))
    proton = proton_at(server.url)
    proton.call("get_environment", name="dev")
    end(proton)
    at_once = threading.Barrier(20)

    def call(_: int) -> None:
        at_once.wait(60)
        proton.call("get_environment", name="dev")

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(call, range(20)))

    assert len(server.exchanged) == 2
    assert [key for signed in server.signed for key in re.findall(r"Credential=(\w+)/", signed)] == (
        ["ASIAFIRST"] + ["ASIASECOND"] * 20
    )


def test_credentials_that_cannot_be_renewed_end_the_call_in_a_sentence(server: FakeServer) -> None:
    no = document({"code": "AccessDenied", "message": "No rule allows it."}, 403)
    server.exchange = one_after_another(grant(), no)
    proton = proton_at(server.url)
    proton.call("get_environment", name="dev")
    end(proton)

    for _ in range(3):
        with pytest.raises(NoCredentials) as refused:
            proton.call("delete_environment", name="dev")

        assert str(refused.value) == (
            f"the Proton server at {server.url} does not take the AWS credentials: No rule allows it. "
            "(AccessDenied)"
        )
    assert len(server.exchanged) == 2, "it is not asked again at once"
    assert server.asked == 1


def test_a_server_that_was_busy_is_asked_again(server: FakeServer) -> None:
    busy = document({"code": "Busy", "message": "Too many at once."}, 503)
    server.discovery = one_after_another(busy, server.discovery)
    server.exchange = one_after_another(busy, busy, server.exchange)

    proton_at(server.url).call("get_environment", name="dev")

    assert len(server.discovered) == 2
    sent = [headers_of(one)["authorization"] for one in server.exchanged]
    assert len(set(sent)) == 3, "a server takes each signature once"


@pytest.mark.parametrize("code", ["OwnCredentials", "OwnSession"])
def test_the_servers_own_credentials_sign_as_they_are_and_the_server_knows_their_account(
    server: FakeServer, code: str
) -> None:
    server.exchange = document({"code": code, "message": "Sign with them."}, 400)
    proton = proton_at(server.url)

    proton.call("get_environment", name="dev")
    server.answer = response(IDENTITY, "text/xml")

    assert proton.account == "555555555555"
    assert "Credential=AKIAOFAWS/" in server.signed[0]
    assert len(server.exchanged) == 1


_NOT_EXCHANGED = (
    "the server at {{url}} answered POST /credentials, which exchanges AWS credentials, with {}: check the "
    "endpoint, and that the server runs"
)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            document({"code": "AccessDenied", "message": "No rule allows it."}, 403),
            NoCredentials,
            "the Proton server at {url} does not take the AWS credentials: No rule allows it. (AccessDenied)",
        ),
        (
            document({"code": "TooManyRequests", "message": "Wait."}, 429),
            Unavailable,
            "the Proton server at {url} does not take the AWS credentials: Wait. (TooManyRequests)",
        ),
        (
            response(b"<html>", "text/html"),
            Unreachable,
            _NOT_EXCHANGED.format("text/html (status 200)"),
        ),
        (
            redirect,
            Unreachable,
            _NOT_EXCHANGED.format(REDIRECT),
        ),
        (
            document({"AccessKeyId": "ASIA"}),
            Unreachable,
            _NOT_EXCHANGED.format("credentials without SecretAccessKey"),
        ),
    ],
)
def test_an_exchange_that_fails_is_one_sentence_and_no_call_is_made_with_other_credentials(
    server: FakeServer, answer: Answer, kind: type[ProtonError], said: str
) -> None:
    server.exchange = answer

    with pytest.raises(ProtonError) as failed:
        proton_at(server.url).call("delete_environment", name="dev")

    assert (type(failed.value), str(failed.value)) == (kind, said.format(url=server.url))
    assert server.asked == 0


def test_credentials_that_have_ended_already_are_a_matter_of_clocks(server: FakeServer) -> None:
    server.exchange = grant(-60)

    with pytest.raises(
        NoCredentials, match="which is over: check the clock of this machine, and the server's"
    ):
        proton_at(server.url).call("get_environment", name="dev")
