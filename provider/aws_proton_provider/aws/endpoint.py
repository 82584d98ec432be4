"""The Proton server's own two requests beside the API: whether it takes AWS credentials, and the exchange.

A signed GetCallerIdentity request goes to the server, which has AWS's STS answer it, and what comes back are
temporary credentials for this server (docs/decisions/0015). Nothing that a server answers decides where else
a request goes: the audience is the URL that is called, and no redirect is followed.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import botocore.awsrequest
import botocore.exceptions

from aws_proton_provider.aws.transport import BoundedSession
from aws_proton_provider.core.errors import NoCredentials, ProtonError, Unavailable, Unreachable

DISCOVERY, EXCHANGE = "/.well-known/proton-server", "/credentials"

_LARGEST = 64 * 1024
"""Bytes of an answer."""

_AGAIN = (429, 500, 502, 503, 504)
"""Statuses after which it is asked again, as botocore does."""

_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
"""Seconds before it is asked again: the first time where the server names none, and at most."""

_OWN = ("OwnCredentials", "OwnSession")
"""Why a server takes no credentials that are its own: Proton's requests are signed with them as they are."""

Identity = Callable[[], bytes]
"""Makes a signed GetCallerIdentity request, a new one each time, since a server takes each once."""


@dataclasses.dataclass(frozen=True)
class Grant:
    """Temporary credentials of a server, and whose they are. `expires` is ISO 8601."""

    access_key_id: str
    secret_access_key: str = dataclasses.field(repr=False)
    session_token: str = dataclasses.field(repr=False)
    expires: str
    account: str


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A Proton server by its URL, and the connections to it."""

    url: str
    http: BoundedSession
    repetitions: int

    @property
    def origin(self) -> str:
        """`https://proton.example.com`: without a port that is the scheme's, and without a path."""
        parts = urllib.parse.urlsplit(self.url)
        host = _host(parts.hostname or "")
        port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}"

    def takes_aws_credentials(self) -> bool:
        """Whether the server offers the exchange.

        Raises:
            Unreachable: it does not say so: a server without the exchange answers that there is no such page.

        """
        response = self._answer("GET", DISCOVERY, lambda: None)
        document = _document(response)
        if response.status_code == 200 and isinstance(document, dict):
            path = document.get("exchange", "")
            if path in (None, EXCHANGE):
                return path is not None
        elif response.status_code in (404, 405, 501) or _is_refusal_of_aws(response.status_code, document):
            return False
        raise Unreachable(
            f"the server at {self.origin} answered GET {DISCOVERY}, which says whether it takes AWS "
            f"credentials, with {_kind(response)}: check the endpoint, and that the server runs"
        )

    def require_confidential(self) -> None:
        """Makes sure that nobody on the way reads what the server gives out: TLS, or this machine.

        Raises:
            Unreachable: it is neither.

        """
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise Unreachable(
                f"the Proton server at {self.origin} takes AWS credentials, but only over TLS: use its https "
                "URL as the endpoint"
            )

    def exchange(self, identity: Identity) -> Grant | None:
        """The server's credentials for who signed; None where that are credentials of the server's own.

        Raises:
            NoCredentials: it does not take them.
            Unavailable: it cannot say now.
            Unreachable: it does not answer, or with something else.

        """
        response = self._answer("POST", EXCHANGE, identity)
        document = _document(response)
        status = response.status_code
        if isinstance(document, dict):
            if status == 200:
                return self._grant(document)
            code, message = document.get("code"), document.get("message")
            if isinstance(code, str) and isinstance(message, str):
                if status == 400 and code in _OWN:
                    return None
                kind = Unavailable if status in _AGAIN else NoCredentials
                raise kind(
                    f"the Proton server at {self.origin} does not take the AWS credentials: "
                    f"{message[:2000]} ({code[:100]})"
                )
        raise self._no_answer(_kind(response))

    def _grant(self, document: dict[str, Any]) -> Grant:
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Account")
        values = [document.get(name) for name in names]
        missing = [name for name, value in zip(names, values, strict=True) if not isinstance(value, str)]
        if missing:
            raise self._no_answer(f"credentials without {missing[0]}")
        return Grant(*values)  # type: ignore[arg-type]

    def _no_answer(self, what: str) -> ProtonError:
        return Unreachable(
            f"the server at {self.origin} answered POST {EXCHANGE}, which exchanges AWS credentials, with "
            f"{what}: check the endpoint, and that the server runs"
        )

    def _answer(self, method: str, path: str, body: Callable[[], bytes | None]) -> Any:
        """The last of as many answers as it takes."""
        headers = {"Accept": "application/json", "User-Agent": "pulumi-aws-proton"}
        headers |= {"Content-Type": "application/json"} if method == "POST" else {}
        repetition = 0
        while True:
            is_last = repetition >= self.repetitions
            request = botocore.awsrequest.AWSRequest(method, self.origin + path, headers, body())
            wanted = 0.0
            try:
                response = self.http.send(request.prepare())
            except botocore.exceptions.BotoCoreError as error:
                if is_last:
                    raise Unreachable(f"no answer from the Proton server at {self.origin}: {error}") from None
            else:
                if is_last or response.status_code not in _AGAIN:
                    return response
                wanted = _seconds(response.headers.get("Retry-After", ""))
            time.sleep(min(max(_PAUSE * 2**repetition, wanted), _LONGEST_PAUSE))
            repetition += 1


def _document(response: Any) -> Any:
    """The JSON that a server answered; None where it is none."""
    if "json" not in response.headers.get("Content-Type", "") or len(response.content) > _LARGEST:
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _is_refusal_of_aws(status: int, document: Any) -> bool:
    """Whether it is what a Proton server from before the exchange answers to a request without signature."""
    return status == 400 and isinstance(document, dict) and "__type" in document


def _kind(response: Any) -> str:
    kind = response.headers.get("Content-Type", "").partition(";")[0][:80] or "something untyped"
    return f"{'a redirect' if 300 <= response.status_code < 400 else kind} (status {response.status_code})"


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _host(name: str) -> str:
    """A host as the server writes it that compares: IDNA's ASCII form, IPv6 short and in brackets."""
    if ":" in name:
        return f"[{ipaddress.IPv6Address(name)}]"
    return name.encode("idna").decode("ascii")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
