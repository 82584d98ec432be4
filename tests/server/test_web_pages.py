"""Who gets no answer at all."""

from __future__ import annotations

import http.client

import pytest

from tests.conftest import LocalServer


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example:4030"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({}, 200),
    ],
)
def test_web_pages_of_other_machines_get_no_answer(
    proton_server: LocalServer, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proton_server.port)
    connection.request("GET", "/health", headers=headers)
    assert connection.getresponse().status == status
    connection.close()
