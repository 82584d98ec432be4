"""Requests with one thing changed after they were signed, and what is answered to them."""

from __future__ import annotations

import http.client
import random
import string
from collections.abc import Callable
from urllib.parse import urlsplit

HOSTILE = [*string.printable, "\xe9", "\xff"]

HttpRequest = tuple[str, str, dict[str, str], bytes]


def sent(url: str, request: HttpRequest) -> int:
    """The status of the answer; 0 for a connection that was closed."""
    method, path, headers, body = request
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
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


def tampered(request: HttpRequest, chance: random.Random) -> HttpRequest:
    """The request with one thing changed: a header, its absence, path, query, method or body."""
    method, path, headers, body = request
    name = chance.choice(list(headers))
    ways: list[Callable[[], HttpRequest]] = [
        lambda: (method, path, headers | {name: changed(headers[name], chance)}, body),
        lambda: (method, path, {key: headers[key] for key in headers if key != name}, body),
        lambda: (method, f"{path}{chance.choice('?/#;a')}{chance.choice('ab=')}", headers, body),
        lambda: (chance.choice(["GET", "PUT", "HEAD", "post"]), path, headers, body),
        lambda: (method, path, headers, changed(body.decode(), chance).encode()),
        lambda: (method, path, headers | {"x-amz-security-token": "t"}, body),
    ]
    return chance.choice(ways)()


def meaning(request: HttpRequest) -> object:
    """What may be written in several ways: HTTP trims values, and SigV4 takes runs of spaces for one."""
    method, path, headers, body = request
    plain = {name.lower(): " ".join(value.split()).replace(", ", ",") for name, value in headers.items()}
    # Not signed by botocore, and of one meaning whatever its parameters.
    plain["content-type"] = plain.get("content-type", "").partition(";")[0].strip().lower()
    return method, path.partition("#")[0], plain, body
