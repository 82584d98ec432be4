"""The provider at a server that takes AWS credentials: the exchange, its renewal, and no way around it."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aws_proton_provider.aws import endpoint, exchange
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.aws.endpoint import Endpoint
from aws_proton_provider.core.errors import NoCredentials, ProtonError, Unavailable, Unreachable
from tests.provider.fake_server import WHOLE, Answer, FakeServer, one_after_another, response, serving
from tests.servers import free_port

NOBODY = "http://127.0.0.1:9"
KIND = "application/json"


def _document(document: Any, status: int = 200, kind: str = KIND) -> Answer:
    return response(json.dumps(document).encode(), kind, status)


def _grant(seconds: float = 3600.0, key_id: str = "ASIAGRANTED", account: str = "444444444444") -> Answer:
    """Credentials that the server gives, which last so long from now on."""
    ends = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)
    return _document(
        {
            "AccessKeyId": key_id,
            "SecretAccessKey": "granted-secret",
            "SessionToken": "granted-token",
            "Expiration": ends.isoformat().replace("+00:00", "Z"),
            "Account": account,
            "Arn": f"arn:aws:iam::{account}:role/deploy",
        }
    )


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_DISCOVERED", {})
    monkeypatch.setattr(endpoint, "_PAUSE", 0.01)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFAWS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
    # Nothing may get to AWS itself: a proxy that nobody runs.
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)


@pytest.fixture
def server(fake_server: FakeServer) -> FakeServer:
    """A server that takes AWS credentials."""
    fake_server.discovery = _document({"exchange": "/credentials"})
    fake_server.exchange = _grant()
    fake_server.answer = response(WHOLE)
    return fake_server


def _proton(url: str, account: dict[str, Any] | None = None, **config: str) -> Proton:
    given = {"region": "eu-west-1", "endpoint": url} | config
    return Proton(target(Configuration.of_stack({f"aws-proton:{k}": v for k, v in given.items()}), account))


def _end(proton: Proton) -> None:
    """As if the time of the credentials that a client has were over."""
    proton._api._request_signer._credentials._expiry_time = dt.datetime.now(dt.timezone.utc)


def _headers(sent: dict[str, Any]) -> dict[str, str]:
    names = [name.lower() for name, _ in sent["headers"]]
    assert len(names) == len(set(names))
    return {name.lower(): value for name, value in sent["headers"]}


def test_calls_are_signed_with_what_the_server_gives_for_the_aws_credentials(server: FakeServer) -> None:
    proton = _proton(server.url)

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
    _proton(server.url).call("get_environment", name="dev")

    (sent,) = server.exchanged
    headers = _headers(sent)
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
        _proton(server.url.upper().replace("HTTP", "http") + "/").call("get_environment", name="dev")

    audiences = [_headers(sent)["x-proton-audience"].partition("#") for sent in server.exchanged]
    assert [origin for origin, _, _ in audiences] == [server.url] * 2
    nonces = {nonce for _, _, nonce in audiences}
    assert len(nonces) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16,64}", nonce) for nonce in nonces)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://proton.example.com", "https://proton.example.com"),
        ("https://Proton.Example.com:443/", "https://proton.example.com"),
        ("https://proton.example.com:8443/api/", "https://proton.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:4030", "http://[::1]:4030"),
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


def test_one_thread_asks_for_all_clients_of_a_server_and_each_account_is_exchanged_once(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    keys = "aws_access_key_id = AKIA{0}\naws_secret_access_key = secret\n"
    credentials.write_text("".join(f"[{name}]\n{keys.format(name)}" for name in ("ONE", "TWO")))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    clients = [_proton(server.url, {"profile": name}) for name in ("ONE", "TWO")]
    at_once = threading.Barrier(20)

    def call(number: int) -> None:
        at_once.wait(60)
        clients[number % 2].call("get_environment", name="dev")

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(call, range(20)))

    assert len(server.discovered) == 1
    signed = [_headers(sent)["authorization"] for sent in server.exchanged]
    assert sorted(re.findall(r"Credential=(\w+)/", " ".join(signed))) == ["AKIAONE", "AKIATWO"]


def test_credentials_are_renewed_before_they_end_once_for_all_threads(server: FakeServer) -> None:
    server.exchange = one_after_another(_grant(key_id="ASIAFIRST"), _grant(key_id="ASIASECOND"))
    proton = _proton(server.url)
    proton.call("get_environment", name="dev")
    _end(proton)
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
    no = _document({"code": "AccessDenied", "message": "No rule allows it."}, 403)
    server.exchange = one_after_another(_grant(), no)
    proton = _proton(server.url)
    proton.call("get_environment", name="dev")
    _end(proton)

    for _ in range(3):
        with pytest.raises(NoCredentials) as refused:
            proton.call("delete_environment", name="dev")

        assert str(refused.value) == (
            f"the Proton server at {server.url} does not take the AWS credentials: No rule allows it. "
            "(AccessDenied)"
        )
    assert len(server.exchanged) == 2, "it is not asked again at once"
    assert server.asked == 1


_NO_ANSWER = (
    "the server at {url} answered GET /.well-known/proton-server, which says whether it takes AWS "
    "credentials, with "
)
_NOT_EXCHANGED = (
    "the server at {{url}} answered POST /credentials, which exchanges AWS credentials, with {}: check the "
    "endpoint, and that the server runs"
)
_REDIRECT = "a redirect (status 302)"


def _redirect(request: Any) -> None:
    request.send_response(302)
    request.send_header("Location", "https://elsewhere.example/")
    request.send_header("Content-Length", "0")
    request.end_headers()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response(b"", status=500), "application/x-amz-json-1.0 (status 500)"),
        (response(b"<html>", "text/html", 503), "text/html (status 503)"),
        (response(b"<html>Sign in</html>", "text/html"), "text/html (status 200)"),
        (response(b"<html>Sign in</html>", "text/html", 403), "text/html (status 403)"),
        (response(b"<html>Bad request</html>", "text/html", 400), "text/html (status 400)"),
        (_redirect, _REDIRECT),
        (_document({"exchange": "https://elsewhere.example/credentials"}), "application/json (status 200)"),
        (_document({"exchange": "/other"}), "application/json (status 200)"),
        (_document({}), "application/json (status 200)"),
        (_document(["/credentials"]), "application/json (status 200)"),
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
        _proton(fake_server.url).call(operation, name="dev")

    opening = _NO_ANSWER.format(url=fake_server.url)
    assert str(failed.value) == f"{opening}{said}: check the endpoint, and that the server runs"
    assert (fake_server.asked, fake_server.exchanged) == (0, [])


def test_a_server_that_does_not_answer_the_discovery_is_named_and_asked_once_by_many_threads() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    proton = _proton(url)

    def call(_: int) -> str:
        with pytest.raises(Unreachable) as failed:
            proton.call("update_environment", name="dev", deploymentType="NONE")
        return str(failed.value)

    with ThreadPoolExecutor(8) as threads:
        (said,) = set(threads.map(call, range(8)))

    assert said.startswith(f"no answer from the Proton server at {url}: ")
    assert "may have been made" not in said


def test_a_server_that_was_busy_is_asked_again(server: FakeServer) -> None:
    busy = _document({"code": "Busy", "message": "Too many at once."}, 503)
    server.discovery = one_after_another(busy, server.discovery)
    server.exchange = one_after_another(busy, busy, server.exchange)

    _proton(server.url).call("get_environment", name="dev")

    assert len(server.discovered) == 2
    sent = [_headers(one)["authorization"] for one in server.exchanged]
    assert len(set(sent)) == 3, "a server takes each signature once"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_at_a_server_without_the_exchange_the_aws_credentials_sign(
    fake_server: FakeServer, status: int
) -> None:
    fake_server.discovery = response(b"nothing here", "text/plain", status)
    fake_server.answer = response(WHOLE)

    _proton(fake_server.url).call("get_environment", name="dev")

    assert "Credential=AKIAOFAWS/" in fake_server.signed[0]


@pytest.mark.parametrize(
    "answer",
    [
        _document({"exchange": None}),
        # Of the server of release 0.1.0.
        _document({"__type": "MissingAuthenticationTokenException", "message": "…"}, 400),
    ],
)
def test_a_server_may_say_that_it_takes_none(fake_server: FakeServer, answer: Answer) -> None:
    fake_server.discovery, fake_server.answer = answer, response(WHOLE)

    _proton(fake_server.url).call("get_environment", name="dev")

    assert "Credential=AKIAOFAWS/" in fake_server.signed[0]


_IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>555555555555</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


@pytest.mark.parametrize("code", ["OwnCredentials", "OwnSession"])
def test_the_servers_own_credentials_sign_as_they_are_and_the_server_knows_their_account(
    server: FakeServer, code: str
) -> None:
    server.exchange = _document({"code": code, "message": "Sign with them."}, 400)
    proton = _proton(server.url)

    proton.call("get_environment", name="dev")
    server.answer = response(_IDENTITY, "text/xml")

    assert proton.account == "555555555555"
    assert "Credential=AKIAOFAWS/" in server.signed[0]
    assert len(server.exchanged) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            _document({"code": "AccessDenied", "message": "No rule allows it."}, 403),
            NoCredentials,
            "the Proton server at {url} does not take the AWS credentials: No rule allows it. (AccessDenied)",
        ),
        (
            _document({"code": "TooManyRequests", "message": "Wait."}, 429),
            Unavailable,
            "the Proton server at {url} does not take the AWS credentials: Wait. (TooManyRequests)",
        ),
        (
            response(b"<html>", "text/html"),
            Unreachable,
            _NOT_EXCHANGED.format("text/html (status 200)"),
        ),
        (
            _redirect,
            Unreachable,
            _NOT_EXCHANGED.format(_REDIRECT),
        ),
        (
            _document({"AccessKeyId": "ASIA"}),
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
        _proton(server.url).call("delete_environment", name="dev")

    assert (type(failed.value), str(failed.value)) == (kind, said.format(url=server.url))
    assert server.asked == 0


def test_credentials_that_have_ended_already_are_a_matter_of_clocks(server: FakeServer) -> None:
    server.exchange = _grant(-60)

    with pytest.raises(
        NoCredentials, match="which is over: check the clock of this machine, and the server's"
    ):
        _proton(server.url).call("get_environment", name="dev")


def test_without_aws_credentials_there_is_nothing_to_exchange(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(NoCredentials, match="no AWS credentials: set AWS_PROFILE"):
        _proton(server.url).call("get_environment", name="dev")

    assert (server.asked, server.exchanged) == (0, [])


_ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIAOFTHEROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token-of-the-role</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::222222222222:assumed-role/deploy/x</Arn></AssumedRoleUser>
</AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def sts() -> Iterator[FakeServer]:
    """AWS's STS."""
    with serving() as server:
        server.answer = response(_ASSUMED, "text/xml")
        yield server


_ROLE = "arn:aws:iam::222222222222:role/deploy"
_CONFIGURED = f"""[profile of-role]
role_arn = {_ROLE}
source_profile = keys
[profile keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = secret
"""


@pytest.mark.parametrize("account", [{"profile": "of-role"}, {"assumeRole": {"roleArn": _ROLE}}])
def test_a_role_is_never_assumed_at_the_proton_server_although_aws_endpoint_url_leads_there(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, account: dict[str, Any]
) -> None:
    (tmp_path / "config").write_text(_CONFIGURED)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("HTTPS_PROXY", server.url)

    with pytest.raises(NoCredentials, match=r"cannot be assumed|no valid AWS credentials"):
        _proton(server.url, account).call("get_environment", name="dev")

    assert set(server.connected) == {"sts.eu-west-1.amazonaws.com:443"}
    assert (server.asked, server.exchanged, server.forms) == (0, [], [])


@pytest.mark.parametrize("account", [{"profile": "of-role"}, {"assumeRole": {"roleArn": _ROLE}}])
def test_a_role_is_assumed_at_the_sts_of_its_own_variable_and_signs_for_it(
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    account: dict[str, Any],
    sts: FakeServer,
) -> None:
    (tmp_path / "config").write_text(_CONFIGURED)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)

    _proton(server.url, account).call("get_environment", name="dev")

    (sent,) = server.exchanged
    headers = _headers(sent)
    assert headers["host"] == sts.url.removeprefix("http://")
    assert headers["x-amz-security-token"] == "token-of-the-role"
    assert "Credential=ASIAOFTHEROLE/" in headers["authorization"]
    assert [b"Action=AssumeRole" in form for form in sts.forms] == [True]
    assert server.forms == []


def test_where_no_exchange_is_offered_aws_endpoint_url_leads_to_sts_as_ever(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake_server.url)
    fake_server.answer = response(_IDENTITY, "text/xml")

    assert _proton(fake_server.url).account == "555555555555"
    assert fake_server.forms == [b"Action=GetCallerIdentity&Version=2011-06-15"]
