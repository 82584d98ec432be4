"""What a client may hand over to be sent to STS: one form of request, and nothing beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proton_server.identity.exchange import BODY, MAX_BYTES, read
from proton_server.identity.refusals import ExchangeRefused
from tests.signing import Keys, document, identity_headers

NOW = 1_790_000_000.0
HOST = "sts.us-east-1.amazonaws.com"
KEYS = Keys("AKIAEXAMPLE", "secret")
ROLE = Keys("ASIAEXAMPLE", "secret", "the/token+of=a/role==")


def good(keys: Keys = KEYS, **changes: Any) -> dict[str, str]:
    return identity_headers(keys, **{"at": NOW, "host": HOST, **changes})


def encoded(headers: Any, body: Any = BODY, **more: Any) -> bytes:
    return json.dumps({**document(headers, body), **more}).encode()


def refusal_of(content: bytes) -> tuple[str, str]:
    with pytest.raises(ExchangeRefused) as caught:
        read(content)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("keys", [KEYS, ROLE])
def test_a_signed_request_is_read(keys: Keys) -> None:
    headers = good(keys)

    request = read(encoded(headers))

    assert (request.key_id, request.region, request.token) == (keys.key_id, "us-east-1", keys.token)
    assert (request.signed_at, request.headers) == (NOW, headers)


def test_names_of_headers_are_read_in_any_case() -> None:
    headers = {name.title(): value for name, value in good(ROLE).items()}

    assert read(encoded(headers)).headers == good(ROLE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The document must be JSON in UTF-8"),
        (b"\xff\xfe{}", "The document must be JSON in UTF-8"),
        (json.dumps({}).encode("utf-16"), "The document must be JSON in UTF-8"),
        (b"[" * 50_000, "The document must be JSON in UTF-8"),
        (b"1" * 50_000, "The document must be JSON in UTF-8"),
        (b"[]", 'The document must be a JSON object with the members "headers" and "body" only.'),
        (
            b'{"headers": []}',
            'The document must be a JSON object with the members "headers" and "body" only.',
        ),
        (
            encoded(good(), url="https://sts.example.com/"),
            'The document must be a JSON object with the members "headers" and "body" only.',
        ),
        (b'{"body": "", "body": "", "headers": []}', "no member of an object may be there twice"),
        (b" " * (MAX_BYTES + 1), "The document is larger than 65536 bytes."),
    ],
)
def test_a_document_of_another_form_is_refused(content: bytes, message: str) -> None:
    code, shown = refusal_of(content)

    assert (code, message in shown) == ("InvalidRequest", True), shown


@pytest.mark.parametrize(
    "body",
    [
        "",
        f"{BODY}&Action=AssumeRole",
        "Action=GetSessionToken&Version=2011-06-15",
        "Version=2011-06-15&Action=GetCallerIdentity",
        f"{BODY}\n",
        f"{BODY}\0",
        BODY.lower(),
        7,
        [BODY],
        None,
    ],
)
def test_a_body_is_get_caller_identity_to_the_letter(body: Any) -> None:
    assert refusal_of(encoded(good(), body)) == ("InvalidRequest", f"The body must be exactly {BODY}.")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": HOST},
        "Host: sts",
        [["Host"]],
        [["Host", HOST, HOST]],
        [["Host", 7]],
        [[None, "x"]],
        [{"Host": HOST}],
        7,
        None,
        [None],
    ],
)
def test_headers_are_pairs_of_texts(headers: Any) -> None:
    content = json.dumps({"headers": headers, "body": BODY}).encode()

    assert refusal_of(content) == (
        "InvalidRequest",
        "The headers must be a list of pairs of texts: a name and a value.",
    )


@pytest.mark.parametrize(
    "name",
    [
        "x-amz-content-sha256",
        "x-amz-target",
        "content-length",
        "transfer-encoding",
        "connection",
        "expect",
        "forwarded",
        "x-forwarded-host",
        "date",
        "accept",
        "user-agent",
        "cookie",
    ],
)
def test_no_other_header_is_sent_on_even_if_it_is_signed(name: str) -> None:
    headers = good(**{name.replace("-", "_"): "value"})

    assert refusal_of(encoded(headers)) == (
        "InvalidRequest",
        f"The header {name} is not sent on to STS: leave it out.",
    )


@pytest.mark.parametrize(
    "name", ["host ", " host", "ho st", "host:", "host\r\nX: y", "", "x" * 65, "hóst", "\0"]
)
def test_the_name_of_a_header_is_a_plain_word(name: str) -> None:
    pairs = [*good().items(), (name, HOST)]

    assert refusal_of(encoded(pairs)) == (
        "InvalidRequest",
        "The name of a header must be letters, digits and hyphens.",
    )


@pytest.mark.parametrize("name", sorted(good(ROLE)))
def test_no_header_is_there_twice(name: str) -> None:
    headers = good(ROLE)
    pairs = [*headers.items(), (name.upper(), headers[name])]

    assert refusal_of(encoded(pairs)) == ("InvalidRequest", f"The header {name} is there more than once.")


@pytest.mark.parametrize("name", sorted(good()))
def test_every_header_is_needed(name: str) -> None:
    headers = good()
    del headers[name]

    assert refusal_of(encoded(headers)) == ("InvalidRequest", f"The header {name} is missing.")


@pytest.mark.parametrize("name", sorted(good(ROLE)))
@pytest.mark.parametrize(
    "broken",
    [
        "{} ",
        " {}",
        "{}\r\n folded",
        "{}\r\nX-Other: y",
        "{}\n",
        "{}\t",
        "{}\0",
        "{}\x7f",
        "{}  x",
        "{}é",
        "{}\ud800",
    ],
)
def test_a_value_is_one_line_of_visible_characters(name: str, broken: str) -> None:
    headers = good(ROLE)
    headers[name] = broken.format(headers[name])

    code, message = refusal_of(encoded(headers))

    assert (code, message) == (
        "InvalidRequest",
        f"The header {name} must be visible ASCII characters, with single spaces between.",
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/x-amz-json-1.1",
        "application/x-www-form-urlencoded; charset=utf-7",
        "multipart/form-data; boundary=x",
    ],
)
def test_the_request_is_a_form(content_type: str) -> None:
    code, message = refusal_of(encoded(good(content_type=content_type)))

    assert (code, "The header Content-Type must be application/x-www-form-urlencoded" in message) == (
        "InvalidRequest",
        True,
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("AWS4-HMAC-SHA256", "AWS3-HMAC-SHA256"),
        ("/sts/", "/proton/"),
        ("/sts/", "/iam/"),
        ("/aws4_request", "/aws4_request/x"),
        ("Signature=", "Signature=A"),
        (", Signature=", "; Signature="),
        ("Credential=AKIA", "Credential=AKIA/x"),
        ("us-east-1", "us_east_1"),
        ("us-east-1", "*"),
    ],
)
def test_only_header_signatures_for_sts_are_taken(old: str, new: str) -> None:
    headers = good()
    headers["authorization"] = headers["authorization"].replace(old, new, 1)

    code, message = refusal_of(encoded(headers))

    assert (code, "must be a signature AWS4-HMAC-SHA256 for the service sts" in message) == (
        "InvalidRequest",
        True,
    )


@pytest.mark.parametrize(
    "signed",
    [
        "host;x-amz-date",
        "content-type;host;x-amz-date",
        "content-type;host;x-amz-date;x-proton-audience;x-proton-audience",
        "host;content-type;x-amz-date;x-proton-audience",
        "content-type;host;x-amz-date;x-amz-target;x-proton-audience",
        "authorization;content-type;host;x-amz-date;x-proton-audience",
        ";content-type;host;x-amz-date;x-proton-audience",
    ],
)
def test_the_signature_covers_every_header_once(signed: str) -> None:
    headers = good()
    start, _, rest = headers["authorization"].partition("SignedHeaders=")
    headers["authorization"] = f"{start}SignedHeaders={signed}, {rest.partition(', ')[2]}"

    assert refusal_of(encoded(headers)) == (
        "InvalidRequest",
        "SignedHeaders must name every header but Authorization once, in alphabetical order.",
    )


def test_a_session_token_is_signed() -> None:
    headers = {**good(), "x-amz-security-token": "added"}

    assert "SignedHeaders must name every header" in refusal_of(encoded(headers))[1]


@pytest.mark.parametrize(
    "date", ["20260921", "20260921T121", "20260921T1213 2Z", "2026-09-21T12:13:20Z", "20261321T121320Z"]
)
def test_the_date_is_a_time(date: str) -> None:
    headers = good(x_amz_date=date)

    code, message = refusal_of(encoded(headers))

    assert code == "InvalidRequest"
    assert "X-Amz-Date must be a time" in message or "must be a signature AWS4-HMAC-SHA256" in message


def test_the_dates_of_scope_and_header_are_one() -> None:
    headers = good()
    headers["authorization"] = headers["authorization"].replace("/20260921/", "/20260920/")

    assert refusal_of(encoded(headers))[1] == "The date of Credential must be that of X-Amz-Date."


@pytest.mark.parametrize("name", sorted(good(ROLE)))
def test_no_refusal_quotes_what_was_sent(name: str) -> None:
    assert "SECRET" not in refusal_of(encoded({**good(ROLE), name: "SECRET  SECRET"}))[1]
