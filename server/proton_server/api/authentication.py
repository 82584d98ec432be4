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
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials

from proton_server.identity.access_keys import AccessKeyError, find_access_key
from proton_server.identity.master_keys import SealError
from proton_server.operations.call import partition
from proton_server.operations.errors import (
    IncompleteSignatureException,
    InternalServerException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from proton_server.persistence.outage import LimitedWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import sqlalchemy as sa

    from proton_server.identity.master_keys import MasterKeys

    Read = Callable[[], AbstractContextManager[sa.Connection]]

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +"
    r"Credential=(?P<key>\w{1,128})/(?P<date>\d{8})/(?P<region>[a-z]{2}(-[a-z]+)+-\d)/proton/aws4_request"
    r", *SignedHeaders=(?P<signed>[a-z0-9-]+(;[a-z0-9-]+)*), *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_CLAIM = re.compile(r"Credential=(\w{1,128})/", re.ASCII)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_TOLERANCE = timedelta(minutes=5)
_MUST_BE_SIGNED = frozenset({"host", "x-amz-date", "x-amz-target"})
_OUR_KEYS = "an access key that `proton-server keys create` made"


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and for which Region."""

    account_id: str
    region: str
    principal: str
    """The ARN of who it is, for the audit."""


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

    def __call__(self, request: SignedRequest, read: Read) -> Caller:
        """The caller. `read` opens a transaction on the database."""


class AnyCredentials:
    """Believes every access key; `account_of` says which account it means. For loopback addresses only."""

    def __init__(self, account_of: Callable[[str], str]) -> None:
        self._account_of = account_of

    def __call__(self, request: SignedRequest, read: Read) -> Caller:
        """The caller, whatever the signature."""
        del read
        header = _authorization(request)
        account = self._account_of(header["key"])
        return Caller(account, header["region"], f"arn:{partition(header['region'])}:iam::{account}:root")


class VerifiedCredentials:
    """Believes a signature made with the secret of a key in the database, within five minutes."""

    def __init__(self, master_keys: MasterKeys) -> None:
        self._master_keys, self._unreadable = master_keys, LimitedWarning()

    def __call__(self, request: SignedRequest, read: Read) -> Caller:
        """The caller, whose signature is right."""
        header = _authorization(request)
        # AWS's words, which people search for, and then what they mean here.
        invalid = "The security token included in the request is invalid."
        if "x-amz-security-token" in request.headers:
            message = f"{invalid} Keys of this server have no session token: unset AWS_SESSION_TOKEN,"
            raise UnrecognizedClientException(f"{message} and sign with {_OUR_KEYS}.")
        try:
            with read() as connection:
                key = find_access_key(connection, self._master_keys, header["key"], time.time())
        except AccessKeyError as error:
            raise UnrecognizedClientException(f"{invalid} {error}: sign with {_OUR_KEYS}.") from None
        except SealError as error:
            self._unreadable.warn("The secret of the key %s cannot be decrypted: %s", header["key"], error)
            raise InternalServerException("The server cannot read the secret of this access key.") from None
        _check_time(request, header["date"])
        signed = header["signed"].split(";")
        if signed != sorted(set(signed)):
            message = "SignedHeaders must name each header once, in alphabetical order."
            raise InvalidSignatureException(message)
        if not _MUST_BE_SIGNED.issubset(signed):
            needed = ", ".join(sorted(_MUST_BE_SIGNED))
            raise InvalidSignatureException(f"The signature must cover the headers {needed}.")
        region = header["region"]
        expected = (
            _signature(request, signed, Credentials(key.id, secret), region) for secret in key.secrets
        )
        if not any(hmac.compare_digest(one, header["signature"]) for one in expected):
            message = "The request signature we calculated does not match the signature you provided."
            raise InvalidSignatureException(f"{message} Check your AWS Secret Access Key and signing method.")
        principal = f"arn:{partition(region)}:iam::{key.account_id}:user/proton-server/{key.id}"
        return Caller(key.account_id, region, principal)


def claimed_key(request: SignedRequest) -> str:
    """The id of the access key that a request names, for the log. Nobody has checked it."""
    claim = _CLAIM.search(request.headers.get("authorization", ""))
    return claim[1] if claim else "-"


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
    # The host that counts is the header, whatever it is.
    url = f"https://host{request.path}" + (f"?{request.query}" if request.query else "")
    headers = {name: request.headers.get(name, "") for name in signed}
    digest = hashlib.sha256(request.body).hexdigest()
    # The signer would take the header's word for the body.
    if headers.get("x-amz-content-sha256", digest) != digest:
        raise InvalidSignatureException("X-Amz-Content-SHA256 is not the hash of the request's body.")
    signable = AWSRequest(request.method, url, headers, request.body)
    signable.context["timestamp"] = request.headers["x-amz-date"]
    signer = _Signer(credentials, "proton", region)
    signature: str = signer.signature(
        signer.string_to_sign(signable, signer.canonical_request(signable)), signable
    )
    return signature


class _Signer(SigV4Auth):
    """Signs every header it is given, where botocore leaves out some that others sign, such as user-agent."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        headers: HTTPHeaders = request.headers
        return headers
