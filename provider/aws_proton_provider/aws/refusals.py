"""What the API answered instead of a result, as the error that a user sees. Pure.

Everything that decides which kind of error an error code is, and what to do next, is in this file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from aws_proton_provider.core.errors import (
    AccessDenied,
    Conflict,
    NoCredentials,
    NotFound,
    ProtonError,
    Refused,
    Unavailable,
)

_LONGEST_MESSAGE = 2000
"""Characters of what a server says of an error."""

MAY_BE_DONE = "the change may have been made or not: run `pulumi up --refresh`, which checks"
"""What is known of a change without an answer."""


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A kind of error: its class, what happened where that is not the server's message alone, what to do."""

    error: type[ProtonError]
    what: str = ""
    remedy: str = ""
    remedy_of_change: str = ""


_CREDENTIALS = _Kind(
    NoCredentials, remedy="check the credentials: the access key, its secret and the session token"
)
_THROTTLED = _Kind(Unavailable, " was throttled", "run the command again")
_FAILED = _Kind(Unavailable, " failed in the Proton server", "run the command again", MAY_BE_DONE)
_DENIED = _Kind(AccessDenied, remedy="allow the caller proton:{operation}, or use other credentials")

_KINDS: Mapping[str, _Kind] = {
    "ResourceNotFoundException": _Kind(NotFound),
    "ConflictException": _Kind(Conflict),
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        _CREDENTIALS,
    ),
    **dict.fromkeys(
        ("RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"), _THROTTLED
    ),
}
"""By error code (API Reference, "Common Errors"); the HTTP status decides of any other."""

_STATUSES: Mapping[int, _Kind] = {429: _THROTTLED, **dict.fromkeys(range(500, 600), _FAILED)}

_IDENTIFYING = ("name", "id", "resourceArn", "environmentName", "templateName")
"""The members that say which object a request is about; the first one that a request has is named."""


def refusal(operation: str, members: Mapping[str, Any], error: Mapping[str, Any], status: int) -> ProtonError:
    """The error for an answer that is none of the operation's results.

    Args:
        operation: As the API names it (`GetEnvironment`).
        members: The request.
        error: `Code` and `Message`, as botocore read them.
        status: The HTTP status.

    """
    code, message = str(error.get("Code", "")), str(error.get("Message") or "")[:_LONGEST_MESSAGE]
    if "dempotent parameter mismatch" in message:
        return Conflict(message)
    kind = _KINDS.get(code) or _STATUSES.get(status) or _Kind(Refused)
    identifier = next((members[member] for member in _IDENTIFYING if member in members), None)
    title = operation if identifier is None else f"{operation} of {identifier}"
    changes = not operation.startswith(("Get", "List"))
    remedy = (kind.remedy_of_change if changes else "") or kind.remedy
    next_step = f"; {remedy.format(operation=operation)}" if remedy else ""
    return kind.error(f"{title}{kind.what}: {message} ({code}){next_step}")
