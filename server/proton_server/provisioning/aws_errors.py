"""What an error of AWS means for a deployment: it has failed, or the same call may succeed later.

A deployment does not fail because the server has no valid credentials or cannot reach AWS: a stack that was
started is still in progress meanwhile, and people can correct the cause.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's name
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
)

from proton_server.provisioning import Progress, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton_server.provisioning import Work

_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""Codes of errors that are about the server's credentials, not about the call."""
_TRY_AGAIN = frozenset(
    {
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_THROTTLED = _TRY_AGAIN - {
    "OperationAborted",
    "PriorRequestNotComplete",
    "RequestTimeout",
    "RequestTimeoutException",
}
_VALUE = re.compile(r", value: .*")


Verbs = TypeVar("Verbs")


def call_outcome(code: str | None) -> str:
    """What the metrics call the end of a call: by the code of its error, `OK`, or None without a response."""
    if code is None:
        return "unreachable"
    if code in _THROTTLED:
        return "throttled"
    return "OK" if code == "OK" else "error"


def temporary_error(error: ClientError | BotoCoreError) -> str | None:
    """The message for an error after which the same call may succeed later; None if it would fail again.

    AWS's own message is left out: that on a wrong signature contains everything that was to be signed.
    """
    if isinstance(error, ClientError):
        return _temporary_client_error(error)
    if isinstance(error, ParamValidationError):
        return None
    if isinstance(error, NoCredentialsError):
        cause = "the server has no AWS credentials"
    elif isinstance(error, (ConnectionError, HTTPClientError)):
        # Of the URL only the host: the rest may name objects, and a proxy's may contain a password.
        host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname or "it"
        cause = f"{host} cannot be reached ({type(error).__name__})"
    else:
        cause = f"the server's credentials or settings for it do not work ({type(error).__name__})"
    return f"Waiting for AWS: {cause}."


def _temporary_client_error(error: ClientError) -> str | None:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    # The response to HEAD has no body that could name a code, and our request is always well formed.
    if code in _CREDENTIALS or (error.operation_name, code) == ("HeadBucket", "400"):
        cause = f"it does not accept the server's credentials ({error.operation_name}: {code})"
        return f"Waiting for AWS: {cause}. Renew them, and check the server's clock."
    if status >= 500 or code in _TRY_AGAIN:
        return f"Waiting for AWS: it answered {error.operation_name} with {code}."
    return None


def errors_as_progress(
    role_denied: Callable[[Work, str], str],
) -> Callable[[Callable[[Verbs, Work], Progress]], Callable[[Verbs, Work], Progress]]:
    """Makes a verb of a `Provisioner` return what an error of AWS means, instead of raising the error.

    Args:
        role_denied: the message when the role of the work could not be assumed, with AWS's reason.

    """

    def decorate(verb: Callable[[Verbs, Work], Progress]) -> Callable[[Verbs, Work], Progress]:
        @functools.wraps(verb)
        def call(self: Verbs, work: Work) -> Progress:
            try:
                return verb(self, work)
            except ParamValidationError as error:
                report = "; ".join(_VALUE.sub("", line) for line in str(error).splitlines()[1:])
                message = f"AWS's API does not accept what the template produces: {report}."
                return Progress(State.FAILED, message)
            except (ClientError, BotoCoreError) as error:
                waiting = temporary_error(error)
                if waiting is not None or not isinstance(error, ClientError):
                    return Progress(State.OUT_OF_REACH, waiting or "")
                reason = error.response["Error"]["Message"]
                if error.operation_name == "AssumeRole":
                    reason = role_denied(work, reason)
                return Progress(State.FAILED, reason)

        return call

    return decorate
