"""Tampering: no request that was changed after it was signed is believed, whatever was changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws
from tests.tampering import HttpRequest, meaning, sent, tampered

CASES = 1_500


@pytest.fixture(scope="module")
def server(aws: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    server = ServedBesideAws(tmp_path_factory.mktemp("tampering"), aws=aws)
    server.start()
    yield server
    server.stop()


def signed(server: ServedBesideAws) -> HttpRequest:
    """A good request: what every case begins with."""
    door = server.door("proton", ACCOUNT)
    request = AWSRequest(
        "POST",
        f"{server.url}/",
        {
            "X-Amz-Target": "AwsProton20200720.ListEnvironments",
            "Content-Type": "application/x-amz-json-1.0",
            "Host": urlsplit(server.url).netloc,
        },
        b'{"maxResults": 5}',
    )
    SigV4Auth(Credentials(door.key_id, door.secret), "proton", REGION).add_auth(request)
    return "POST", "/", dict(request.headers.items()), b'{"maxResults": 5}'


def test_no_changed_request_is_believed(server: ServedBesideAws, chance: random.Random) -> None:
    good = signed(server)
    assert sent(server.url, good) == 200

    statuses = [
        (sent(server.url, request), request) for request in (tampered(good, chance) for _ in range(CASES))
    ]

    assert [request for status, request in statuses if status >= 500] == []
    believed = [request for status, request in statuses if status == 200]
    assert [request for request in believed if meaning(request) != meaning(good)] == []
    assert sent(server.url, signed(server)) == 200
