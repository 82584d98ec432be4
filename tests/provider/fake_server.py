"""A server that is none of Proton's: it answers whatever a test tells it to, over real HTTP."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]

JSON = "application/x-amz-json-1.0"
ENVIRONMENT = {
    "arn": "arn:aws:proton:us-east-1:111111111111:environment/dev",
    "createdAt": 1,
    "deploymentStatus": "SUCCEEDED",
    "lastDeploymentAttemptedAt": 1,
    "lastDeploymentSucceededAt": 1,
    "name": "dev",
    "templateMajorVersion": "1",
    "templateMinorVersion": "0",
    "templateName": "vpc",
}
WHOLE = json.dumps({"environment": ENVIRONMENT}).encode()


class FakeServer(http.server.ThreadingHTTPServer):
    """Whatever answers in the place of a Proton server: `answer` is given each request's handler."""

    daemon_threads = True
    answer: Answer
    asked = 0
    """How many calls of the API it got."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.discovery = self.exchange = response(b"", status=404)
        self.discovered: list[str] = []
        """The paths that it was asked for with GET."""
        self.exchanged: list[dict[str, Any]] = []
        """What it was sent for its credentials."""
        self.signed: list[str] = []
        """The Authorization of each call of the API."""
        self.connected: list[str] = []
        """The hosts that it was asked to connect to, as a proxy, which it does not."""
        self.forms: list[bytes] = []
        """The bodies of forms, as STS gets them."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: FakeServer

    def do_GET(self) -> None:
        self.server.discovered.append(self.path)
        self.server.discovery(self)

    def do_CONNECT(self) -> None:
        self.server.connected.append(self.path)
        response(b"", status=403)(self)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/credentials":
            self.server.exchanged.append(json.loads(body))
            self.server.exchange(self)
            return
        if "urlencoded" in self.headers.get("Content-Type", ""):
            self.server.forms.append(body)
        self.server.asked += 1
        self.server.signed.append(self.headers.get("Authorization", ""))
        self.server.answer(self)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[FakeServer]:
    """Such a server on a free port."""
    with FakeServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def response(body: bytes, kind: str = JSON, status: int = 200, *, length: int | None = None) -> Answer:
    """An answer; one that ends before its `length` is cut off."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        request.end_headers()
        request.wfile.write(body)

    return answer


def one_after_another(
    *answers: Answer,
) -> Answer:
    """Each answer in its turn, and the last one from then on."""
    left = list(answers)

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer
