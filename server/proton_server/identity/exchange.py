"""The signed request of STS's GetCallerIdentity that a client hands over: read and checked. Pure.

The client proves who it is with a request that only its AWS credentials can sign and that AWS's STS answers
with their account and principal. It sends the headers of that request; all else of it is the server's, and so
is the host, which is only compared. What is sent on is what was read here: the headers of the table below,
each once. How others do the same: HashiCorp Vault's AWS auth method, and aws-iam-authenticator.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from proton_server.identity.refusals import ExchangeRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_BYTES = 64 * 1024
"""Of the document that a client sends. A session token of AWS has some 2,000 characters."""
BODY = "Action=GetCallerIdentity&Version=2011-06-15"
"""The body of every request that is sent on."""
WINDOW_SECONDS = 300
"""How far the date of a signature may be from now."""

_NEEDED = frozenset({"authorization", "content-type", "host", "x-amz-date", "x-proton-audience"})
_TOKEN = "x-amz-security-token"  # noqa: S105  # a header's name
_FORMS = frozenset({"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"})
"""What STS reads `BODY` as a form for."""
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_VALUE = re.compile(r"[!-~]+( [!-~]+)*", re.ASCII)
"""Visible ASCII with single spaces inside: what every signer and every server reads alike."""
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 "
    r"Credential=(?P<key_id>\w{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,32})/sts/aws4_request"
    r", ?SignedHeaders=(?P<signed>[a-z0-9;-]{1,256}), ?Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


@dataclass(frozen=True)
class IdentityRequest:
    """A request of GetCallerIdentity whose form is right. Whose it is, only STS can say."""

    headers: Mapping[str, str]
    """What is sent on, by names in lower case."""
    key_id: str
    region: str
    signature: str
    signed_at: float
    """In epoch seconds."""

    @property
    def token(self) -> str | None:
        """The session token of temporary credentials."""
        return self.headers.get(_TOKEN)

    @property
    def digest(self) -> str:
        """What the signature is remembered by, since it is taken once."""
        return hashlib.sha256(self.signature.encode()).hexdigest()


def read(content: bytes) -> IdentityRequest:
    """The request in the document that a client sent: `{"headers": [[name, value], …], "body": "…"}`.

    Raises ExchangeRefused for everything that is not exactly as STS and this server need it.
    """
    if len(content) > MAX_BYTES:
        raise _invalid(f"The document is larger than {MAX_BYTES} bytes.")
    document = _decoded(content)
    if not isinstance(document, dict) or document.keys() != {"headers", "body"}:
        raise _invalid('The document must be a JSON object with the members "headers" and "body" only.')
    if document["body"] != BODY:
        raise _invalid(f"The body must be exactly {BODY}.")
    headers = _headers(document["headers"])
    if headers["content-type"].lower() not in _FORMS:
        raise _invalid("The header Content-Type must be application/x-www-form-urlencoded; charset=utf-8.")
    match = _AUTHORIZATION.fullmatch(headers["authorization"])
    if match is None:
        raise _invalid(
            "The header Authorization must be a signature AWS4-HMAC-SHA256 for the service sts; presigned "
            "URLs and other algorithms are not taken."
        )
    if match["signed"].split(";") != sorted(headers.keys() - {"authorization"}):
        raise _invalid("SignedHeaders must name every header but Authorization once, in alphabetical order.")
    signed_at = _time(headers["x-amz-date"])
    if not headers["x-amz-date"].startswith(match["date"]):
        raise _invalid("The date of Credential must be that of X-Amz-Date.")
    return IdentityRequest(headers, match["key_id"], match["region"], match["signature"], signed_at)


def check_time(request: IdentityRequest, now: float) -> None:
    """Raises ExchangeRefused unless the request was signed within five minutes of now."""
    if abs(now - request.signed_at) > WINDOW_SECONDS:
        message = "The signature expired: X-Amz-Date is more than 5 minutes from the server's time."
        raise ExchangeRefused("SignatureExpired", f"{message} Compare the clocks of both machines.")


def check_audience(request: IdentityRequest, origin: str) -> None:
    """Raises ExchangeRefused unless the request was signed for the server with this origin.

    Behind a `#` there may be random characters, since SigV4 gives one signature for all of a second.
    """
    audience, mark, nonce = request.headers["x-proton-audience"].partition("#")
    if mark and not _NONCE.fullmatch(nonce):
        raise _invalid("Behind the # of X-Proton-Audience must be 16 to 64 letters, digits, - or _.")
    if audience != origin:
        message = "X-Proton-Audience is the URL of another server."
        raise ExchangeRefused("InvalidAudience", f"{message} This one is called at {origin} (--public-url).")


def check_host(request: IdentityRequest, hosts: Collection[str]) -> None:
    """Raises ExchangeRefused unless the request was signed for one of these hosts."""
    if request.headers["host"] not in hosts:
        message = "The header Host is not a host of STS in the Region that the signature names."
        raise _invalid(f"{message} It must be {' or '.join(sorted(hosts))}." if hosts else message)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content.decode(), object_pairs_hook=_object)
    except (ValueError, RecursionError):
        message = "The document must be JSON in UTF-8, and no member of an object may be there twice."
        raise _invalid(message) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _headers(pairs: Any) -> dict[str, str]:
    """The headers by their names in lower case: all that are needed, and no others."""
    headers: dict[str, str] = {}
    for pair in pairs if isinstance(pairs, list) else [None]:
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            raise _invalid("The headers must be a list of pairs of texts: a name and a value.")
        name, value = pair[0].lower(), pair[1]
        if not _NAME.fullmatch(pair[0]):
            raise _invalid("The name of a header must be letters, digits and hyphens.")
        if name not in _NEEDED and name != _TOKEN:
            raise _invalid(f"The header {name} is not sent on to STS: leave it out.")
        if name in headers:
            raise _invalid(f"The header {name} is there more than once.")
        if not _VALUE.fullmatch(value):
            raise _invalid(f"The header {name} must be visible ASCII characters, with single spaces between.")
        headers[name] = value
    if missing := sorted(_NEEDED - headers.keys()):
        raise _invalid(f"The header {missing[0]} is missing.")
    return headers


def _time(text: str) -> float:
    try:
        # strptime takes other ways of writing it, too.
        written = text if _TIME.fullmatch(text) else ""
        return datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise _invalid("The header X-Amz-Date must be a time like 20260102T030405Z.") from None


def _invalid(message: str) -> ExchangeRefused:
    return ExchangeRefused("InvalidRequest", message)
