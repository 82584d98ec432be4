"""Why an object of S3 was not read: what `Aws` raises, and the registration of a template version answers."""

from __future__ import annotations


class SourceError(Exception):
    """The object in S3 cannot be had; the message is a sentence for the template's owner."""


class SourceNotReady(Exception):
    """S3 cannot be asked for the object now; the message is a sentence that says what is waited for."""
