"""What can go wrong, as one line for a person each. Nothing above `_client` sees botocore.

ProtonError
├── NotFound            the object does not exist (any more)
├── Conflict            the name is taken, or another operation on the object has not ended
├── AccessDenied        AWS said no
├── Refused             the API refused the request as it is
├── ServiceEnded        the call went to AWS, where Proton is gone
├── Unreachable         no answer from the endpoint, or no credentials to ask with
├── WrongAccount        the credentials reach an account this stack must not touch
├── NotOwned            the object belongs to another stack or to nobody
├── DeploymentFailed    a deployment ended in FAILED, CANCELLED or DELETE_FAILED
├── TimedOut            a wait ended before what it waited for
└── InvalidInput        the program or the configuration says something that cannot be
"""

from __future__ import annotations


class ProtonError(Exception):
    """The base of all errors meant for a person. `str(error)` is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class NotFound(ProtonError):
    """The object does not exist (ResourceNotFoundException)."""


class Conflict(ProtonError):
    """The name is taken, or another operation on the object has not ended.

    ConflictException; and ValidationException "Idempotent parameter mismatch", with which the API answers a
    create under a name that exists with other parameters.
    """


class AccessDenied(ProtonError):
    """The caller may not do this (AccessDeniedException)."""


class Refused(ProtonError):
    """The API refused the request as it is (ValidationException and all that is not named here)."""


class ServiceEnded(ProtonError):
    """The call went to AWS's own endpoint: AWS ended Proton on 2026-10-07."""


class Unreachable(ProtonError):
    """The endpoint did not answer, or there are no credentials to sign with."""


class WrongAccount(ProtonError):
    """The credentials reach another account than the configuration or the state allows."""


class NotOwned(ProtonError):
    """An object of this name exists and this stack did not make it."""


class DeploymentFailed(ProtonError):
    """A deployment ended otherwise than asked for."""


class TimedOut(ProtonError):
    """A wait ended before what it waited for."""


class InvalidInput(ProtonError):
    """The program or the configuration says something that cannot be."""
