"""The HTTP face: authenticate, dispatch, run the operation in a transaction, answer.

Requests whose `X-Amz-Target` is Proton's are ours; `elsewhere`, if there is one, gets all others. Log lines
name operation, account, Region, code and time, or the key and the address of one whose signature is refused;
never a member of a request.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount

from proton_server.api import protocol, sts, wire
from proton_server.api.authentication import SignedRequest, claimed_key
from proton_server.api.authorization import authorize
from proton_server.api.regions import refuse_made_up
from proton_server.identity.access_rules import Access, needed_for
from proton_server.identity.audit import Audit, Write, record, resource_of
from proton_server.observability.logs import log_fields
from proton_server.operations import OPERATIONS, OWN_OPERATIONS
from proton_server.operations.call import Answers, Call, Capabilities, Unanswered
from proton_server.operations.errors import (
    AuthenticationError,
    InternalServerException,
    ProtonError,
    RequestEntityTooLargeException,
    UnknownOperationException,
)
from proton_server.persistence.rate_limit import RateLimit
from proton_server.persistence.store import Rows, Unavailable, WouldBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy as sa
    from botocore.model import OperationModel
    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

    from proton_server.api.authentication import Authenticator, Caller, Read
    from proton_server.api.exchange import Exchange
    from proton_server.api.health import Health
    from proton_server.engine.evaluation import Evaluator
    from proton_server.operations import Operation
    from proton_server.persistence.store import Store

_log = logging.getLogger(__name__)

_POLLED = frozenset({"GetEnvironment", "GetDeployment", "GetEnvironmentAccountConnection"})
"""What clients ask for repeatedly while they wait: each reads one row by its key, in microseconds."""
_FUNCTIONS = OPERATIONS | OWN_OPERATIONS
_SMALL_BODY_BYTES = 4096
"""Up to here a body is read, hashed and checked in less time than a thread takes to begin."""


class Proton:
    """The operations behind the wire.

    `can` is what this server can do; `wake` is called after each request that may have left work.
    """

    def __init__(
        self,
        store: Store,
        authenticate: Authenticator,
        can: Capabilities,
        evaluate: Evaluator,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._authenticate, self._can = store, authenticate, can
        self._evaluate, self._wake = evaluate, wake
        self._warnings, self._audit = RateLimit(10, seconds=60.0), Audit(store)

    def answer_without_blocking(self, request: SignedRequest) -> tuple[int, bytes, str] | None:
        """What `answer` returns, where that waits for nothing; None where it may, and needs a thread."""
        name = request.headers.get("x-amz-target", "").removeprefix(wire.TARGET_PREFIX)
        if name not in _POLLED or len(request.body) > _SMALL_BODY_BYTES:
            return None
        try:
            return self._answer(request, self._store.read_without_blocking)
        except WouldBlock:
            return None

    def answer(self, request: SignedRequest) -> tuple[int, bytes, str]:
        """Status, body and id of the answer; never raises."""
        return self._answer(request, self._store.read)

    def answer_sts(self, request: SignedRequest) -> tuple[int, bytes, str]:
        """What STS's GetCallerIdentity answers to the same callers; never raises."""
        return sts.answer(request, self._authenticate, self._store.read)

    def _answer(self, request: SignedRequest, read: Read) -> tuple[int, bytes, str]:
        request_id = str(uuid.uuid4())
        with log_fields(request_id=request_id) as fields:
            status, body = self._logged_answer(request, read, request_id, fields)
        return status, body, request_id

    def _logged_answer(
        self, request: SignedRequest, read: Read, request_id: str, fields: dict[str, Any]
    ) -> tuple[int, bytes]:
        """Status and body of the answer. What becomes known of the request is put into the log's fields."""
        began = time.monotonic()
        who = name = "-"
        level = logging.INFO
        try:
            protocol.check(request)
            if len(request.body) > wire.MAX_BODY_BYTES:
                message = f"The request body is larger than {wire.MAX_BODY_BYTES} bytes."
                raise RequestEntityTooLargeException(message)  # noqa: TRY301  # one place answers errors
            caller = self._authenticate(request, read)
            who = f"{caller.account_id} {caller.region}"
            fields.update(account=caller.account_id, region=caller.region)
            refuse_made_up(caller.region)
            operation = wire.operation_of(request.headers["x-amz-target"])
            name = fields["operation"] = operation.name
            function = _FUNCTIONS.get(xform_name(name))
            if function is None:
                message = f"{name} is an operation of AWS Proton that is not implemented."
                raise UnknownOperationException(message)  # noqa: TRY301  # one place answers errors
            answer = self._perform(operation, function, caller, request, request_id=request_id, read=read)
            status, code, body = 200, "OK", wire.serialise(operation, answer)
        except ProtonError as error:
            if isinstance(error, AuthenticationError):
                who = f"key {claimed_key(request)} from {request.client}"
                level = logging.WARNING if self._warnings.allows() else logging.INFO
            status, code, body = error.status, error.code, wire.serialise_error(error.code, str(error))
        except WouldBlock:
            raise
        except Unavailable:  # it is in the log: once, and not once for each request
            fault = InternalServerException("The server cannot use its database just now. Try again.")
            status, code, body = fault.status, fault.code, wire.serialise_error(fault.code, str(fault))
        except Exception:  # noqa: BLE001  # a client gets an answer whatever happened
            _log.exception("request %s failed", request_id)
            fault = InternalServerException(f"The server failed to process the request {request_id}.")
            status, code, body = fault.status, fault.code, wire.serialise_error(fault.code, str(fault))
        duration = (time.monotonic() - began) * 1000
        more = {"code": code, "duration_ms": round(duration, 3)}
        _log.log(level, "%s %s %s %.0fms %s", name, who, code, duration, request_id, extra=more)
        return status, body

    def _perform(  # noqa: PLR0913  # what the request is, and whose
        self,
        operation: OperationModel,
        function: Operation,
        caller: Caller,
        request: SignedRequest,
        *,
        request_id: str,
        read: Read,
    ) -> dict[str, Any]:
        """Authorizes and runs the operation; a write leaves an audit line, also a refused one."""
        name = operation.name
        if needed_for(name) is Access.READ:
            authorize(caller, name)
            return self._run(name, function, caller, wire.parse(operation, request.body), read)
        write = Write(
            caller.account_id,
            caller.principal,
            name,
            region=caller.region,
            address=request.client,
            request_id=request_id,
        )
        with self._audit.refusals_of(write):
            parameters = wire.parse(operation, request.body)
        write = replace(write, resource=resource_of(parameters))
        with self._audit.refusals_of(write):
            authorize(caller, name)
            return self._run(name, function, caller, parameters, partial(self._recorded, write))

    @contextmanager
    def _recorded(self, write: Write) -> Iterator[sa.Connection]:
        """A transaction that writes, with an audit line in it if it succeeds."""
        with self._store.write(write.account_id, write.region) as connection:
            yield connection
            record(connection, write)
        self._wake()

    def _run(
        self,
        name: str,
        function: Operation,
        caller: Caller,
        parameters: dict[str, Any],
        transaction: Read,
    ) -> dict[str, Any]:
        """Runs an operation in a transaction, and again once what it needs to know was found out outside."""
        answers = Answers()
        while True:
            try:
                with transaction() as connection:
                    rows = Rows(connection, caller.account_id, caller.region)
                    now = round(time.time(), 3)
                    call = Call(name, caller.account_id, caller.region, now, rows, self._can, answers)
                    answer = function(call, parameters)
            except Unanswered as unanswered:
                answers.find(unanswered, caller.account_id, self._evaluate)
            else:
                return answer


def asgi_app(
    proton: Proton,
    health: Health,
    lifespan: Lifespan[Starlette],
    exchange: Exchange,
    elsewhere: ASGIApp | None = None,
) -> ASGIApp:
    """The whole ASGI application: Proton, what probes ask, the exchange, and what is elsewhere."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer: ASGIApp | None
        try:
            # A signed one is S3's, for a bucket named "health".
            is_signed = "authorization" in request.headers
            answer = None if is_signed else health.response(scope["path"])
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
    answer = None if is_for_sts else proton.answer_without_blocking(signed)
    if answer is None:
        answer = await asyncio.to_thread(proton.answer_sts if is_for_sts else proton.answer, signed)
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
