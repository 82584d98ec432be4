"""The exchange's HTTP face: what a server offers, and `POST /credentials`.

Neither is part of AWS's API. Each refusal is a JSON object with a code and one sentence.
"""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from proton_server.identity.exchange import MAX_BYTES
from proton_server.identity.refusals import ExchangeRefused
from proton_server.observability.logs import log_fields
from proton_server.observability.measures import UNMEASURED
from proton_server.persistence.store import Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from proton_server.identity.issuer import Issuer
    from proton_server.identity.session_tokens import TemporaryCredentials
    from proton_server.observability.measures import Measures

_log = logging.getLogger(__name__)

DISCOVERY_PATH, PATH = "/.well-known/proton-server", "/credentials"
_CALLS_TO_STS = 16
"""At a time. Each has a thread of its own, so that a slow STS holds up no request of Proton."""
_WAITING = 64
_ONCE = ("content-type", "content-length", "host", "transfer-encoding")
_NOT_STORED = {"Cache-Control": "no-store"}


class Exchange:
    """What is asked of the server besides AWS's API. Without an issuer it offers no exchange."""

    def __init__(self, issuer: Issuer | None = None, measures: Measures = UNMEASURED) -> None:
        self._issuer, self._measures = issuer, measures
        self._threads = ThreadPoolExecutor(_CALLS_TO_STS, thread_name_prefix="exchange")
        self._waiting = 0

    async def answer(self, request: Request, address: str) -> Response | None:
        """The response; None for a request that is for something else."""
        path = request.scope["path"]
        if path == DISCOVERY_PATH and request.method == "GET" and not _is_signed(request):
            return _json(200, {"exchange": PATH if self._issuer else None})
        if path != PATH or self._issuer is None:
            return None
        try:
            _check_http(request)
            with log_fields(request_id=str(uuid.uuid4()), operation="exchange"):
                credentials = await self._credentials(self._issuer, await _content(request), address)
        except ExchangeRefused as refusal:
            self._measures.exchange(refusal.code)
            response = _refused(refusal)
            if _is_ambiguous(request):
                response.headers["Connection"] = "close"
            return response
        self._measures.exchange("OK")
        return _json(200, _shown(credentials))

    async def _credentials(self, issuer: Issuer, content: bytes, address: str) -> TemporaryCredentials:
        if self._waiting >= _WAITING:
            raise ExchangeRefused(
                "Busy", "There are too many exchanges just now. Try again.", retry_after=1.0
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            within = copy_context().run  # else the thread would not know which request it is for
            return await loop.run_in_executor(self._threads, within, issuer.credentials, content, address)
        except ExchangeRefused:
            raise
        except Unavailable:
            message = "The server cannot use its database just now. Try again."
            raise ExchangeRefused("ServerUnavailable", message, retry_after=1.0) from None
        except Exception:  # noqa: BLE001  # a client gets an answer whatever happened
            _log.exception("An exchange from %s failed", address)
            raise ExchangeRefused("ServerFailure", "The server failed; its log says why.") from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Takes no more exchanges."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_signed(request: Request) -> bool:
    """Whether it may be for S3, in whose buckets any path may be."""
    return "authorization" in request.headers or bool(request.scope["query_string"])


def _check_http(request: Request) -> None:
    names = [name.decode("latin-1").lower() for name, _ in request.headers.raw]
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    for wrong, code, message in (
        (request.method != "POST", "MethodNotAllowed", "Credentials are exchanged by POST."),
        (request.scope["query_string"], "InvalidRequest", f"The URL must end with {PATH}, without a query."),
        (
            any(names.count(name) > 1 for name in _ONCE) or _is_ambiguous(request),
            "InvalidRequest",
            "The request has a header more than once, or both Content-Length and Transfer-Encoding.",
        ),
        # A web page can send the types of forms to any server, unasked.
        (media_type != "application/json", "InvalidRequest", "The Content-Type must be application/json."),
    ):
        if wrong:
            raise ExchangeRefused(code, message)


async def _content(request: Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            break
    return content


def _shown(credentials: TemporaryCredentials) -> dict[str, Any]:
    expires = datetime.fromtimestamp(credentials.session.expires, timezone.utc)
    return {
        "AccessKeyId": credentials.key_id,
        "SecretAccessKey": credentials.secret,
        "SessionToken": credentials.token,
        "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        "Account": credentials.session.account_id,
        "Arn": credentials.session.principal,
    }


def _is_ambiguous(request: Request) -> bool:
    """Whether a proxy may see another end of the request than we do: then its connection must be closed."""
    return {"content-length", "transfer-encoding"} <= set(request.headers.keys())


def _refused(refusal: ExchangeRefused) -> Response:
    response = _json(refusal.status, {"code": refusal.code, "message": str(refusal)})
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after)))
    return response


def _json(status: int, document: dict[str, Any]) -> Response:
    return JSONResponse(document, status, _NOT_STORED)
