"""How long an answer may take and how large it may be.

botocore bounds neither: its timeouts are each for one read of the socket, and it reads whatever comes.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import contextvars
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

from aws_proton_provider.core.errors import Unreachable

CALL_SECONDS = 120.0
"""Of one call, with all that is repeated of it."""

LISTING_SECONDS = 1200.0
"""Of all pages of a listing."""

LARGEST = 16 * 1024 * 1024
"""Bytes of one answer. A page of 100 environments with the longest of everything has a hundredth of that."""

_ENDS = contextvars.ContextVar("_ENDS", default=math.inf)
"""When the call in progress has to have ended, by the monotonic clock."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked inside has ended after `seconds`, and no later than where it is inside another such."""
    before = _ENDS.set(min(_ENDS.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ENDS.reset(before)


class BoundedSession:
    """A botocore HTTP session (`URLLib3Session`) whose answers have an end.

    An answer that the connection's loss cut off is handed on as far as it came, as botocore does itself with
    one that is shorter than it says: whoever needs what is missing sees it.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """The answer to a prepared request.

        Raises:
            Unreachable: it took too long or was too large; botocore repeats nothing after that.
            HTTPClientError, ConnectionError: of botocore, which repeats them.

        """
        # Of all the ways to be slow (names, TLS, the head, the body) only waiting elsewhere bounds every one.
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
        request.stream_output = True
        reader = threading.Thread(target=self._read, args=(request, answer), name="answer", daemon=True)
        reader.start()
        ends = min(_ENDS.get(), time.monotonic() + CALL_SECONDS)
        concurrent.futures.wait([answer], max(0.0, ends - time.monotonic()))
        if not answer.done():
            raise Unreachable(
                f"the server at {request.url} did not answer completely in time ({CALL_SECONDS:g} s for a "
                f"call, {LISTING_SECONDS:g} s for a listing): check the endpoint, and whether the server is "
                "overloaded"
            )
        return answer.result()

    def close(self) -> None:
        """Lets go of the connections."""
        self._session.close()

    def _read(self, request: Any, answer: concurrent.futures.Future[Any]) -> None:
        try:
            response = self._session.send(request)
            response.raw = _Received(_body(response.raw, request.url))
            answer.set_result(response)
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            answer.set_exception(error)


class _Received:
    """A body that was read already, as `AWSResponse.raw`."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


def _body(raw: Any, url: str) -> bytes:
    body = bytearray()
    try:
        for piece in raw.stream():
            body += piece
            if len(body) > LARGEST:
                break
    except Exception:  # noqa: BLE001, S110 - of urllib3, http.client or a socket: cut off
        pass
    if len(body) > LARGEST:
        raw.close()
        raise Unreachable(
            f"the server at {url} sent an answer of more than {LARGEST // 2**20} MB, more than AWS Proton "
            "ever sends: check the endpoint"
        )
    return bytes(body)
