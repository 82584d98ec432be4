"""The ASGI application: which part of the server a request is for, and its answer as HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from proton_server.api import protocol, sts, wire
from proton_server.api.authentication import SignedRequest
from proton_server.api.health import PROBES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

    from proton_server.api.app import Proton
    from proton_server.api.exchange import Exchange
    from proton_server.api.health import Health
    from proton_server.api.metrics import MetricsPage


_METRICS_PATH = "/metrics"
_PATHS = {*PROBES, _METRICS_PATH}


class Operators:
    """What operators ask, without a signature: the probes, and the metrics where there are any."""

    def __init__(self, health: Health, metrics: MetricsPage | None = None) -> None:
        self._health, self._metrics = health, metrics

    async def answer(self, request: Request) -> ASGIApp | None:
        """The answer; None for a request that is for something else."""
        path = request.scope["path"]
        if path not in _PATHS or "authorization" in request.headers:
            return None  # a signed one is S3's, for a bucket of that name
        if path != _METRICS_PATH:
            return self._health.response(path)
        if self._metrics is None or request.method != "GET":
            return None
        return await self._metrics.response(request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an application, for a port of their own."""
        answer = await self.answer(Request(scope, receive))
        if answer is None:
            answer = PlainTextResponse("This port has the metrics and the health of the server only.\n", 404)
        await answer(scope, receive, send)


def asgi_app(
    proton: Proton,
    operators: Operators,
    lifespan: Lifespan[Starlette],
    exchange: Exchange,
    elsewhere: ASGIApp | None = None,
) -> ASGIApp:
    """The whole ASGI application: Proton, what probes ask, the exchange, metrics, and what is elsewhere."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer: ASGIApp | None
        try:
            answer = await operators.answer(request)
            if answer is None:
                answer = await exchange.answer(request, _address(request))
                if answer is None:
                    answer = await _answer(proton, request, elsewhere)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    return Starlette(routes=[Mount("/", app=dispatch)], lifespan=lifespan)


async def _answer(proton: Proton, request: Request, elsewhere: ASGIApp | None) -> ASGIApp:
    if elsewhere is not None and not wire.names_proton(request.headers.get("x-amz-target", "")):
        return elsewhere
    signed = _signed_request(request, await _body(request))
    is_for_sts = sts.is_for_sts(signed)
    proton.measures.request_began()
    try:
        answer = None if is_for_sts else proton.answer_without_blocking(signed)
        if answer is None:
            answer = await asyncio.to_thread(proton.answer_sts if is_for_sts else proton.answer, signed)
    finally:
        proton.measures.request_ended()
    status, content, request_id = answer
    headers = {"x-amzn-RequestId": request_id}
    if protocol.is_ambiguous(signed):
        headers["Connection"] = "close"
    return Response(content, status, headers, sts.CONTENT_TYPE if is_for_sts else wire.CONTENT_TYPE)


def _signed_request(request: Request, body: bytes) -> SignedRequest:
    headers: dict[str, str] = {}
    repeated = set()
    for name, value in request.headers.items():
        if name in headers:
            repeated.add(name)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return SignedRequest(
        method=request.method,
        path=request.scope["raw_path"].decode("latin1"),
        query=request.scope["query_string"].decode("latin1"),
        headers=headers,
        body=body,
        repeated=frozenset(repeated),
        client=_address(request),
    )


def _address(request: Request) -> str:
    return request.client.host[:64] if request.client else "-"


async def _body(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > wire.MAX_BODY_BYTES:
            break
    return body
