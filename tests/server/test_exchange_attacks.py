"""Attacks on the exchange of a real `serve`, whose STS verifies signatures: a class for each defence."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from proton_server.identity.exchange import BODY
from tests.server.exchanges import Exchange, sent
from tests.servers import ServedBesideAws
from tests.signing import authorization, document, identity_headers, timestamp
from tests.verifying_sts import VerifyingSts


class TestAudience:
    """Line 1: a request that was signed for another server is refused, whatever this one is called by."""

    @pytest.mark.parametrize(
        "audience",
        ["https://evil.example", "http://localhost:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1"],
    )
    def test_another_servers_request_is_not_relayed(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, exchanged: Exchange, audience: str
    ) -> None:
        answer = exchanged(sts.role, audience=audience.format(port=exchanging.port))

        assert answer.refusal == (403, "InvalidAudience")

    @pytest.mark.parametrize(
        "name", ["Host", "X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Original-Host"]
    )
    def test_no_header_of_the_connection_changes_what_the_server_is_called(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, name: str
    ) -> None:
        headers = identity_headers(sts.role, audience="https://evil.example", host=sts.host)
        value = "host=evil.example;proto=https" if name == "Forwarded" else "evil.example"

        answer = sent(exchanging.url, document(headers), more={name: value, "X-Forwarded-Proto": "https"})

        assert answer.refusal == (403, "InvalidAudience")

    def test_an_audience_that_is_changed_after_signing_is_refused_by_sts(
        self, exchanging: ServedBesideAws, sts: VerifyingSts
    ) -> None:
        headers = identity_headers(sts.role, audience="https://evil.example", host=sts.host)

        answer = sent(exchanging.url, document({**headers, "x-proton-audience": exchanging.url}))

        assert answer.refusal == (403, "InvalidSignature")
        assert "AWS's STS does not accept the signature" in answer.document["message"]

    def test_an_audience_that_is_not_signed_is_refused(
        self, exchanging: ServedBesideAws, sts: VerifyingSts
    ) -> None:
        headers = identity_headers(sts.role, audience="", host=sts.host)
        del headers["x-proton-audience"]
        plain = {name: value for name, value in headers.items() if name != "authorization"}
        plain["authorization"] = authorization(sts.role, plain, BODY.encode(), service="sts")

        answer = sent(exchanging.url, document({**plain, "x-proton-audience": exchanging.url}))

        assert answer.refusal == (400, "InvalidRequest")


class TestTimeAndRepetition:
    """Line 2: a signature is good for five minutes, and once."""

    @pytest.mark.parametrize("late", [-310, 310])
    def test_an_old_signature_is_refused(self, sts: VerifyingSts, exchanged: Exchange, late: float) -> None:
        assert exchanged(sts.role, at=time.time() + late).refusal == (403, "SignatureExpired")

    def test_a_signature_is_taken_once(self, exchanging: ServedBesideAws, sts: VerifyingSts) -> None:
        audience = f"{exchanging.url}#{'o' * 20}"
        request = document(identity_headers(sts.role, audience=audience, host=sts.host))
        assert sent(exchanging.url, request).status == 200

        # However it is written: neither order nor case of the headers is signed.
        request["headers"] = [[name.title(), value] for name, value in reversed(request["headers"])]
        again = [sent(exchanging.url, request) for _ in range(2)]

        assert [answer.refusal for answer in again] == [(403, "SignatureUsed")] * 2

    def test_of_many_at_once_one_is_taken(self, exchanging: ServedBesideAws, sts: VerifyingSts) -> None:
        request = document(identity_headers(sts.role, audience=f"{exchanging.url}#{'r' * 20}", host=sts.host))

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: sent(exchanging.url, request), range(8)))

        assert sorted(answer.status for answer in answers) == [200] + [403] * 7

    def test_a_signature_that_sts_refuses_uses_nothing_up(
        self, exchanging: ServedBesideAws, sts: VerifyingSts
    ) -> None:
        headers = identity_headers(sts.role, audience=exchanging.url, host=sts.host, at=time.time() - 7)
        start, _, signature = headers["authorization"].rpartition("=")
        other = {**headers, "x-amz-date": timestamp(time.time() - 8)}

        assert sent(exchanging.url, document(other)).refusal == (403, "InvalidSignature")
        assert (
            sent(exchanging.url, document({**headers, "authorization": f"{start}={signature}"})).status == 200
        )


class TestTheRequestThatIsSentOn:
    """Lines 3, 4 and 5 over the wire; all the forms are in `identity/test_identity_requests.py`."""

    @pytest.mark.parametrize(
        "changed",
        [
            {"body": "Action=GetSessionToken&Version=2011-06-15"},
            {"url": "https://evil.example/"},
            {"method": "GET"},
            {"headers": {}},
        ],
    )
    def test_the_client_chooses_neither_body_nor_url_nor_method(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, changed: dict[str, Any]
    ) -> None:
        request = document(identity_headers(sts.role, audience=exchanging.url, host=sts.host))

        assert sent(exchanging.url, {**request, **changed}).refusal == (400, "InvalidRequest")

    @pytest.mark.parametrize(
        "host", ["evil.example", "sts.amazonaws.com", "127.0.0.1", "169.254.169.254", "127.0.0.1:1"]
    )
    def test_the_client_chooses_no_host(self, exchanged: Exchange, sts: VerifyingSts, host: str) -> None:
        assert exchanged(sts.role, host=host).refusal == (400, "InvalidRequest")

    def test_a_signature_with_more_headers_is_refused(self, exchanged: Exchange, sts: VerifyingSts) -> None:
        assert exchanged(sts.role, x_amz_target="Other.Thing").refusal == (400, "InvalidRequest")

    def test_a_request_for_another_service_is_refused(self, exchanged: Exchange, sts: VerifyingSts) -> None:
        assert exchanged(sts.role, service="proton").refusal == (400, "InvalidRequest")

    @pytest.mark.parametrize("changed", ["secret", "token"])
    def test_another_secret_or_token_is_refused_by_sts(
        self, exchanged: Exchange, sts: VerifyingSts, changed: str
    ) -> None:
        answer = exchanged(sts.role._replace(**{changed: "x" * 40}))

        assert answer.refusal == (403, "InvalidSignature")

    def test_the_token_of_another_session_is_refused_by_sts(
        self, exchanged: Exchange, sts: VerifyingSts
    ) -> None:
        assert exchanged(sts.role._replace(token=sts.other_session.token)).refusal == (
            403,
            "InvalidSignature",
        )


class TestTheDocumentThatIsPosted:
    @pytest.mark.parametrize(
        "media_type",
        ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "application/jsonx", ""],
    )
    def test_what_a_web_page_can_post_is_refused(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, media_type: str
    ) -> None:
        request = document(identity_headers(sts.role, audience=exchanging.url, host=sts.host))

        assert sent(exchanging.url, request, media_type=media_type).refusal == (400, "InvalidRequest")

    def test_a_web_page_is_not_answered(self, exchanging: ServedBesideAws, sts: VerifyingSts) -> None:
        request = document(identity_headers(sts.role, audience=exchanging.url, host=sts.host))

        with pytest.raises(json.JSONDecodeError):
            sent(exchanging.url, request, more={"Origin": "https://evil.example"})

    def test_it_is_posted(self, exchanging: ServedBesideAws) -> None:
        assert sent(exchanging.url, {}, method="PUT").refusal == (405, "MethodNotAllowed")

    def test_the_url_has_no_query(self, exchanging: ServedBesideAws) -> None:
        assert sent(exchanging.url, {}, path="/credentials?url=https://evil.example").refusal == (
            400,
            "InvalidRequest",
        )

    @pytest.mark.parametrize("size", [65_537, 200_000])
    def test_it_is_small(self, exchanging: ServedBesideAws, size: int) -> None:
        answer = sent(exchanging.url, {"headers": [], "body": "x" * size})

        assert (answer.refusal, "65536 bytes" in answer.document["message"]) == (
            (400, "InvalidRequest"),
            True,
        )
