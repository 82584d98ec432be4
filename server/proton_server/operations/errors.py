"""The errors that an operation may return. The message for the user is `str(error)`.

    ProtonError
    ├── AccessDeniedException            the caller may not do this
    ├── ConflictException                the thing exists already, or its state forbids the call
    ├── ResourceNotFoundException        the thing does not exist here
    ├── ServiceQuotaExceededException    a limit is reached
    ├── ThrottlingException              too much at once; SDKs retry by themselves
    ├── ValidationException              the request is wrong
    └── (of the protocol, not of Proton)
        ├── AuthenticationError          the caller cannot be identified:
        │   MissingAuthenticationTokenException, IncompleteSignatureException,
        │   UnrecognizedClientException, InvalidSignatureException, ExpiredTokenException
        ├── MalformedHttpRequestException, SerializationException, RequestEntityTooLargeException
        ├── UnknownOperationException
        └── InternalServerException      the server failed; the cause is in the log only

The class name is the code on the wire, so the names are AWS's. Nothing but errors is defined here.
"""

from __future__ import annotations

from typing import ClassVar


class ProtonError(Exception):
    """An error response: the code is the class name, the message is for the user."""

    status: ClassVar[int] = 400

    @property
    def code(self) -> str:
        """The error code on the wire."""
        return type(self).__name__


class AccessDeniedException(ProtonError):
    """The caller may not do this."""


class ConflictException(ProtonError):
    """It exists already, or its state forbids the call. GA merged two preview errors into this one."""


class ResourceNotFoundException(ProtonError):
    """It does not exist in this account and Region."""


class ServiceQuotaExceededException(ProtonError):
    """A limit is reached."""


class ThrottlingException(ProtonError):
    """Too much at once. SDKs and the CLI retry by themselves."""


class ValidationException(ProtonError):
    """The request is wrong, or differs from the request it claims to repeat."""


class AuthenticationError(ProtonError):
    """The caller cannot be identified. Never raised itself: the base class of the five below."""


class MissingAuthenticationTokenException(AuthenticationError):
    """The request is not signed."""

    status = 403


class IncompleteSignatureException(AuthenticationError):
    """The Authorization header is not a complete Signature Version 4 header."""


class UnrecognizedClientException(AuthenticationError):
    """The access key is not known here."""

    status = 403


class InvalidSignatureException(AuthenticationError):
    """The signature does not match the request, or is too old."""

    status = 403


class ExpiredTokenException(AuthenticationError):
    """The session's time is over. SDKs that can renew their credentials do so."""


class MalformedHttpRequestException(ProtonError):
    """The HTTP request is not as the protocol requires."""


class SerializationException(ProtonError):
    """The body is not a JSON object."""


class RequestEntityTooLargeException(ProtonError):
    """The body is larger than any Proton request."""

    status = 413


class UnknownOperationException(ProtonError):
    """Proton has no such operation, or it is not implemented."""


class InternalServerException(ProtonError):
    """The server failed. The message does not name the cause, which is in the log with the request ID."""

    status = 500
