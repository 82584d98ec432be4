"""A server that is none of Proton's: it answers whatever a test tells it to, over real HTTP."""

from __future__ import annotations

import http.server
import json
from collections.abc import Callable
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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: FakeServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.server.answer(self)

    def log_message(self, *_: Any) -> None:
        pass


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
