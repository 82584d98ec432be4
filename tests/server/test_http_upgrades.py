"""A request that offers an upgrade is parsed as if it did not, however its bytes come."""

from __future__ import annotations

from typing import Any

import pytest

httptools = pytest.importorskip("httptools")

from proton_server.api.http_upgrades import HttpParser  # noqa: E402

OFFER = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"
WITH_LENGTH = b"Content-Length: 5\r\n\r\nhello"
IN_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
WITHOUT_BODY = b"\r\n"


class Protocol:
    """Keeps what is called, as uvicorn's does."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.parser = HttpParser(self)

    def on_message_begin(self) -> None:
        self.url, self.headers = b"", []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        method, version = self.parser.get_method(), self.parser.get_http_version()
        self.requests.append(
            [method, self.url, version, self.parser.should_keep_alive(), self.headers, b"", False]
        )

    def on_body(self, body: bytes) -> None:
        self.requests[-1][-2] += body

    def on_message_complete(self) -> None:
        self.requests[-1][-1] = True


def request(body: bytes, offer: bytes = OFFER, *, target: bytes = b"/a?b", version: bytes = b"1.1") -> bytes:
    return b"POST " + target + b" HTTP/" + version + b"\r\nHost: x\r\n" + offer + b"X-A: b c\r\n" + body


def parsed(*segments: bytes) -> list[Any]:
    protocol = Protocol()
    for segment in segments:
        protocol.parser.feed_data(segment)
    return protocol.requests


@pytest.mark.parametrize("body", [WITH_LENGTH, IN_CHUNKS, WITHOUT_BODY], ids=["length", "chunks", "none"])
def test_an_offer_changes_nothing_but_its_headers(body: bytes) -> None:
    offered, plain = parsed(request(body)), parsed(request(body, offer=b""))

    assert [name for name, _ in offered[0][4]][1:4] == [b"upgrade", b"connection", b"http2-settings"]
    del offered[0][4][1:4]
    assert offered == plain
    assert offered[0][-2:] == [b"" if body == WITHOUT_BODY else b"hello", True]


@pytest.mark.parametrize("body", [WITH_LENGTH, IN_CHUNKS, WITHOUT_BODY], ids=["length", "chunks", "none"])
def test_it_does_not_matter_where_the_bytes_are_split(body: bytes) -> None:
    whole = request(body) + request(WITH_LENGTH, target=b"/next")

    for at in range(len(whole)):
        assert parsed(whole[:at], whole[at:]) == parsed(whole)
    assert len(parsed(whole)) == 2


def test_any_number_of_offers_follow_each_other() -> None:
    requests = parsed(request(WITH_LENGTH) * 2000)

    assert [(body, complete) for *_, body, complete in requests] == [(b"hello", True)] * 2000


def test_a_body_is_never_the_next_request() -> None:
    smuggled = request(WITHOUT_BODY, offer=b"", target=b"/smuggled")
    head = request(b"Content-Length: %d\r\n\r\n" % len(smuggled))

    assert [url for _, url, *_ in parsed(head, smuggled)] == [b"/a?b"]


@pytest.mark.parametrize(
    "offer",
    [b"Upgrade: h2c\r\n", b"Connection: upgrade\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n"],
)
def test_half_an_offer_and_one_of_another_protocol_are_none(offer: bytes) -> None:
    assert parsed(request(WITH_LENGTH, offer))[0][-2:] == [b"hello", True]


def test_a_client_that_wants_its_connection_closed_has_it_closed() -> None:
    offer = b"Upgrade: h2c\r\nConnection: close, Upgrade\r\n"

    assert parsed(request(WITH_LENGTH, offer))[0][3] is False
    assert parsed(request(WITH_LENGTH))[0][3] is True


def test_a_tunnel_is_still_refused() -> None:
    with pytest.raises(httptools.HttpParserUpgrade):
        parsed(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nsecret")
