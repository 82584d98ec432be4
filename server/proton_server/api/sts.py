"""STS's GetCallerIdentity for whoever may call this server: programs that ask STS need no other endpoint.

It needs no permission, as AWS's does not, and there is no other action. The signature is one for the service
`sts`, which is good for nothing else here, as one for `proton` is not good for this.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from proton_server.api import protocol
from proton_server.api.regions import refuse_made_up
from proton_server.observability.logs import log_fields
from proton_server.observability.measures import UNMEASURED
from proton_server.operations.errors import (
    InternalServerException,
    ProtonError,
    RequestEntityTooLargeException,
    UnknownOperationException,
)
from proton_server.persistence.store import Unavailable

if TYPE_CHECKING:
    from proton_server.api.authentication import Authenticator, Caller, Read, SignedRequest
    from proton_server.observability.measures import Measures

_log = logging.getLogger(__name__)

CONTENT_TYPE = "text/xml"
_SCOPE = "/sts/aws4_request"
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_MAX_BODY_BYTES = 4096
_CODES = {
    "MissingAuthenticationTokenException": (403, "MissingAuthenticationToken"),
    "IncompleteSignatureException": (400, "IncompleteSignature"),
    "UnrecognizedClientException": (403, "InvalidClientTokenId"),
    "InvalidSignatureException": (403, "SignatureDoesNotMatch"),
    "ExpiredTokenException": (403, "ExpiredToken"),
    "MalformedHttpRequestException": (400, "MalformedHttpRequest"),
    "RequestEntityTooLargeException": (413, "RequestEntityTooLarge"),
    "UnknownOperationException": (400, "InvalidAction"),
    "InternalServerException": (500, "InternalFailure"),
}
"""Our error → the status and the code of STS's, which speaks an older protocol."""


def is_for_sts(request: SignedRequest) -> bool:
    """Whether a request says that it is for STS, and is not Proton's by its target."""
    headers = request.headers
    return "x-amz-target" not in headers and _SCOPE in headers.get("authorization", "")


def answer(
    request: SignedRequest, authenticate: Authenticator, read: Read, measures: Measures = UNMEASURED
) -> tuple[int, bytes, str]:
    """Status, body and id of the answer; never raises."""
    request_id = str(uuid.uuid4())
    with log_fields(request_id=request_id, operation="GetCallerIdentity") as fields:
        began = time.monotonic()
        status, code, body = _answer(request, authenticate, read, request_id, fields)
        measures.request("GetCallerIdentity", code, time.monotonic() - began)
    return status, body, request_id


def _answer(
    request: SignedRequest, authenticate: Authenticator, read: Read, request_id: str, fields: dict[str, Any]
) -> tuple[int, str, bytes]:
    who = "-"
    try:
        caller = _caller(request, authenticate, read)
        who = caller.principal
        fields.update(account=caller.account_id, region=caller.region)
        status, code, body = 200, "OK", _identity(caller, request_id)
    except ProtonError as error:
        status, code, body = _error(error, request_id)
    except Unavailable:
        fault = InternalServerException("The server cannot use its database just now. Try again.")
        status, code, body = _error(fault, request_id)
    except Exception:  # noqa: BLE001  # a client gets an answer whatever happened
        _log.exception("request %s failed", request_id)
        fault = InternalServerException(f"The server failed to process the request {request_id}.")
        status, code, body = _error(fault, request_id)
    line = "sts:GetCallerIdentity %s from %s %s %s"
    _log.info(line, who, request.client, code, request_id, extra={"code": code})
    return status, code, body


def _caller(request: SignedRequest, authenticate: Authenticator, read: Read) -> Caller:
    protocol.check_transport(request)
    if len(request.body) > _MAX_BODY_BYTES:
        raise RequestEntityTooLargeException(f"The request body is larger than {_MAX_BODY_BYTES} bytes.")
    caller = authenticate(request, read, "sts")
    refuse_made_up(caller.region)
    form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    actions = [value for name, value in form if name == "Action"]
    if actions != ["GetCallerIdentity"]:
        raise UnknownOperationException(
            "This server answers GetCallerIdentity and no other action of STS. For others, set the endpoint "
            "of Proton only, with AWS_ENDPOINT_URL_PROTON, or that of STS with AWS_ENDPOINT_URL_STS."
        )
    return caller


def _identity(caller: Caller, request_id: str) -> bytes:
    members = (("Arn", caller.principal), ("UserId", caller.key_id), ("Account", caller.account_id))
    result = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members)
    return (
        f'<GetCallerIdentityResponse xmlns="{_NAMESPACE}"><GetCallerIdentityResult>{result}'
        f"</GetCallerIdentityResult><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    ).encode()


def _error(error: ProtonError, request_id: str) -> tuple[int, str, bytes]:
    status, code = _CODES.get(error.code, (error.status, error.code))
    kind = "Sender" if status < 500 else "Receiver"
    return (
        status,
        code,
        (
            f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{kind}</Type><Code>{code}</Code>'
            f"<Message>{escape(str(error))}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ).encode(),
    )
