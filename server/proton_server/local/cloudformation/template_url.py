"""Templates by URL: an object of the local S3, whatever host the URL names."""

from __future__ import annotations

import re

from moto.cloudformation.exceptions import ValidationError
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

_MAX_BYTES = 1_048_576


def read_template_url(url: str, account: str, partition: str) -> str:
    """The text behind a TemplateURL, with the bucket in the host (``b.s3.….com/key``) or else in the path.

    Raises:
        ValidationError: the URL names no object of the account, or one that is too large or no text.

    """
    match = re.fullmatch(r"https?://([^/]+)/([^?]+)(\?.*)?", url)
    if match is None:
        raise ValidationError(message="TemplateURL must be a supported URL.")
    host, path = match[1], match[2]
    virtual = re.match(r"(.+)\.s3[.-]", host)
    bucket, _, key = (virtual[1], "/", path) if virtual else path.partition("/")
    try:
        found = s3_backends[account][partition].get_object(bucket, key)
    except S3ClientError:
        found = None
    if found is None:
        raise ValidationError(message="S3 error: The specified key does not exist.")
    if found.size > _MAX_BYTES:
        raise ValidationError(message="S3 error: The template is larger than 1 MB, the most that one may be.")
    try:
        return str(found.value.decode())
    except UnicodeDecodeError:
        raise ValidationError(message="Template format error: the template is not text in UTF-8.") from None
