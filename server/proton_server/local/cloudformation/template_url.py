"""Templates by URL: an object in S3 that the caller's account may read, whatever host the URL names.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

_MAX_BYTES = 1_048_576
_ERRORS = "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"


def read_template_url(url: str, account: str, partition: str) -> str:
    """The text behind a TemplateURL, with the bucket in the host (``b.s3.….com/key``) or else in the path.

    Raises:
        ValidationError: the URL names nothing that the account may read, or what is too large or no text.

    """
    match = re.fullmatch(r"https?://([^/]+)/([^?]+)(\?.*)?", url)
    if match is None:
        raise ValidationError(message="TemplateURL must be a supported URL.")
    host, path = match[1], match[2]
    virtual = re.match(r"(.+)\.s3[.-]", host)
    bucket, _, key = (virtual[1], "/", path) if virtual else path.partition("/")
    if not _may_read(account, bucket, key):
        raise ValidationError(message=f"S3 error: Access Denied\nFor more information check {_ERRORS}")
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


def _may_read(account: str, bucket: str, key: str) -> bool:
    """Whether an account may read an object: of a bucket of its own, or by the policy of another's."""
    partition, owner = s3_backends.bucket_accounts.get(bucket, (None, account))
    if partition is None or owner == account:
        return True
    text = s3_backends[owner][partition].get_bucket(bucket).policy
    if text is None:
        return False
    given = json.loads(text.decode().replace("${aws:PrincipalAccount}", account))["Statement"]
    statements = given if isinstance(given, list) else [given]
    about = [statement for statement in statements if _is_about(statement.get("Principal"), account)]
    context = {"aws:PrincipalAccount": account, "aws:CalledVia": "cloudformation.amazonaws.com"}
    found = IAMPolicy(json.dumps({"Statement": about})).is_action_permitted(
        "s3:GetObject", f"arn:{partition}:s3:::{bucket}/{key}", incoming_condition_values=context
    )
    return found is PermissionResult.PERMITTED


def _is_about(principal: Any, account: str) -> bool:
    """Whether the principal of a statement is an account, someone in it, or everyone."""
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return any(
        each in ("*", account) or f"::{account}:" in each
        for each in (named if isinstance(named, list) else [named])
    )
