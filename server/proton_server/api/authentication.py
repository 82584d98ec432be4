"""Who is calling: Signature Version 4, from access key to account.

Two authenticators, chosen at start: one verifies signatures, with the secret of a key in the database or, for
a request with a session token, of temporary credentials; the other, for `proton-server local` on a loopback
address, believes everybody. Requests without a signature reach neither operation nor database. Secrets and
signatures never go into a message or the log.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials

from proton_server.identity.access_keys import AccessKeyError, find_access_key
from proton_server.identity.access_rules import Access
from proton_server.identity.master_keys import SealError
from proton_server.identity.sessions import SessionExpired, SessionInvalid
from proton_server.operations.call import partition
from proton_server.operations.errors import (
    ExpiredTokenException,
    IncompleteSignatureException,
    InternalServerException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from proton_server.persistence.outage import LimitedWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import sqlalchemy as sa

    from proton_server.identity.master_keys import MasterKeys
    from proton_server.identity.sessions import Sessions

    Read = Callable[[], AbstractContextManager[sa.Connection]]

_HEADERS = {
    service: re.compile(
        r"AWS4-HMAC-SHA256 +"
        r"Credential=(?P<key>\w{1,128})/(?P<date>\d{8})/(?P<region>[a-z]{2}(-[a-z]+)+-\d)"
        rf"/{service}/aws4_request"
        r", *SignedHeaders=(?P<signed>[a-z0-9-]+(;[a-z0-9-]+)*), *Signature=(?P<signature>[0-9a-f]{64})",
        re.ASCII,
    )
    for service in ("proton", "sts")
}
"""The Authorization headers of each service. A signature for one is good for no other."""
_CLAIM = re.compile(r"Credential=(\w{1,128})/", re.ASCII)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_TOLERANCE_SECONDS = 300
_MUST_BE_SIGNED = {
    "proton": frozenset({"host", "x-amz-date", "x-amz-target"}),
    "sts": frozenset({"host", "x-amz-date"}),
}
_TOKEN = frozenset({"x-amz-security-token"})
"""To be signed by whoever sends it."""
_OUR_KEYS = "an access key that `proton-server keys create` made"
# AWS's words, which people search for; what they mean here follows.
_INVALID = "The security token included in the request is invalid."


@dataclass(frozen=True)
class Caller:
    """Whose request it is, for which Region, and what they may do."""

    account_id: str
    region: str
    key_id: str
    """The access key that signed."""
    principal: str
    """An ARN: of a session, whoever exchanged AWS credentials for it."""
    access: Access


@dataclass(frozen=True)
class SignedRequest:
    """What of an HTTP request a signature covers, and where it is from. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """The values of a repeated header are joined by commas, as signers do."""
    body: bytes
    repeated: frozenset[str] = frozenset()
    """The names of the headers that the request has more than once."""
    client: str = "-"
    """The address that it came from."""


class Authenticator(Protocol):
    """Says who is calling. Raises one of the protocol's errors if that cannot be said."""

    def __call__(self, request: SignedRequest, read: Read, service: str = "proton") -> Caller:
        """The caller of a service. `read` opens a transaction on the database."""


class AnyCredentials:
    """Believes every access key; `account_of` says which account it means. For loopback addresses only."""

    def __init__(self, account_of: Callable[[str], str]) -> None:
        self._account_of = account_of

    def __call__(self, request: SignedRequest, read: Read, service: str = "proton") -> Caller:
        """The caller, whatever the signature."""
        del read
        header = _authorization(request, service)
        account_id = self._account_of(header["key"])
        principal = f"arn:{partition(header['region'])}:iam::{account_id}:root"
        return Caller(account_id, header["region"], header["key"], principal, Access.WRITE)


class VerifiedCredentials:
    """Believes a signature made with the secret of a key, or of a session, within five minutes.

    A request with a session token is a session's, and one without is a key's: keys have no token. Without
    `sessions` there are none.
    """

    def __init__(
        self,
        master_keys: MasterKeys,
        sessions: Sessions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._master_keys, self._sessions, self._clock = master_keys, sessions, clock
        self._unreadable = LimitedWarning()

    def __call__(self, request: SignedRequest, read: Read, service: str = "proton") -> Caller:
        """The caller, whose signature is right."""
        header = _authorization(request, service)
        if "x-amz-security-token" in request.headers:
            return self._session_caller(request, header, service, read)
        return self._key_caller(request, header, service, read)

    def _key_caller(
        self, request: SignedRequest, header: Mapping[str, str], service: str, read: Read
    ) -> Caller:
        try:
            with read() as connection:
                key = find_access_key(connection, self._master_keys, header["key"], self._clock())
        except AccessKeyError as error:
            raise UnrecognizedClientException(f"{_INVALID} {error}: sign with {_OUR_KEYS}.") from None
        except SealError as error:
            self._unreadable.warn("The secret of the key %s cannot be decrypted: %s", header["key"], error)
            raise InternalServerException("The server cannot read the secret of this access key.") from None
        self._check_signature(request, header, service, key.secrets)
        user = f"user/proton-server/{key.id}"
        principal = f"arn:{partition(header['region'])}:iam::{key.account_id}:{user}"
        return Caller(key.account_id, header["region"], key.id, principal, Access.WRITE)

    def _session_caller(
        self, request: SignedRequest, header: Mapping[str, str], service: str, read: Read
    ) -> Caller:
        token = request.headers["x-amz-security-token"]
        found = self._sessions.find(header["key"], token) if self._sessions else None
        if self._sessions is None or found is None:
            raise UnrecognizedClientException(
                _foreign_token(header["key"], exchange=self._sessions is not None)
            )
        self._check_signature(request, header, service, [found.secret])
        session = found.session
        try:
            with read() as connection:
                access = self._sessions.access(session, header["region"], self._clock(), connection)
        except SessionExpired:
            raise ExpiredTokenException("The security token included in the request is expired") from None
        except SessionInvalid as reason:
            raise UnrecognizedClientException(f"{_INVALID} {reason}") from None
        return Caller(session.account_id, header["region"], found.key_id, session.principal, access)

    def _check_signature(
        self, request: SignedRequest, header: Mapping[str, str], service: str, secrets: Sequence[str]
    ) -> None:
        """Raises a protocol's error unless one of the secrets made the signature, just now."""
        _check_time(request, header["date"], self._clock())
        signed = header["signed"].split(";")
        if signed != sorted(set(signed)):
            message = "SignedHeaders must name each header once, in alphabetical order."
            raise InvalidSignatureException(message)
        needed = _MUST_BE_SIGNED[service] | (_TOKEN & request.headers.keys())
        if not needed.issubset(signed):
            raise InvalidSignatureException(
                f"The signature must cover the headers {', '.join(sorted(needed))}."
            )
        for secret in secrets:
            expected = _signature(
                request, signed, Credentials(header["key"], secret), header["region"], service
            )
            if hmac.compare_digest(expected, header["signature"]):
                return
        message = "The request signature we calculated does not match the signature you provided."
        raise InvalidSignatureException(f"{message} Check your AWS Secret Access Key and signing method.")


def claimed_key(request: SignedRequest) -> str:
    """The id of the access key that a request names, for the log. Nobody has checked it."""
    claim = _CLAIM.search(request.headers.get("authorization", ""))
    return claim[1] if claim else "-"


def _foreign_token(key_id: str, *, exchange: bool) -> str:
    """What is wrong with a session token that is none of this server's, and what to do."""
    if key_id.startswith("AKIA"):
        message = "Keys of this server have no session token: unset AWS_SESSION_TOKEN,"
        return f"{_INVALID} {message} and sign with {_OUR_KEYS}."
    if exchange:
        message = (
            "It is not of this server: exchange your AWS credentials, as `proton-server credentials` does"
        )
        return f"{_INVALID} {message}, or sign with {_OUR_KEYS}."
    return f"{_INVALID} This server knows no sessions: unset AWS_SESSION_TOKEN, and sign with {_OUR_KEYS}."


def _authorization(request: SignedRequest, service: str) -> Mapping[str, str]:
    if "authorization" not in request.headers:
        raise MissingAuthenticationTokenException("Request is missing Authentication Token")
    match = _HEADERS[service].fullmatch(request.headers["authorization"].strip())
    if match is None:
        message = (
            f"Authorization must be an AWS4-HMAC-SHA256 header for the service {service} and an AWS Region."
        )
        raise IncompleteSignatureException(message)
    return match.groupdict()


def _check_time(request: SignedRequest, date: str, now: float) -> None:
    try:
        text = request.headers["x-amz-date"]
        signed_at = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=timezone.utc)
    except (KeyError, ValueError):
        raise IncompleteSignatureException(
            "The request needs a header X-Amz-Date like 20260102T030405Z."
        ) from None
    if not text.startswith(date):
        raise InvalidSignatureException("The date of Credential must be that of X-Amz-Date.")
    if abs(now - signed_at.timestamp()) > _TOLERANCE_SECONDS:
        raise InvalidSignatureException("Signature expired: X-Amz-Date is more than 5 minutes from now.")


def _signature(
    request: SignedRequest, signed: list[str], credentials: Credentials, region: str, service: str
) -> str:
    """What the signature of the request would be if it was made with these credentials."""
    # The host that counts is the header, whatever it is.
    url = f"https://host{request.path}" + (f"?{request.query}" if request.query else "")
    headers = {name: request.headers.get(name, "") for name in signed}
    digest = hashlib.sha256(request.body).hexdigest()
    # The signer would take the header's word for the body.
    if headers.get("x-amz-content-sha256", digest) != digest:
        raise InvalidSignatureException("X-Amz-Content-SHA256 is not the hash of the request's body.")
    signable = AWSRequest(request.method, url, headers, request.body)
    signable.context["timestamp"] = request.headers["x-amz-date"]
    signer = _Signer(credentials, service, region)
    signature: str = signer.signature(
        signer.string_to_sign(signable, signer.canonical_request(signable)), signable
    )
    return signature


class _Signer(SigV4Auth):
    """Signs every header it is given, where botocore leaves out some that others sign, such as user-agent."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        headers: HTTPHeaders = request.headers
        return headers
