"""The errors that a user sees, one line each. Nothing above `aws/client.py` sees botocore.

ProtonError
├── NotFound            the object does not exist (any more)
├── Conflict            the name is taken, or another operation on the object has not ended
├── AccessDenied        the caller has no permission
├── Refused             the API refused the request as it is
├── Unavailable         the server failed or throttled the request
├── ServiceEnded        the call went to AWS, which ended Proton
├── Unreachable         the endpoint did not answer
│   └── NoCredentials   there are no valid credentials to sign the request with
├── WrongAccount        the credentials reach an account that this stack must not change
├── NotOwned            the object belongs to another resource, or to no Pulumi stack
├── DeploymentFailed    a deployment ended in FAILED, CANCELLED or DELETE_FAILED
├── TimedOut            a wait ended before what it waited for
├── Interrupted         the user ended a wait
└── InvalidInput        an input of the program or the configuration is not valid
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """`text` for a terminal: white space folded, and without control and other unprintable characters.

    What a server says could otherwise move the cursor, or hide what was printed before.
    """
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


class ProtonError(Exception):
    """The base of all errors that a user sees. `str(error)` is one line of printable characters."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class NotFound(ProtonError):
    """The object does not exist (ResourceNotFoundException)."""


class Conflict(ProtonError):
    """The name is taken, or another operation on the object has not ended.

    ConflictException; and ValidationException "Idempotent parameter mismatch", with which the API answers a
    create under a name that exists with other parameters.
    """


class AccessDenied(ProtonError):
    """The caller has no permission (AccessDeniedException)."""


class Refused(ProtonError):
    """The API refused the request as it is (ValidationException and all that is not named here)."""


class Unavailable(ProtonError):
    """The server failed (InternalServerException, status 5xx) or throttled the request."""


class ServiceEnded(ProtonError):
    """The call went to AWS's own endpoint: AWS ended Proton on 2026-10-07."""


class Unreachable(ProtonError):
    """The endpoint did not answer, or not with an answer of AWS Proton."""


class NoCredentials(Unreachable):
    """There are no credentials, they are not valid, or the role cannot be assumed."""


class WrongAccount(ProtonError):
    """The credentials reach another account or Region than the configuration or the state allows."""


class NotOwned(ProtonError):
    """The object belongs to another resource, or to no Pulumi stack."""


class DeploymentFailed(ProtonError):
    """A deployment ended in FAILED, CANCELLED or DELETE_FAILED."""


class TimedOut(ProtonError):
    """A wait ended before what it waited for."""


class Interrupted(ProtonError):
    """The user wants Pulumi to stop, so that a wait ended before what it waited for."""


class InvalidInput(ProtonError):
    """An input of the program or the configuration is not valid."""
