"""What an error of AWS means: a refusal, which is final, or something that passes and is waited for.

What concerns the server's own credentials, or the way to AWS, is no deployment's fault: CloudFormation goes
on meanwhile, and people repair it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import botocore.session
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

    from proton_server.provisioning.aws import Aws

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
"""Codes by which AWS refuses who calls, and not what is asked."""
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
_VALUE = re.compile(r", value: .*")


def awaited(error: ClientError | BotoCoreError) -> str | None:
    """What is being waited for, as a sentence; None if asking AWS again would give the same answer.

    AWS's own words are left out: to a wrong signature it answers with all that was to be signed.
    """
    if isinstance(error, ClientError):
        return _awaited_answer(error)
    if isinstance(error, ParamValidationError):
        return None
    if isinstance(error, NoCredentialsError):
        what = "the server has no AWS credentials"
    elif isinstance(error, (ConnectionError, HTTPClientError)):
        # Of the address only the host: the rest may name objects, and a proxy's may hold a password.
        host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname or "it"
        what = f"{host} cannot be reached ({type(error).__name__})"
    else:
        what = f"the server's credentials or settings for it do not work ({type(error).__name__})"
    return f"Waiting for AWS: {what}."


def trouble_of_the_server(aws: Aws) -> str | None:
    """What is wrong with the server's own credentials, as a sentence that says what to do. Asks STS."""
    try:
        region = botocore.session.Session().get_config_variable("region") or "us-east-1"
        aws.client("sts", "", region).get_caller_identity()
    except NoCredentialsError:
        return (
            "No AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
            "or give this machine a role. Until then, what needs AWS waits."
        )
    except (ClientError, BotoCoreError) as error:
        return awaited(error)
    return None


def _awaited_answer(error: ClientError) -> str | None:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    # An answer to HEAD has no body that could name a code, and ours is always well formed.
    if code in _CREDENTIALS or (error.operation_name, code) == ("HeadBucket", "400"):
        what = f"it does not accept the server's credentials ({error.operation_name}: {code})"
        return f"Waiting for AWS: {what}. Renew them, and check the server's clock."
    if status >= 500 or code in _TRY_AGAIN:
        return f"Waiting for AWS: it answered {error.operation_name} with {code}."
    return None


def answered(verb: Callable[[], Progress], denied: str) -> Progress:
    """A verb's progress, where a final refusal is a failure with AWS's own words.

    `denied` says what it means that no role could be assumed.
    """
    try:
        return verb()
    except ParamValidationError as error:
        report = "; ".join(_VALUE.sub("", line) for line in str(error).splitlines()[1:])
        return Progress(State.FAILED, f"AWS's API does not take what the template makes: {report}.")
    except (ClientError, BotoCoreError) as error:
        waiting = awaited(error)
        if waiting is not None or not isinstance(error, ClientError):
            return Progress(State.OUT_OF_REACH, waiting or "")
        reason = error.response["Error"]["Message"]
        return Progress(
            State.FAILED, f"{denied}: {reason}" if error.operation_name == "AssumeRole" else reason
        )
