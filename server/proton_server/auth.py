"""Who is calling: Signature Version 4, from access key to account.

Two authenticators, chosen at start: one verifies signatures against the keys in the database; the other, for
`proton-server local` on a loopback address, believes everybody. Requests without a signature reach neither
operation nor database. Secrets and signatures never go into a message or the log.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from proton_server.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from proton_server.tables import access_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_server.store import Store

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +"
    r"Credential=(?P<key>\w+)/(?P<date>\d{8})/(?P<region>[a-z]{2}(-[a-z]+)+-\d)/proton/aws4_request"
    r", *SignedHeaders=(?P<signed>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_TOLERANCE = timedelta(minutes=5)
_MUST_BE_SIGNED = frozenset({"host", "x-amz-date", "x-amz-target"})


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and for which Region."""

    account_id: str
    region: str


@dataclass(frozen=True)
class SignedRequest:
    """What of an HTTP request a signature covers. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Authenticator(Protocol):
    """Says who is calling. Raises one of the protocol's errors if that cannot be said."""

    def __call__(self, request: SignedRequest) -> Caller:
        """The caller."""


class AnyCredentials:
    """Believes every access key; `account_of` says which account it means. For loopback addresses only."""

    def __init__(self, account_of: Callable[[str], str]) -> None:
        self._account_of = account_of

    def __call__(self, request: SignedRequest) -> Caller:
        """The caller, whatever the signature."""
        header = _authorization(request)
        return Caller(self._account_of(header["key"]), header["region"])


class VerifiedCredentials:
    """Believes a signature made with the secret of a key in the database, within five minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, request: SignedRequest) -> Caller:
        """The caller, whose signature is right."""
        header = _authorization(request)
        with self._store.read() as connection:
            key = connection.execute(
                sa.select(access_keys).where(access_keys.c.id == header["key"])
            ).one_or_none()
        # Keys made here have no session token, so a request with one was signed for somewhere else.
        if key is None or "x-amz-security-token" in request.headers:
            raise UnrecognizedClientException("The security token included in the request is invalid.")
        _check_time(request, header["date"])
        signed = header["signed"].split(";")
        if not _MUST_BE_SIGNED.issubset(signed):
            needed = ", ".join(sorted(_MUST_BE_SIGNED))
            raise InvalidSignatureException(f"The signature must cover the headers {needed}.")
        expected = _signature(request, signed, Credentials(key.id, key.secret), header["region"])
        if not hmac.compare_digest(expected, header["signature"]):
            message = "The request signature we calculated does not match the signature you provided."
            raise InvalidSignatureException(f"{message} Check your AWS Secret Access Key and signing method.")
        return Caller(key.account_id, header["region"])


def create_access_key(store: Store, account_id: str) -> tuple[str, str]:
    """Makes a key for an account and stores it. Returns id and secret, which is shown to nobody again."""
    alphabet = string.ascii_uppercase + "234567"
    key_id = "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    secret = secrets.token_urlsafe(30)
    with store.write() as connection:
        connection.execute(sa.insert(access_keys).values(id=key_id, secret=secret, account_id=account_id))
    return key_id, secret


def _authorization(request: SignedRequest) -> Mapping[str, str]:
    if "authorization" not in request.headers:
        raise MissingAuthenticationTokenException("Request is missing Authentication Token")
    match = _HEADER.fullmatch(request.headers["authorization"].strip())
    if match is None:
        message = "Authorization must be an AWS4-HMAC-SHA256 header for the service proton and an AWS Region."
        raise IncompleteSignatureException(message)
    return match.groupdict()


def _check_time(request: SignedRequest, date: str) -> None:
    try:
        text = request.headers["x-amz-date"]
        signed_at = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=timezone.utc)
    except (KeyError, ValueError):
        raise IncompleteSignatureException(
            "The request needs a header X-Amz-Date like 20260102T030405Z."
        ) from None
    if not text.startswith(date):
        raise InvalidSignatureException("The date of Credential must be that of X-Amz-Date.")
    if abs(datetime.now(timezone.utc) - signed_at) > _TOLERANCE:
        raise InvalidSignatureException("Signature expired: X-Amz-Date is more than 5 minutes from now.")


def _signature(request: SignedRequest, signed: list[str], credentials: Credentials, region: str) -> str:
    """What the signature of the request would be if it was made with these credentials."""
    url = f"https://{request.headers['host']}{request.path}" + (f"?{request.query}" if request.query else "")
    headers = {name: request.headers.get(name, "") for name in signed}
    digest = hashlib.sha256(request.body).hexdigest()
    # The signer would take the header's word for the body.
    if headers.get("x-amz-content-sha256", digest) != digest:
        raise InvalidSignatureException("X-Amz-Content-SHA256 is not the hash of the request's body.")
    signable = AWSRequest(request.method, url, headers, request.body)
    signable.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(credentials, "proton", region)
    signature: str = signer.signature(
        signer.string_to_sign(signable, signer.canonical_request(signable)), signable
    )
    return signature
