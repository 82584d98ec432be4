"""JSON over HTTP for the APIs of hosting services: a request, its response, and what an error means.

Python's own client is enough for a few small requests a minute, and uses the proxy that the environment
names. It does not follow redirects, because it would send the token to their target. No path of any service
is named here.
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
"""For a complete response; below the reconciler's lease."""
_MAX_BYTES = 10 * 1024 * 1024
"""Of a response: more than GitHub's longest list of files."""
_CHUNK_BYTES = 64 * 1024
_LONGEST_QUOTE = 300


class OutOfReachError(Exception):
    """No usable response now: too many requests, or the service failed."""


@dataclass(frozen=True)
class Response:
    """The response of a service."""

    status: int
    content: bytes

    def json(self) -> Any:
        """The JSON document in it."""
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
        token_hint: what the operator has to do when the token is not accepted.
        seconds: how long a response may take.

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
    ) -> Response:
        """The response to a request: a success, or one of the statuses to `accept`.

        Args:
            method: GET, POST, …
            path: below the base URL; percent-encoded here.
            query: the parameters of the URL; a list repeats one.
            body: bytes, or what to send as JSON.
            headers: besides those of every request.
            accept: statuses that are no errors for the caller.

        Raises HostingError for a refusal, and OutOfReachError or another OSError for what may succeed later.

        """
        # Callers choose the names of branches, and such a part may lead to another repository.
        if not {".", ".."}.isdisjoint(path.split("/")):
            raise HostingError(f"{path} contains . or .., which cannot name a branch, folder or file.")
        url = self._base_url + urllib.parse.quote(path)
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        # The scheme is the configured one.
        request = urllib.request.Request(url, body, self._headers | sent, method=method)  # noqa: S310
        call, deadline = f"{method} {path}", time.monotonic() + self._seconds
        try:
            with self._opener.open(request, timeout=self._seconds) as reply:
                return Response(reply.status, self._read(reply, call, deadline))
        except urllib.error.HTTPError as error:
            with error:
                response = Response(error.code, self._read(error, call, deadline))
            if error.code in accept:
                return response
            raise self._error(call, response, error.headers) from None

    def _read(self, reply: Any, call: str, deadline: float) -> bytes:
        """The content of a response. The timeout of the connection is for each piece of it only."""
        content = b""
        while piece := reply.read1(_CHUNK_BYTES):
            content += piece
            if len(content) > _MAX_BYTES:
                raise HostingError(
                    f"The response of {self._service} to {call} is larger than {_MAX_BYTES:,} bytes."
                )
            if time.monotonic() > deadline:
                raise OutOfReachError(
                    f"The response of {self._service} to {call} takes longer than {self._seconds} s."
                )
        if len(content) < int(reply.headers.get("Content-Length") or 0):
            raise OutOfReachError(f"The response of {self._service} to {call} is incomplete.")
        return content

    def _error(self, call: str, response: Response, headers: Message) -> Exception:
        message = f"{self._service} returned {response.status} for {call}: {_message(response)}"
        status = response.status
        # GitHub's documentation: a rate limit is 429, or 403 with one of these two headers.
        limited = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            return OutOfReachError(message)
        if status == HTTPStatus.FORBIDDEN and limited:
            return OutOfReachError(message)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return HostingError(f"{message} {self._token_hint}")
        if status == HTTPStatus.NOT_FOUND:
            return HostingError(f"{message} If it exists, the token has no access to it. {self._token_hint}")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return HostingError(f"{message} The repository was moved: link it under its present name.")
        return HostingError(message)


def _message(response: Response) -> str:
    """The service's own message, on one line."""
    try:
        document = response.json()
        message = document.get("message") or document["error"]["message"]
        errors = document.get("errors", [])
        details = [error.get("message", "") for error in errors if isinstance(error, dict)]
    except (ValueError, AttributeError, KeyError, TypeError):
        return "(no message)."
    text = " ".join(" ".join([str(message), *map(str, details)]).split())[:_LONGEST_QUOTE]
    return text if text.endswith((".", "!", "?")) else f"{text}."
