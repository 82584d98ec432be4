"""The local S3 is moto's, with the bucket owner condition that moto does not know.

A server that reads buckets for many accounts relies on it, so it must be seen to work here.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from __future__ import annotations

from typing import Any

from moto.s3 import models
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.responses import S3Response

_HEADER = "x-amz-expected-bucket-owner"


def install() -> None:
    """Put the condition where moto decides what is authorized. Must run before moto serves a request."""
    authorize = S3Response._authenticate_and_authorize_s3_action  # noqa: SLF001  # moto has no other hook

    def with_condition(self: S3Response, **what: Any) -> None:
        authorize(self, **what)
        expected = self.headers.get(_HEADER)
        _, owner = models.s3_backends.bucket_accounts.get(self.bucket_name, (None, expected))
        if owner != expected and expected is not None:
            raise S3AccessDeniedError

    S3Response._authenticate_and_authorize_s3_action = with_condition  # type: ignore[assignment,method-assign]  # noqa: SLF001
