"""The JSON-over-HTTP side of a hosting service: one request, one answer, and what a refusal means.

Python's own client does: a handful of small requests a minute, through the proxy that the environment names.
It follows no redirect, for it would take the token along to wherever that leads. No path of any service is
named here.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from proton_server.provisioning.git_hosting import HostingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.message import Message

_TIMEOUT_SECONDS = 9
"""For a whole answer, and below the reconciler's lease."""
_MAX_BYTES = 10 * 1024 * 1024
"""Of an answer: more than GitHub's longest list of files."""
_CHUNK_BYTES = 64 * 1024
_LONGEST_QUOTE = 300


class OutOfReachError(Exception):
    """No usable answer for now: too many requests, or a fault of the service."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content: bytes

    def json(self) -> Any:
        """The document in it."""
        return json.loads(self.content)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Http:
    """A service at a base URL.

    Args:
        service: its name, for messages.
        base_url: of its API, without a slash at the end.
        headers: sent with each request; what is secret in them appears in no message.
        token_hint: what a person has to do when the token is not accepted.
        seconds: how long an answer may take.

    """

    def __init__(
        self,
        service: str,
        base_url: str,
        headers: Mapping[str, str],
        token_hint: str,
        seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._service, self._base_url, self._token_hint = service, base_url, token_hint
        self._seconds = seconds
        self._headers = {"User-Agent": "proton-server", **headers}
        self._opener = urllib.request.build_opener(_NoRedirect)

    def call(  # noqa: PLR0913  # as many as HTTP has
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Sequence[str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """The answer to a request: a success, or one of the statuses to `accept`.

        Args:
            method: GET, POST, …
            path: below the base URL; percent-encoded here.
            query: the parameters of the URL; a list repeats one.
            body: bytes, or what to send as JSON.
            headers: besides those of every request.
            accept: statuses that are no fault to the caller.

        Raises HostingError for a refusal and OutOfReachError, or another OSError, for what may pass.

        """
        # A branch is called what a caller says, and such a part may lead a service to another repository.
        if not {".", ".."}.isdisjoint(path.split("/")):
            raise HostingError(f"{path} has a part that no branch, folder or file can have: . or ..")
        url = self._base_url + urllib.parse.quote(path)
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        # The scheme is the configured one.
        request = urllib.request.Request(url, body, self._headers | sent, method=method)  # noqa: S310
        asked, deadline = f"{method} {path}", time.monotonic() + self._seconds
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                return Answer(response.status, self._read(response, asked, deadline))
        except urllib.error.HTTPError as error:
            with error:
                answer = Answer(error.code, self._read(error, asked, deadline))
            if error.code in accept:
                return answer
            raise self._fault(asked, answer, error.headers) from None

    def _read(self, response: Any, asked: str, deadline: float) -> bytes:
        """The content of an answer. The timeout of the connection is for each piece of it only."""
        content = b""
        while piece := response.read1(_CHUNK_BYTES):
            content += piece
            if len(content) > _MAX_BYTES:
                raise HostingError(
                    f"{self._service}'s answer to {asked} is larger than {_MAX_BYTES:,} bytes."
                )
            if time.monotonic() > deadline:
                raise OutOfReachError(
                    f"{self._service}'s answer to {asked} takes longer than {self._seconds} s."
                )
        if len(content) < int(response.headers.get("Content-Length") or 0):
            raise OutOfReachError(f"{self._service}'s answer to {asked} breaks off.")
        return content

    def _fault(self, call: str, answer: Answer, headers: Message) -> Exception:
        words = f"{self._service} answers {answer.status} to {call}: {_quote(answer)}"
        status = answer.status
        # GitHub's documentation: a rate limit is 429, or 403 with one of these two headers.
        limited = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            return OutOfReachError(words)
        if status == HTTPStatus.FORBIDDEN and limited:
            return OutOfReachError(words)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return HostingError(f"{words} {self._token_hint}")
        if status == HTTPStatus.NOT_FOUND:
            return HostingError(f"{words} If it exists, the token may not see it. {self._token_hint}")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return HostingError(f"{words} It has moved: link the repository under its present name.")
        return HostingError(words)


def _quote(answer: Answer) -> str:
    """The service's own words, on one line."""
    try:
        document = answer.json()
        told = document.get("message") or document["error"]["message"]
        errors = document.get("errors", [])
        details = [error.get("message", "") for error in errors if isinstance(error, dict)]
    except (ValueError, AttributeError, KeyError, TypeError):
        return "(no message)."
    words = " ".join(" ".join([str(told), *map(str, details)]).split())[:_LONGEST_QUOTE]
    return words if words.endswith((".", "!", "?")) else f"{words}."
