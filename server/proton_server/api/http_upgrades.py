"""The parser of httptools, for a server that upgrades no connection to another protocol.

httptools stops at the end of a head that offers an upgrade, as Java's HttpClient does on each connection
without TLS (`Upgrade: h2c`). uvicorn then goes on as if the request had no body, and reads the body as the
next request. A server that takes up no offer answers as if there was none (RFC 9110, 7.8), so the head is
parsed again without it. https://github.com/Kludex/uvicorn/issues/2722
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httptools

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class WithoutUpgrades:
    """Comes before uvicorn's protocol in the bases of a class, whose parser it replaces."""

    def __init__(self, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.parser: Any = HttpParser(cast("HttpToolsProtocol", self))


class HttpParser:
    """What uvicorn's protocol calls of httptools.HttpRequestParser."""

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        self._protocol = protocol
        self._callbacks = SimpleNamespace(
            on_message_begin=protocol.on_message_begin,
            on_url=protocol.on_url,
            on_header=protocol.on_header,
            on_headers_complete=self._on_headers_complete,
            on_body=protocol.on_body,
            on_message_complete=self._on_message_complete,
        )
        self._parser = self._new()

    def feed_data(self, data: bytes) -> None:
        """Parses what was received. Raises httptools.HttpParserError."""
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if not self._is_offered():  # a tunnel (CONNECT), which nobody may have either
                    raise
                data = data[offer.args[0] :]
                self._parse_again_without_the_offer()
            else:
                return

    def should_upgrade(self) -> bool:
        """Whether the connection is to be upgraded: never."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def _new(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self._callbacks)
        # As uvicorn does, so that the first of several requests is answered if the client ends there.
        if hasattr(parser, "set_dangerous_leniencies"):
            parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _is_offered(self) -> bool:
        return bool(self._parser.should_upgrade()) and self._parser.get_method() != b"CONNECT"

    def _on_headers_complete(self) -> None:
        if not self._is_offered():
            self._protocol.on_headers_complete()

    def _on_message_complete(self) -> None:
        if not self._is_offered():
            self._protocol.on_message_complete()

    def _parse_again_without_the_offer(self) -> None:
        url, headers = self._protocol.url, self._protocol.headers
        version = self._parser.get_http_version().encode()
        lines = [self._parser.get_method() + b" " + url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in headers if name != b"upgrade"]
        self._parser = self._new()
        self._parser.feed_data(b"\r\n".join([*lines, b"", b""]))
        # A signature may cover the offer.
        self._protocol.headers[:] = headers
