"""The HTTP face: authenticate, dispatch, run the operation in a transaction, answer.

Requests whose `X-Amz-Target` is Proton's are ours; `elsewhere`, if there is one, gets all others. Log lines
name operation, account, Region, code and time, or the key and the address of one whose signature is refused;
never a member of a request.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from proton_server.api import protocol, sts, wire
from proton_server.api.authentication import SignedRequest, claimed_key
from proton_server.api.authorization import authorize
from proton_server.api.regions import refuse_made_up
from proton_server.identity.access_rules import Access, needed_for
from proton_server.identity.audit import Audit, Write, record, resource_of
from proton_server.observability.logs import log_fields
from proton_server.observability.measures import UNMEASURED
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
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Unavailable, WouldBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy as sa
    from botocore.model import OperationModel

    from proton_server.api.authentication import Authenticator, Caller, Read
    from proton_server.engine.evaluation import Evaluator
    from proton_server.observability.measures import Measures
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

    `can` is what this server can do; `wake` is called with the operation of each request that may have left
    work; `measures` gets what becomes of requests.
    """

    def __init__(  # noqa: PLR0913  # the parts of a server
        self,
        store: Store,
        authenticate: Authenticator,
        can: Capabilities,
        evaluate: Evaluator,
        wake: Callable[[str], None],
        *,
        measures: Measures = UNMEASURED,
    ) -> None:
        self.measures = measures
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
        return sts.answer(request, self._authenticate, self._store.read, self.measures)

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
        seconds = time.monotonic() - began
        self.measures.request("other" if name == "-" else name, code, seconds)
        if _log.isEnabledFor(level):
            more = {"code": code, "duration_ms": round(seconds * 1000, 3)}
            _log.log(level, "%s %s %s %.0fms %s", name, who, code, seconds * 1000, request_id, extra=more)
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
        self._wake(write.operation)

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
