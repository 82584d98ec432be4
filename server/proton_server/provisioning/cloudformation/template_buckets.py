"""Rendered templates that are too large for a call: CloudFormation reads them from a bucket of the operator.

The server writes an object with its own credentials and names it in the call, and CloudFormation reads it
with the environment's role. The deployment's row has the object's name from before it is written until it is
deleted, which `engine/template_objects.py` does when the deployment has ended.

A key begins with the account of the role, so that one bucket policy with `${aws:PrincipalAccount}` gives each
account its own objects, and no other's.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from proton_server.provisioning import Work
    from proton_server.provisioning.aws import Aws

_log = logging.getLogger(__name__)

MAX_IN_CALL = 51_200
"""Bytes of a template in TemplateBody."""
MAX_IN_BUCKET = 1_048_576
"""Bytes of a template behind a TemplateURL."""
OPTION = "--stack-template-bucket"


class Bucket(NamedTuple):
    """A bucket, and the account that must own it: anybody may take the name of one that was deleted."""

    name: str
    owner: str

    @property
    def members(self) -> dict[str, str]:
        """Of every call of S3."""
        return {"Bucket": self.name, "ExpectedBucketOwner": self.owner}


class TemplateBuckets:
    """The operator's buckets, of the server's own account.

    Args:
        aws: whose clients are used.
        buckets: the names of the buckets, by Region.

    """

    def __init__(self, aws: Aws, buckets: Mapping[str, str] | None = None) -> None:
        self._aws, self._buckets = aws, buckets or {}
        self._mutex, self._account = threading.Lock(), ""

    def limit(self, region: str) -> int:
        """Bytes of the largest template that can be deployed in a Region."""
        return MAX_IN_BUCKET if region in self._buckets else MAX_IN_CALL

    def check_size(self, template: str, region: str) -> None:
        """Raises ProvisioningError for a template that is too large for the Region."""
        size = len(template.encode())
        check_size(size)
        if size > self.limit(region):
            raise ProvisioningError(
                f"The rendered template has {size:,} bytes, and without a bucket CloudFormation takes "
                f"{MAX_IN_CALL:,}: for up to {MAX_IN_BUCKET:,} the server's operator gives it one with "
                f"{OPTION} {region}=BUCKET."
            )

    @contextmanager
    def arguments(self, work: Work, template: str) -> Iterator[dict[str, str]]:
        """The arguments of a call that deploys a template. Within the context the call is made.

        Raises ProvisioningError where the server cannot write the template, and ClientError, with a sentence
        where CloudFormation cannot read it.
        """
        content = template.encode()
        if len(content) <= MAX_IN_CALL:
            yield {"TemplateBody": template}
            return
        client = self._aws.client("s3", work.account_id, work.region)
        bucket = Bucket(self._name(work), self._owner(work.account_id, work.region))
        key = f"{work.account_id}/{work.environment['name']}/{work.deployment_id}"
        work.will_upload(f"{bucket.name}/{key}")
        try:
            self._put(client, bucket, key, content)
            yield {"TemplateURL": f"{client.meta.endpoint_url}/{bucket.name}/{key}"}
        except ClientError as error:
            raise _explained(error, work, bucket, key, len(content)) from None

    def delete(self, region: str, name: str) -> None:
        """Deletes an object, `bucket/key`, if it is there. Raises ClientError and BotoCoreError.

        One in a bucket that does not exist any more is not there, either.
        """
        bucket, account_id, *_ = name.split("/")
        key = name.removeprefix(f"{bucket}/")
        client, owner = self._aws.client("s3", account_id, region), self._owner(account_id, region)
        try:
            client.delete_object(**Bucket(bucket, owner).members, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise

    def _name(self, work: Work) -> str:
        return self._buckets[work.region]

    def _owner(self, account_id: str, region: str) -> str:  # noqa: ARG002  # the environment's account
        """The account of the bucket: the one of the server's own credentials."""
        with self._mutex:
            if not self._account:
                identity = self._aws.client("sts", "", region).get_caller_identity()
                self._account = identity["Account"]
            return self._account

    def _put(self, client: Any, bucket: Bucket, key: str, content: bytes) -> None:
        client.put_object(**bucket.members, Key=key, Body=content, ContentType="text/plain")


class OwnTemplateBuckets(TemplateBuckets):
    """Those of `proton-server local`: one in each account and Region, made when it is needed."""

    def limit(self, region: str) -> int:  # noqa: ARG002
        """The same everywhere."""
        return MAX_IN_BUCKET

    def _name(self, work: Work) -> str:
        return f"proton-stack-templates-{work.account_id}-{work.region}"

    def _owner(self, account_id: str, region: str) -> str:  # noqa: ARG002
        return account_id

    def _put(self, client: Any, bucket: Bucket, key: str, content: bytes) -> None:
        region = client.meta.region_name
        # S3 refuses its default Region as a constraint.
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        try:
            client.create_bucket(Bucket=bucket.name, **where)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
        super()._put(client, bucket, key, content)


def check_size(size: int) -> None:
    """Raises ProvisioningError for a template of so many bytes that CloudFormation takes it in no way."""
    if size > MAX_IN_BUCKET:
        limit = f"the {MAX_IN_BUCKET:,} that CloudFormation takes"
        raise ProvisioningError(f"The rendered template has {size:,} bytes, more than {limit}.")


def _explained(error: ClientError, work: Work, bucket: Bucket, key: str, size: int) -> Exception:
    """The error, as a sentence that says who may not do what, if it is about the bucket or its object."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if temporary_error(error) is not None:
        return error
    if error.operation_name in ("PutObject", "CreateBucket"):
        _log.warning("s3://%s/%s cannot be written: %s: %s", bucket.name, key, code, message)
        return ProvisioningError(
            f"The rendered template has {size:,} bytes and goes through the bucket {bucket.name}, which the "
            f"server cannot write to ({code}): its operator has to see that the bucket is in {work.region} "
            f"and in account {bucket.owner}, and that the server may do s3:PutObject there."
        )
    if "S3" not in message and "TemplateURL" not in message:
        return error
    reason = message.splitlines()[0].rstrip(".")
    sentence = (
        f"CloudFormation cannot read the rendered template of {size:,} bytes as {work.role} from "
        f"s3://{bucket.name}/{key} ({reason}): the role needs s3:GetObject there, by its own policy and, "
        "from another account, by the bucket's."
    )
    error.response["Error"]["Message"] = sentence
    return ClientError(error.response, error.operation_name)
