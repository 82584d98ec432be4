"""Requests that are none of the SDKs' but legal HTTP are answered; those of other protocols are refused."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.names import ACCOUNT
from tests.servers import LocalServer, ServedBesideAws
from tests.signing import Keys, authorization, timestamp

LIST = "AwsProton20200720.ListEnvironments"


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    document: dict[str, Any]

    @property
    def refusal(self) -> tuple[int, str, str]:
        return self.status, self.document["__type"], self.document["message"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    """A `serve` whose AWS is not asked for anything."""
    folder = tmp_path_factory.mktemp("serve")
    server = ServedBesideAws(folder, aws=LocalServer(folder))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connection(served: ServedBesideAws) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        yield connection


def _signed(served: ServedBesideAws, body: bytes, /, path: str = "/", **more: str) -> dict[str, str]:
    """The headers of a request that lists the environments; in the names of `more`, `_` is `-`."""
    _, key_id, secret = served.door("proton", ACCOUNT)
    headers = {
        "host": f"127.0.0.1:{served.port}",
        "x-amz-date": timestamp(),
        "x-amz-target": LIST,
        "content-type": "application/x-amz-json-1.0",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    signature = authorization(Keys(key_id, secret), headers, body, service="proton", path=path)
    return {**headers, "authorization": signature}


def _head(first_line: str, headers: Mapping[str, str]) -> bytes:
    return "\r\n".join(
        [first_line, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    ).encode()


def _answer(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, response.headers, json.loads(response.read()))


def _sent(served: ServedBesideAws, connection: socket.socket, body: bytes, /, **headers: str) -> Answer:
    signed = _signed(served, body, **headers) | {"content-length": str(len(body))}
    connection.sendall(_head("POST / HTTP/1.1", signed) + body)
    return _answer(connection)


def test_http_1_0_is_answered_and_the_connection_closed(
    served: ServedBesideAws, connection: socket.socket
) -> None:
    headers = _signed(served, b"{}") | {"content-length": "2"}

    connection.sendall(_head("POST / HTTP/1.0", headers) + b"{}")

    answer = _answer(connection)
    assert (answer.status, answer.document) == (200, {"environments": []})
    assert connection.recv(1) == b""


def test_a_client_that_waits_to_be_told_to_go_on_is_told(
    served: ServedBesideAws, connection: socket.socket
) -> None:
    headers = _signed(served, b"{}") | {"content-length": "2", "expect": "100-continue"}

    connection.sendall(_head("POST / HTTP/1.1", headers))
    interim = connection.recv(4096)
    connection.sendall(b"{}")

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert _answer(connection).document == {"environments": []}


def test_a_body_may_come_in_chunks(served: ServedBesideAws, connection: socket.socket) -> None:
    headers = _signed(served, b'{"maxResults": 5}') | {"transfer-encoding": "chunked"}

    connection.sendall(_head("POST / HTTP/1.1", headers))
    for chunk in (b'{"max', b'Results"', b": 5}", b""):
        connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")

    assert _answer(connection).document == {"environments": []}


@pytest.mark.parametrize(
    "headers",
    [
        {"amz_sdk_request": "attempt=2; max=3", "amz_sdk_invocation_id": "1", "x_amz_user_agent": "ours/1"},
        {"x_amzn_query_mode": "true"},
        {"accept_encoding": "gzip, br", "accept": "application/cbor"},
        {
            "upgrade": "h2c",
            "connection": "Upgrade, HTTP2-Settings",
            "http2_settings": "AAMAAABkAAQCAAAAAAIAAAAA",
        },
        {"content_type": "application/x-amz-json-1.0; charset=UTF-8"},
        {"x_amz_content_sha256": hashlib.sha256(b"{}").hexdigest()},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_that_mean_nothing_here_do_no_harm(
    served: ServedBesideAws, connection: socket.socket, headers: dict[str, str]
) -> None:
    answer = _sent(served, connection, b"{}", **headers)

    assert (answer.status, answer.document) == (200, {"environments": []})
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"{}", b' {"maxResults": null}\n', b'{"maxResults":\t1}'])
def test_a_body_may_be_left_out_or_written_in_any_way_that_is_json(
    served: ServedBesideAws, connection: socket.socket, body: bytes
) -> None:
    assert _sent(served, connection, body).document == {"environments": []}


def test_an_endpoint_may_have_a_path(served: ServedBesideAws, connection: socket.socket) -> None:
    headers = _signed(served, b"{}", path="/proton/") | {"content-length": "2"}

    connection.sendall(_head("POST /proton/ HTTP/1.1", headers) + b"{}")

    assert _answer(connection).document == {"environments": []}


def test_requests_follow_each_other_on_a_connection_also_after_one_that_is_refused(
    served: ServedBesideAws, connection: socket.socket
) -> None:
    statuses = [_sent(served, connection, body).status for body in (b"{}", b"no", b"{}")]

    assert statuses == [200, 400, 200]


_NO_HASH = "X-Amz-Content-SHA256 is not the hash of the request's body."
_NOT_SIGNED = "Authorization must be an AWS4-HMAC-SHA256 header for the service proton and an AWS Region."


@pytest.mark.parametrize(
    ("body", "headers", "code", "message"),
    [
        (
            gzip.compress(b"{}", mtime=0),
            {"content_encoding": "gzip"},
            "SerializationException",
            "The request body is not a JSON document in UTF-8.",
        ),
        (
            b"{}",
            {"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content_encoding": "aws-chunked"},
            "InvalidSignatureException",
            _NO_HASH,
        ),
        (b"{}", {"x_amz_content_sha256": "UNSIGNED-PAYLOAD"}, "InvalidSignatureException", _NO_HASH),
        (
            b"{}",
            {"content_type": "application/cbor", "smithy_protocol": "rpc-v2-cbor"},
            "MalformedHttpRequestException",
            "The Content-Type of a request is application/x-amz-json-1.0.",
        ),
        (
            b'{"maxResult": 1}',
            {},
            "ValidationException",
            "Value at 'maxResult' failed to satisfy constraint: Member is not known",
        ),
        (
            b'{"maxResults": 1000000000000000000000000000000}',
            {},
            "ValidationException",
            "Member must have value less than or equal to 100",
        ),
        (
            b'{"maxResults": 1e400}',
            {},
            "ValidationException",
            "Value at 'maxResults' failed to satisfy constraint: Member must be of type integer",
        ),
        (
            b'{"maxResults": "1"}',
            {},
            "ValidationException",
            "Value at 'maxResults' failed to satisfy constraint: Member must be of type integer",
        ),
    ],
    ids=[
        "compressed",
        "signed in chunks",
        "not hashed",
        "CBOR",
        "unknown member",
        "large number",
        "infinite number",
        "number as text",
    ],
)
def test_what_would_be_misread_is_refused(  # a row of the table
    served: ServedBesideAws,
    connection: socket.socket,
    body: bytes,
    headers: dict[str, str],
    code: str,
    message: str,
) -> None:
    status, found, text = _sent(served, connection, body, **headers).refusal

    assert (found, message in text) == (code, True), text
    assert status in (400, 403)


@pytest.mark.parametrize(
    ("path", "headers", "code", "message"),
    [
        (
            "/service/AwsProton20200720/operation/ListEnvironments",
            {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"},
            "UnknownOperationException",
            "This server answers AWS Proton requests, which have an X-Amz-Target header.",
        ),
        (
            "/",
            {
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": LIST,
                "authorization": "AWS4-ECDSA-P256-SHA256 Credential=A/20260101/proton/aws4_request, "
                "SignedHeaders=host, Signature=00",
            },
            "IncompleteSignatureException",
            _NOT_SIGNED,
        ),
        (
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00",
            {"content-type": "application/x-amz-json-1.0", "x-amz-target": LIST},
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
    ],
    ids=["RPC v2 CBOR", "Signature Version 4A", "signed in the query"],
)
def test_other_protocols_and_signatures_are_refused_in_json(  # a row of the table
    served: ServedBesideAws,
    connection: socket.socket,
    path: str,
    headers: dict[str, str],
    code: str,
    message: str,
) -> None:
    connection.sendall(
        _head(f"POST {path} HTTP/1.1", {"host": "localhost", "content-length": "0", **headers})
    )

    answer = _answer(connection)
    assert answer.refusal[1:] == (code, message)
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
