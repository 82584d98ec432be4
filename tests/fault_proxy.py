"""A proxy between a server and its AWS, at which a test counts calls, and lets them fail.

It is HTTP in between and nothing else: what a real network, a real throttle or a real kill does to a call.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


class Answer(NamedTuple):
    """What is answered in the place of AWS."""

    status: int
    body: bytes = b""


class CutOff(Exception):
    """Raised by a hook: the connection ends without an answer."""


def refusal(status: int, code: str, message: str = "no") -> Answer:
    """An error of AWS, in the XML of CloudFormation and STS."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>".encode())


def json_refusal(status: int, code: str, message: str = "no") -> Answer:
    """An error of AWS, in the JSON of CodeBuild."""
    return Answer(status, json.dumps({"__type": code, "message": message}).encode())


def _nothing(_action: str) -> Answer | None:
    return None


def _as_it_is(_action: str, body: bytes) -> bytes:
    return body


@dataclass
class FaultProxy:
    """Forwards to `upstream`. The hooks get the action's name, such as CreateStack, and may raise CutOff."""

    upstream: str
    before: Callable[[str], Answer | None] = _nothing
    """Called before an action is forwarded; with an Answer it is not forwarded."""
    after: Callable[[str], Answer | None] = _nothing
    """Called when AWS has answered, and the server has not heard of it."""
    rewrite: Callable[[str, bytes], bytes] = _as_it_is
    """Changes the body of what AWS has answered."""
    calls: list[str] = field(default_factory=list)
    """The actions that were forwarded."""

    def __post_init__(self) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (OSError, CutOff):
                    self.close_connection = True

            def do_POST(self) -> None:
                proxy._forward(self)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST  # noqa: N815  # names of the base class

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def heal(self) -> None:
        """From now on everything is forwarded, and counted anew."""
        self.before = self.after = _nothing
        self.rewrite = _as_it_is
        self.calls = []

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _forward(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        action = _action(request, body)
        answer = self.before(action)
        if answer is None:
            self.calls.append(action)
            status, headers, content = self._ask(request, body)
            content = self.rewrite(action, content)
            answer = self.after(action)
        if answer is not None:
            status, headers, content = answer.status, [("Content-Type", "text/xml")], answer.body
        request.send_response_only(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=60)
        try:
            connection.request(request.command, request.path, body, dict(request.headers.items()))
            answer = connection.getresponse()
            headers = [
                (name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP
            ]
            return answer.status, headers, answer.read()
        finally:
            connection.close()


def _action(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """The operation, of S3 only its verb: `CreateStack`, `StartBuild`, `PUT`."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode()).get("Action", ["?"])[0]
    return request.command
