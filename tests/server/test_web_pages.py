"""Who gets no answer at all."""

from __future__ import annotations

import http.client
import socket

import pytest

from tests.servers import LocalServer

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/s3/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)


@pytest.fixture(scope="module")
def proton_server(local_server: LocalServer) -> LocalServer:
    """What keeps web pages out by the host they name is `local` alone."""
    return local_server


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example:4030"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[evil"}, 403),
        # Anybody may keep pages there.
        ({"Origin": "http://evil.s3.amazonaws.com"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "http://app.localhost:3000"}, 200),
        ({}, 200),
    ],
)
def test_web_pages_of_other_machines_get_no_answer(
    proton_server: LocalServer, headers: dict[str, str], status: int
) -> None:
    assert get(proton_server, headers) == status


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4030", "10.0.0.1", "[", "a@b", "localhost.evil"]
)
def test_a_page_gets_no_answer_by_a_host_name_that_it_led_here(proton_server: LocalServer, host: str) -> None:
    assert get(proton_server, {"Host": host}) == 403
    assert get(proton_server, {"Host": host, "Authorization": SIGNED}) == 403


@pytest.mark.parametrize(
    "host",
    [
        "localhost:1",
        "127.0.0.2",
        "[::1]:4030",
        "s3.localhost:4030",
        "host.docker.internal",
        "bucket.s3.eu-west-1.amazonaws.com",
        "",
    ],
)
def test_the_names_of_this_machine_and_of_aws_are_answered(proton_server: LocalServer, host: str) -> None:
    assert get(proton_server, {"Host": host}) == 200


def test_a_client_too_old_to_name_a_host_is_answered(proton_server: LocalServer) -> None:
    with socket.create_connection(("127.0.0.1", proton_server.port), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def get(server: LocalServer, headers: dict[str, str]) -> int:
    """The status of the answer to GET /health."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/health", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
