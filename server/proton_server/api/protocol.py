"""What AWS JSON 1.0 asks of the HTTP request around the document. Pure.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proton_server.api import wire
from proton_server.operations.errors import MalformedHttpRequestException, UnknownOperationException

if TYPE_CHECKING:
    from proton_server.api.authentication import SignedRequest

_HOST = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d*)?", re.ASCII)
_ONCE = frozenset({"authorization", "content-length", "content-type", "host", "transfer-encoding"})
"""Headers whose repetition lets a proxy and a server read two requests in one. So do all of `x-amz-`."""


def check(request: SignedRequest) -> None:
    """Raises UnknownOperationException (not for Proton) and MalformedHttpRequestException."""
    headers = request.headers
    if not wire.names_proton(headers.get("x-amz-target", "")):
        message = "This server answers AWS Proton requests, which have an X-Amz-Target header."
        raise UnknownOperationException(message)
    check_transport(request)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # A web page can send the types of forms to any server, unasked.
    if media_type != wire.CONTENT_TYPE:
        raise MalformedHttpRequestException(f"The Content-Type of a request is {wire.CONTENT_TYPE}.")


def check_transport(request: SignedRequest) -> None:
    """Raises MalformedHttpRequestException for what no signed request may be, for whichever service."""
    repeated = sorted(name for name in request.repeated if name in _ONCE or name.startswith("x-amz-"))
    for wrong, message in (
        (repeated, f"The request has more than one header {', '.join(repeated)}."),
        (is_ambiguous(request), "A request has Content-Length or Transfer-Encoding, not both."),
        (
            not _HOST.fullmatch(request.headers.get("host", "")),
            "The request needs a header Host with a host's name.",
        ),
        (request.method != "POST", f"Operations are called by POST, not {request.method[:20]}."),
    ):
        if wrong:
            raise MalformedHttpRequestException(message)


def is_ambiguous(request: SignedRequest) -> bool:
    """Whether a proxy may see another end of the request than we do: then its connection must be closed."""
    return {"content-length", "transfer-encoding"} <= request.headers.keys()
