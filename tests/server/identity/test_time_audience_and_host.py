"""Which signed requests a server takes: those of now, for itself, and for a host of STS that it knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proton_server.identity.exchange import IdentityRequest, check_audience, check_host, check_time, read
from proton_server.identity.refusals import ExchangeRefused
from tests.signing import AUDIENCE, Keys, document, identity_headers

NOW = 1_790_000_000.0
HOST = "sts.us-east-1.amazonaws.com"


def request(**changes: Any) -> IdentityRequest:
    headers = identity_headers(Keys("AKIAEXAMPLE", "secret"), **{"at": NOW, "host": HOST, **changes})
    return read(json.dumps(document(headers)).encode())


@pytest.mark.parametrize("late", [-301, 301, 86_400])
def test_a_signature_expires_after_five_minutes(late: float) -> None:
    with pytest.raises(ExchangeRefused, match="The signature expired") as caught:
        check_time(request(), NOW + late)

    assert (caught.value.code, caught.value.status) == ("SignatureExpired", 403)


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(late: float) -> None:
    check_time(request(), NOW + late)


@pytest.mark.parametrize("nonce", ["", "#0123456789abcdef", "#" + "a-_Z" * 16])
def test_the_audience_is_the_servers_origin(nonce: str) -> None:
    check_audience(request(audience=AUDIENCE + nonce), AUDIENCE)


@pytest.mark.parametrize(
    ("audience", "code"),
    [
        ("https://proton.example.com.evil.example", "InvalidAudience"),
        ("https://proton.example.com/", "InvalidAudience"),
        ("https://proton.example.com:443", "InvalidAudience"),
        ("https://PROTON.example.com", "InvalidAudience"),
        ("http://proton.example.com", "InvalidAudience"),
        ("https://evil.example, https://proton.example.com", "InvalidAudience"),
        ("https://evil.example#https://proton.example.com", "InvalidRequest"),
        ("https://proton.example.com#", "InvalidRequest"),
        ("https://proton.example.com#short", "InvalidRequest"),
        ("https://proton.example.com#" + "a" * 65, "InvalidRequest"),
        ("https://proton.example.com#0123456789abcdef#0123456789abcdef", "InvalidRequest"),
        ("#0123456789abcdef", "InvalidAudience"),
    ],
)
def test_another_audience_is_refused(audience: str, code: str) -> None:
    with pytest.raises(ExchangeRefused) as caught:
        check_audience(request(audience=audience), AUDIENCE)

    assert caught.value.code == code
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "sts.us-east-1.amazonaws.com.evil.example",
        "sts.us-east-1.amazonaws.com:443",
        "STS.us-east-1.amazonaws.com",
        "evil@sts.us-east-1.amazonaws.com",
        "169.254.169.254",
        "127.0.0.1:4030",
    ],
)
def test_the_host_is_one_of_those_that_the_server_knows(host: str) -> None:
    with pytest.raises(ExchangeRefused, match="is not a host of STS in the Region") as caught:
        check_host(request(host=host), {HOST})

    assert caught.value.code == "InvalidRequest"
