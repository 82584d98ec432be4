"""The errors an operation may answer with. What a person reads is `str(error)`.

    ProtonError
    ├── AccessDeniedException            the caller may not do this
    ├── ConflictException                the thing exists already, or its state forbids the call
    ├── ResourceNotFoundException        the thing does not exist here
    ├── ServiceQuotaExceededException    a limit is reached
    ├── ThrottlingException              too much at once; SDKs ask again by themselves
    ├── ValidationException              the request is wrong
    └── (of the protocol, not of Proton)
        ├── AuthenticationError          who calls cannot be said:
        │   MissingAuthenticationTokenException, IncompleteSignatureException,
        │   UnrecognizedClientException, InvalidSignatureException
        ├── MalformedHttpRequestException, SerializationException, RequestEntityTooLargeException
        ├── UnknownOperationException
        └── InternalServerException      our fault; the cause is in the log only

The class name is the code on the wire, so a name here is never ours to choose. Nothing but errors lives here.
"""

from __future__ import annotations

from typing import ClassVar


class ProtonError(Exception):
    """An answer other than success: the code is the class name, the message is for a person."""

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
    """Too much at once. SDKs and the CLI ask again by themselves."""


class ValidationException(ProtonError):
    """The request is wrong, or differs from the request it claims to repeat."""


class AuthenticationError(ProtonError):
    """Who calls cannot be said. Never raised itself: it is what the four below have in common."""


class MissingAuthenticationTokenException(AuthenticationError):
    """The request is not signed."""

    status = 403


class IncompleteSignatureException(AuthenticationError):
    """The Authorization header is not a whole Signature Version 4 header."""


class UnrecognizedClientException(AuthenticationError):
    """The access key is not known here."""

    status = 403


class InvalidSignatureException(AuthenticationError):
    """The signature does not fit the request, or is too old."""

    status = 403


class MalformedHttpRequestException(ProtonError):
    """The HTTP request around the body is not what the protocol asks for."""


class SerializationException(ProtonError):
    """The body is not the JSON document it should be."""


class RequestEntityTooLargeException(ProtonError):
    """The body is larger than any Proton request."""

    status = 413


class UnknownOperationException(ProtonError):
    """Proton has no such operation, or this server does not do it yet."""


class InternalServerException(ProtonError):
    """Our fault. The message says nothing of the cause, which is in the log under the request id."""

    status = 500
