"""A hosting service of the tests: answers over real HTTP what a test says, and keeps what it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that came in."""

    call: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeHosting:
    """Answers each call (`GET /path`) with what was said for it, the last for ever."""

    url: str = ""
    asked: list[ReceivedRequest] = field(default_factory=list)
    _answers: dict[str, list[Response]] = field(default_factory=dict)

    def answers(self, call: str, document: Any = None, status: int = 200, **headers: str) -> None:
        """Adds an answer to a call: bytes as they are, everything else as JSON."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = Response if isinstance(document, bytes) else JSONResponse
        self._answers.setdefault(call, []).append(kind(document, status, headers=names))

    def anew(self) -> FakeHosting:
        """Forgets what an earlier test said and asked."""
        self.asked.clear()
        self._answers.clear()
        return self

    async def __call__(self, request: Request) -> Response:
        call = f"{request.method} {request.url.path}"
        headers = dict(request.headers)
        self.asked.append(
            ReceivedRequest(call, request.query_params.multi_items(), headers, await request.body())
        )
        found = self._answers.get(call)
        if not found:
            return JSONResponse({"message": f"The test says nothing of {call}"}, 418)
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def serving() -> Iterator[FakeHosting]:
    """A stub that listens on a free port."""
    stub = FakeHosting()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stub.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        methods = ["GET", "POST", "PATCH"]
        app = Starlette(routes=[Route("/{path:path}", stub.__call__, methods=methods)])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield stub
        server.should_exit = True
        thread.join(10)
