"""Tampering: no request that was changed after it was signed is believed, whatever was changed."""

from __future__ import annotations

import http.client
import random
import string
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws

CASES = 1_500
HOSTILE = [*string.printable, "\xe9", "\xff"]

_Request = tuple[str, str, dict[str, str], bytes]


@pytest.fixture(scope="module")
def server(aws: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    server = ServedBesideAws(tmp_path_factory.mktemp("tampering"), aws=aws)
    server.start()
    yield server
    server.stop()


def signed(server: ServedBesideAws) -> _Request:
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


def sent(server: ServedBesideAws, request: _Request) -> int:
    """The status of the answer; 0 for a connection that was closed."""
    method, path, headers, body = request
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse().status
    except (http.client.HTTPException, ConnectionError, ValueError):
        return 0
    finally:
        connection.close()


def changed(text: str, chance: random.Random) -> str:
    """The text with one character replaced, removed, added or moved."""
    at = chance.randrange(len(text))
    ways = [
        text[:at] + chance.choice(HOSTILE) + text[at + 1 :],
        text[:at] + text[at + 1 :],
        text[:at] + chance.choice(HOSTILE) + text[at:],
        text[:at] + text[at:][::-1],
    ]
    return chance.choice(ways)


def tampered(request: _Request, chance: random.Random) -> _Request:
    """The request with one thing changed: a header, its absence, path, query, method or body."""
    method, path, headers, body = request
    name = chance.choice(list(headers))
    ways: list[Callable[[], _Request]] = [
        lambda: (method, path, headers | {name: changed(headers[name], chance)}, body),
        lambda: (method, path, {key: headers[key] for key in headers if key != name}, body),
        lambda: (method, f"{path}{chance.choice('?/#;a')}{chance.choice('ab=')}", headers, body),
        lambda: (chance.choice(["GET", "PUT", "HEAD", "post"]), path, headers, body),
        lambda: (method, path, headers, changed(body.decode(), chance).encode()),
        lambda: (method, path, headers | {"x-amz-security-token": "t"}, body),
    ]
    return chance.choice(ways)()


def test_no_changed_request_is_believed(server: ServedBesideAws, chance: random.Random) -> None:
    good = signed(server)
    assert sent(server, good) == 200

    statuses = [
        (sent(server, request), request) for request in (tampered(good, chance) for _ in range(CASES))
    ]

    assert [request for status, request in statuses if status >= 500] == []
    believed = [request for status, request in statuses if status == 200]
    assert [request for request in believed if _meaning(request) != _meaning(good)] == []
    assert sent(server, signed(server)) == 200


def _meaning(request: _Request) -> object:
    """What may be written in several ways: HTTP trims values, and SigV4 takes runs of spaces for one."""
    method, path, headers, body = request
    plain = {name.lower(): " ".join(value.split()).replace(", ", ",") for name, value in headers.items()}
    # Not signed by botocore, and of one meaning whatever its parameters.
    plain["content-type"] = plain.get("content-type", "").partition(";")[0].strip().lower()
    return method, path.partition("#")[0], plain, body
