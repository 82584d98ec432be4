"""What the exchange answers instead of credentials: a code, and one sentence for the person who asked.

No message quotes a signature, a token or the value of a header.
"""

from __future__ import annotations

STATUS = {
    "InvalidRequest": 400,
    "OwnCredentials": 400,
    "OwnSession": 400,
    "AccessDenied": 403,
    "InvalidAudience": 403,
    "InvalidSignature": 403,
    "SignatureExpired": 403,
    "SignatureUsed": 403,
    "MethodNotAllowed": 405,
    "TooManyRequests": 429,
    "ServerFailure": 500,
    "Busy": 503,
    "ServerUnavailable": 503,
    "StsUnavailable": 503,
}
"""Each code of a refusal → the status of its HTTP response; 429 and 503 may succeed when repeated."""


class ExchangeRefused(Exception):
    """The exchange is refused. The code is one of `STATUS`; the message is for the user."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.status, self.retry_after = code, STATUS[code], retry_after
        """`retry_after`: in how many seconds the same request may succeed, where that is known."""
