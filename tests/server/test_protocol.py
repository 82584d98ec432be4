"""The HTTP request around the document, pure; and that the server asks for it."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proton_server.api.authentication import SignedRequest
from proton_server.api.protocol import check
from proton_server.operations.errors import MalformedHttpRequestException, UnknownOperationException

if TYPE_CHECKING:
    from tests.servers import LocalServer

HEADERS = {
    "host": "proton.example:4030",
    "x-amz-target": "AwsProton20200720.ListEnvironments",
    "content-type": "application/x-amz-json-1.0",
    "content-length": "2",
}
GOOD = SignedRequest("POST", "/", "", HEADERS, b"{}")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "Application/X-Amz-JSON-1.0; charset=utf-8"},
        {"host": "[::1]:4030"},
        {"host": "proton_server"},
        {"x-amz-target": "AwsProton20200720"},
    ],
)
def test_what_the_sdks_send_is_taken(headers: dict[str, str]) -> None:
    check(replace(GOOD, headers={**HEADERS, **headers}, repeated=frozenset({"x-forwarded-for", "via"})))


@pytest.mark.parametrize("host", ["", "[", "a b", "a/b", "[::1", "a@b", "a:b", "a,a"])
def test_a_host_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(MalformedHttpRequestException, match="needs a header Host"):
        check(replace(GOOD, headers={**HEADERS, "host": host}))


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_operations_are_called_by_post_only(method: str) -> None:
    with pytest.raises(MalformedHttpRequestException, match=f"called by POST, not {method}"):
        check(replace(GOOD, method=method))


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json", "application/x-amz-json-1.1"])
def test_the_content_type_of_other_protocols_and_of_forms_is_refused(content_type: str) -> None:
    with pytest.raises(MalformedHttpRequestException, match=r"Content-Type .* application/x-amz-json-1\.0"):
        check(replace(GOOD, headers={**HEADERS, "content-type": content_type}))


@pytest.mark.parametrize("name", ["host", "x-amz-target", "x-amz-date", "authorization", "content-length"])
def test_a_header_that_says_what_a_request_is_may_not_be_repeated(name: str) -> None:
    with pytest.raises(MalformedHttpRequestException, match=f"more than one header {name}"):
        check(replace(GOOD, repeated=frozenset({name})))


def test_a_body_with_two_ends_is_refused() -> None:
    with pytest.raises(MalformedHttpRequestException, match="Content-Length or Transfer-Encoding, not both"):
        check(replace(GOOD, headers={**HEADERS, "transfer-encoding": "chunked"}))


@pytest.mark.parametrize(
    "target", ["", "DynamoDB_20120810.ListTables", "AwsProton20200720x.ListEnvironments"]
)
def test_a_request_for_another_service_is_unknown(target: str) -> None:
    with pytest.raises(UnknownOperationException):
        check(replace(GOOD, headers={**HEADERS, "x-amz-target": target}))


PROTON = (
    b"X-Amz-Target: AwsProton20200720.ListEnvironments\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"Content-Length: 2\r\n"
)


@pytest.mark.parametrize(
    ("head", "code", "message"),
    [
        (b"POST / HTTP/1.0\r\n" + PROTON, "MalformedHttpRequestException", "The request needs a header Host"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Date: 1\r\nX-Amz-Date: 2\r\n" + PROTON,
            "MalformedHttpRequestException",
            "The request has more than one header x-amz-date.",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n" + PROTON,
            "MalformedHttpRequestException",
            "Operations are called by POST, not GET.",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\n" + PROTON.replace(b".ListEnvironments", b""),
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
    ],
)
def test_a_malformed_request_is_answered_with_a_code_and_a_request_id(
    proton_server: LocalServer, head: bytes, code: str, message: str
) -> None:
    with socket.create_connection(("127.0.0.1", proton_server.port), timeout=30) as connection:
        connection.sendall(head + b"Connection: close\r\n\r\n{}")
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    status, _, body = answer.partition("\r\n")[0], *answer.partition("\r\n\r\n")[1:]
    assert re.match(r"HTTP/1.1 4\d\d ", status)
    error = json.loads(body)
    assert error["__type"] == code
    assert message in error["message"]
    assert re.search(r"x-amzn-requestid: [0-9a-f-]{36}\r\n", answer, re.IGNORECASE)
