"""The client against a server that is broken or hostile: every call ends, with one sentence for a person."""

from __future__ import annotations

import http.server
import json
import time

import pytest

from aws_proton_provider.aws import pages as _pages
from aws_proton_provider.aws import transport
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core.errors import ProtonError, Unreachable
from aws_proton_provider.resources.service import ProtonService
from tests.provider.fake_server import ENVIRONMENT, WHOLE, Answer, FakeServer, one_after_another, response


def _listing(*names: str, token: str) -> bytes:
    listed = [ENVIRONMENT | {"name": name} for name in names]
    return json.dumps({"environments": listed, "nextToken": token}).encode()


def test_a_listing_that_leads_back_to_an_earlier_page_ends(fake_server: FakeServer, proton: Proton) -> None:
    around = [response(_listing(token, token=token)) for token in ("a", "b", "a")]
    fake_server.answer = one_after_another(*around)

    with pytest.raises(
        Unreachable, match=r"ListEnvironments of .* does not end \(it leads back to an earlier"
    ):
        proton.all_of("list_environments", "environments")

    assert fake_server.asked == 3


def test_a_listing_of_ever_new_pages_ends() -> None:
    pages = ({"items": [{}], "nextToken": str(number)} for number in range(_pages.MOST_PAGES + 2))

    with pytest.raises(Unreachable, match=r"ListTags does not end \(10,001 items so far\)"):
        _pages.items(lambda **_: next(pages), "items", "ListTags")


def _drips(head: bytes) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        try:
            request.wfile.write(head)
            while True:
                request.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            return

    return answer


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Endless: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"],
    ids=["head", "body"],
)
def test_an_answer_that_drips_ends_the_call_once_and_for_all(
    fake_server: FakeServer, proton: Proton, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.5)
    fake_server.answer = _drips(head)

    with pytest.raises(
        Unreachable, match=r"the server at .* did not answer completely in time \(0\.5 s for a call"
    ):
        proton.call("get_environment", name="dev")

    assert fake_server.asked == 1


def test_repetitions_do_not_prolong_a_call(
    fake_server: FakeServer, proton: Proton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.5)

    def slowly_fails(request: http.server.BaseHTTPRequestHandler) -> None:
        time.sleep(0.4)
        response(b"", status=503)(request)

    fake_server.answer = slowly_fails

    with pytest.raises(Unreachable, match="did not answer completely in time"):
        proton.call("get_environment", name="dev")

    assert fake_server.asked < 3


def test_an_answer_too_large_is_not_read(
    fake_server: FakeServer, proton: Proton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LARGEST", 2**20)

    def endless(request: http.server.BaseHTTPRequestHandler) -> None:
        try:
            request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                request.wfile.write(b" " * 2**16)
        except OSError:
            return

    fake_server.answer = endless

    with pytest.raises(Unreachable, match="an answer of more than 1 MB"):
        proton.call("get_environment", name="dev")

    assert fake_server.asked == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response(b""), "it has no environment;"),
        (response(WHOLE[:-20], length=len(WHOLE)), "it has no environment;"),
        (response(b"{}"), "it has no environment;"),
        (response(b'{"environment": null}'), "it has no environment;"),
        (response(b'{"environment": {"name": "dev"}}'), "it has no environment.arn;"),
        (response(WHOLE.replace(b'"dev"', b"[5]")), "environment.name is not of type string;"),
        (response(WHOLE.replace(b'"createdAt": 1', b'"createdAt": "once"')), "it cannot be read;"),
        (response(b"[1]"), "it cannot be read;"),
        (response(b"\xff"), "it cannot be read;"),
        (response(b"[" * 100_000), "it cannot be read;"),
        (response(b"<html>Sign in</html>", "text/html; charset=utf-8"), "it is text/html and not JSON;"),
    ],
)
def test_an_answer_that_is_none_is_asked_for_again_and_then_told(
    fake_server: FakeServer, proton: Proton, answer: Answer, said: str
) -> None:
    fake_server.answer = answer

    with pytest.raises(Unreachable) as told:
        proton.call("get_environment", name="dev")

    opening = f"the Proton server at {fake_server.url} answered GetEnvironment with what is no valid response"
    assert str(told.value).startswith(f"{opening}: {said} check the endpoint")
    assert fake_server.asked == 3


def test_a_reading_whose_answer_was_cut_off_once_succeeds(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = one_after_another(response(WHOLE[:50], length=len(WHOLE)), response(WHOLE))

    assert proton.call("get_environment", name="dev")["environment"]["name"] == "dev"


@pytest.mark.parametrize("left_out", ["lastDeploymentSucceededAt", "templateMajorVersion"])
def test_what_aws_left_out_in_spite_of_its_model_may_be_missing(
    fake_server: FakeServer, proton: Proton, left_out: str
) -> None:
    told = {name: value for name, value in ENVIRONMENT.items() if name != left_out}
    fake_server.answer = response(json.dumps({"environment": told}).encode())

    assert left_out not in proton.call("get_environment", name="dev")["environment"]


@pytest.mark.parametrize(
    "answer", [response(b""), response(b"<html>", "text/html"), response(b"<html>", "text/html", 403)]
)
def test_a_change_whose_answer_is_none_is_asked_for_once_and_says_what_is_not_known(
    fake_server: FakeServer, proton: Proton, answer: Answer
) -> None:
    fake_server.answer = answer

    with pytest.raises(Unreachable, match=r"the change may have been made or not: run `pulumi up --refresh`"):
        proton.call("update_environment", name="dev", deploymentType="NONE")

    assert fake_server.asked == 1


def test_a_page_does_not_pass_for_the_answer_to_a_change_that_answers_nothing(
    fake_server: FakeServer, proton: Proton
) -> None:
    fake_server.answer = response(b"<html>Sign in</html>", "text/html")

    with pytest.raises(Unreachable, match=r"TagResource .* it is text/html and not JSON"):
        proton.call("tag_resource", resourceArn="arn:aws:proton:r", tags=[])


@pytest.mark.parametrize("status", [403, 502, 503])
def test_a_proxys_page_is_told_from_the_apis_refusal(
    fake_server: FakeServer, proton: Proton, status: int
) -> None:
    fake_server.answer = response(b"<html><body>" + b"Bad gateway. " * 10_000, "text/html", status)

    with pytest.raises(Unreachable) as told:
        proton.call("get_environment", name="dev")

    assert str(told.value) == (
        f"the server at {fake_server.url} answered GetEnvironment with text/html (status {status}), not with "
        "JSON: check the endpoint, and that the server runs"
    )


@pytest.mark.parametrize("body", [b'{"__type": 5}', b'["x"]', b'{"message": {"a": 1}, "__type": "Foo"}'])
def test_a_refusal_of_another_form_is_one_sentence(
    fake_server: FakeServer, proton: Proton, body: bytes
) -> None:
    fake_server.answer = response(body, status=400)

    with pytest.raises(ProtonError):
        proton.call("get_environment", name="dev")


def test_an_sts_that_names_no_account_is_told(
    fake_server: FakeServer, proton: Proton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake_server.url)
    fake_server.answer = response(b"<a><b/></a>", "text/xml")

    with pytest.raises(Unreachable, match=r"STS does not say which account .*: its answer"):
        _ = proton.account


def test_a_preview_goes_on_without_what_only_warns(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = response(b"{}")

    assert ProtonService(proton).environments() is None
