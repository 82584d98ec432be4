"""The HTTP face: authenticate, dispatch, run the operation in a transaction, answer.

Requests whose `X-Amz-Target` is Proton's are ours; `elsewhere`, if there is one, gets all others. Log lines
name operation, account, Region, code and time; never a member of a request.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from proton_server import wire
from proton_server.auth import SignedRequest
from proton_server.errors import (
    InternalServerException,
    ProtonError,
    RequestEntityTooLargeException,
    UnknownOperationException,
)
from proton_server.operations import OPERATIONS
from proton_server.operations._call import Call, SpecUnchecked, Verdicts
from proton_server.store import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

    from proton_server.auth import Authenticator, Caller
    from proton_server.evaluation import Evaluator
    from proton_server.operations import Operation
    from proton_server.store import Store

_log = logging.getLogger(__name__)


class Proton:
    """The operations behind the wire.

    `engines` are the template engines that can be provisioned; `wake` is called after each request that may
    have left work.
    """

    def __init__(
        self,
        store: Store,
        authenticate: Authenticator,
        engines: Iterable[str],
        evaluate: Evaluator,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._authenticate, self._evaluate, self._wake = store, authenticate, evaluate, wake
        self._engines = frozenset(engines)

    def answer(self, request: SignedRequest) -> tuple[int, bytes, str]:
        """Status, body and id of the answer; never raises."""
        began = time.monotonic()
        request_id = str(uuid.uuid4())
        who = name = "-"
        try:
            if len(request.body) > wire.MAX_BODY_BYTES:
                message = f"The request body is larger than {wire.MAX_BODY_BYTES} bytes."
                raise RequestEntityTooLargeException(message)  # noqa: TRY301  # one place answers errors
            caller = self._authenticate(request)
            who = f"{caller.account_id} {caller.region}"
            operation = wire.operation_of(request.headers["x-amz-target"])
            name = operation.name
            function = OPERATIONS.get(xform_name(name))
            if function is None:
                message = f"{name} is an operation of AWS Proton that this server does not do yet."
                raise UnknownOperationException(message)  # noqa: TRY301  # one place answers errors
            answer = self._run(name, function, caller, wire.parse(operation, request.body))
            status, code, body = 200, "OK", wire.serialise(operation, answer)
        except ProtonError as error:
            status, code, body = error.status, error.code, wire.serialise_error(error.code, str(error))
        except Exception:  # noqa: BLE001  # a client gets an answer whatever happened
            _log.exception("request %s failed", request_id)
            fault = InternalServerException(f"The server failed to process the request {request_id}.")
            status, code, body = fault.status, fault.code, wire.serialise_error(fault.code, str(fault))
        _log.info("%s %s %s %.0fms %s", name, who, code, (time.monotonic() - began) * 1000, request_id)
        return status, body, request_id

    def _run(
        self, name: str, function: Operation, caller: Caller, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Runs an operation in a transaction, and again once what it needs to know was found out outside."""
        reads = name.startswith(("Get", "List"))
        scope = () if reads else (caller.account_id, caller.region)
        verdicts = Verdicts()
        while True:
            try:
                with (self._store.read if reads else self._store.write)(*scope) as connection:
                    rows = Rows(connection, caller.account_id, caller.region)
                    now = round(time.time(), 3)
                    call = Call(name, caller.account_id, caller.region, now, rows, self._engines, verdicts)
                    answer = function(call, parameters)
            except SpecUnchecked as asked:
                verdicts.find_out(asked, caller.account_id, self._evaluate)
            else:
                if not reads:
                    self._wake()
                return answer


def asgi_app(proton: Proton, lifespan: Lifespan[Starlette], elsewhere: ASGIApp | None = None) -> ASGIApp:
    """The whole ASGI application: Proton, `/health`, and what is elsewhere."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await _answer(proton, Request(scope, receive), elsewhere)
        await answer(scope, receive, send)

    return Starlette(routes=[Mount("/", app=dispatch)], lifespan=lifespan)


async def _answer(proton: Proton, request: Request, elsewhere: ASGIApp | None) -> ASGIApp:
    if request.headers.get("x-amz-target", "").startswith(wire.TARGET_PREFIX):
        signed = SignedRequest(
            method=request.method,
            path=request.scope["raw_path"].decode("latin1"),
            query=request.scope["query_string"].decode("latin1"),
            headers=dict(request.headers),
            body=await _body(request),
        )
        status, content, request_id = await run_in_threadpool(proton.answer, signed)
        return Response(content, status, {"x-amzn-RequestId": request_id}, wire.CONTENT_TYPE)
    # A signed one is S3's, for a bucket named "health".
    if request.url.path == "/health" and "authorization" not in request.headers:
        return PlainTextResponse("ok\n")
    if elsewhere is not None:
        return elsewhere
    unknown = UnknownOperationException(
        "This server answers AWS Proton requests, which have an X-Amz-Target header."
    )
    return Response(wire.serialise_error(unknown.code, str(unknown)), 400, None, wire.CONTENT_TYPE)


async def _body(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > wire.MAX_BODY_BYTES:
            break
    return body
