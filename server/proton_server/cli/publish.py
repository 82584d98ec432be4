"""``proton-server templates publish``: a folder becomes a published version of an environment template.

A plain AWS client: Proton, S3 and STS are where its sessions, endpoint and ``AWS_ENDPOINT_URL…`` lead.
Forbidden here: reaching into the server's own store or operations.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from proton_templates.bundle import pack, read_bundle

_DIGEST_TAG = "bundle-sha256"
_REGISTRATION_SECONDS = 300.0  # as long as botocore's waiter EnvironmentTemplateVersionRegistered waits
# Path style, because a bucket's name in front of "localhost" is a host that not every machine can resolve.
_CONFIG = Config(s3={"addressing_style": "path"})
_WITHOUT_NAME = {("HeadBucket", "301"), ("HeadBucket", "403")}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class PublishError(Exception):
    """A version cannot be published; the text is one sentence."""


def publish_folder(  # noqa: PLR0913 - an argument for each option of the command, most with a default
    folder: Path,
    name: str,
    *,
    session: boto3.Session,
    endpoint_url: str | None = None,
    exchange: Callable[[str], dict[str, str] | None] = lambda _: None,
    bucket_session: boto3.Session | None = None,
    bucket: str | None = None,
    major_version: str | None = None,
    description: str | None = None,
    display_name: str | None = None,
    customer_managed: bool = False,
    publish: bool = True,
) -> str:
    """The version, such as ``"1.0"``, that holds the bundle in ``folder``; registered, if asked published.

    ``session`` and ``endpoint_url`` lead to Proton; to S3 and STS too, unless there is an ``bucket_session``,
    which has credentials of its own and then goes where its own settings lead. ``exchange`` gives, by the URL
    of Proton, the keys that the server takes for those of ``session``, as a client's arguments; None where it
    takes ``session``'s own. With such keys for Proton, ``session`` leads to S3 and STS by its own settings.

    ``major_version`` adds the next minor version under it; without it a new major version begins. What the
    newest version already holds makes no new one: a tag on each version keeps the digest of its bundle. (A
    client token alone would do so for eight hours only, and would bring back a failed registration.)

    The template is made when the bundle is uploaded, so that a mistake leaves nothing half made.
    Raises BundleError, before anything is called, if no server would register the folder; PublishError if the
    registration fails or does not end, an endpoint is none, or the template exists with the other
    provisioning; botocore's BotoCoreError and ClientError if AWS cannot be reached or refuses.
    """
    if bucket is not None and not _BUCKET.fullmatch(bucket):
        raise PublishError(f"--bucket must be the name of an S3 bucket and nothing else, not {bucket!r}.")
    tarball = pack(folder)
    read_bundle(tarball, customer_managed=customer_managed)
    digest = hashlib.sha256(tarball).hexdigest()
    proton = _client(session, "proton", endpoint_url)
    keys = exchange(proton.meta.endpoint_url)
    if keys is not None:
        proton = _client(session, "proton", endpoint_url, **keys)
        bucket_session = bucket_session or session
    provisioning = "CUSTOMER_MANAGED" if customer_managed else None
    template = _template(proton, name, provisioning)
    # The very first version may be called "1", as the API has it.
    if template is None and major_version not in (None, "1"):
        raise PublishError(
            f"There is no template {name} yet, and so no major version {major_version} of it; leave "
            "--major-version out."
        )
    newest = _newest_version(proton, name, major_version) if template else None
    source = None
    if newest is None or not _holds(proton, newest, digest):
        s3, sts = _s3_and_sts(session, endpoint_url, bucket_session)
        source = _upload(s3, sts, bucket, f"{name}/{digest}.tar.gz", tarball)
    _ensure_template(proton, name, template, display_name, provisioning)
    if newest is None or source is not None:
        request = {
            "templateName": name,
            "source": {"s3": source},
            "tags": [{"key": _DIGEST_TAG, "value": digest}],
            **_given(majorVersion=major_version, description=description),
        }
        # Two runs at once see the same newest version, send the same token, and so get the same version.
        seen = json.dumps([request, newest and newest["arn"]])
        token = hashlib.sha256(seen.encode()).hexdigest()
        created = proton.create_environment_template_version(**request, clientToken=token)
        newest = created["environmentTemplateVersion"]
    key = {member: newest[member] for member in ("templateName", "majorVersion", "minorVersion")}
    _wait_for_registration(proton, key)
    if publish:
        proton.update_environment_template_version(
            **key, status="PUBLISHED", **_given(description=description)
        )
    return f"{key['majorVersion']}.{key['minorVersion']}"


def _client(session: boto3.Session, service: str, endpoint_url: str | None, **keys: str) -> Any:
    try:
        client: Any = session.client(service, endpoint_url=endpoint_url, config=_CONFIG, **keys)  # type: ignore[call-overload]
        _ = urlsplit(client.meta.endpoint_url).port  # raises ValueError for one beyond 65535
    except BotoCoreError:
        raise
    except ValueError as error:
        raise PublishError(
            f"The endpoint of {service} is no URL such as http://127.0.0.1:4030: {error}"
        ) from None
    return client


def _s3_and_sts(
    session: boto3.Session, endpoint_url: str | None, bucket_session: boto3.Session | None
) -> Iterator[Any]:
    """The clients that upload. Without a session of their own, only a variable leads them past Proton's."""
    for service in ("s3", "sts"):
        has_own = bucket_session is not None or f"AWS_ENDPOINT_URL_{service.upper()}" in os.environ
        yield _client(bucket_session or session, service, None if has_own else endpoint_url)


@contextmanager
def _answering(client: Any) -> Iterator[None]:
    """Says of an endpoint that does not answer as its service does: a web page, `serve` to a call of S3."""
    try:
        yield
    except (ResponseParserError, RecursionError, LookupError):  # RecursionError: S3's, of a redirection
        raise _stranger(client) from None
    except ClientError as error:
        # AWS's errors have names, but for the answers to HEAD, which have no body: a bucket is another's.
        code = error.response["Error"]["Code"]
        if code.isdigit() and (error.operation_name, code) not in _WITHOUT_NAME:
            raise _stranger(client) from None
        raise


def _stranger(client: Any) -> PublishError:
    service, url = client.meta.service_model.service_name, client.meta.endpoint_url
    advice = "Name the server with --endpoint-url."
    if service != "proton":
        advice = (
            "If it is a server of Proton alone, name an AWS profile for the bundle with --bucket-profile."
        )
    return PublishError(f"{url} does not answer as {service} does: {advice}")


def _template(proton: Any, name: str, provisioning: str | None) -> dict[str, Any] | None:
    """The template if there is one, which then has the right kind of provisioning."""
    with _answering(proton):
        try:
            template: dict[str, Any] = proton.get_environment_template(name=name)["environmentTemplate"]
        except proton.exceptions.ResourceNotFoundException:
            return None
    if template.get("provisioning") != provisioning:
        is_it = "is" if template.get("provisioning") else "is not"
        raise PublishError(f"The template {name} {is_it} customer-managed, which cannot be changed.")
    return template


def _ensure_template(
    proton: Any,
    name: str,
    template: dict[str, Any] | None,
    display_name: str | None,
    provisioning: str | None,
) -> None:
    if template is None:
        given = _given(displayName=display_name, provisioning=provisioning)
        proton.create_environment_template(name=name, **given)
    elif display_name and template.get("displayName") != display_name:
        proton.update_environment_template(name=name, displayName=display_name)


def _newest_version(proton: Any, name: str, major_version: str | None) -> dict[str, Any] | None:
    """The highest version under ``major_version``, or of all."""

    def versions(**under: str) -> list[dict[str, Any]]:
        pages = proton.get_paginator("list_environment_template_versions").paginate(
            templateName=name, **under
        )
        return [version for page in pages for version in page["templateVersions"]]

    major = major_version or max((version["majorVersion"] for version in versions()), key=int, default=None)
    if major is None:
        return None
    return max(versions(majorVersion=major), key=lambda version: int(version["minorVersion"]), default=None)


def _holds(proton: Any, version: dict[str, Any], digest: str) -> bool:
    if version["status"] == "REGISTRATION_FAILED":
        return False
    pages = proton.get_paginator("list_tags_for_resource").paginate(resourceArn=version["arn"])
    return {"key": _DIGEST_TAG, "value": digest} in [tag for page in pages for tag in page["tags"]]


def _upload(s3: Any, sts: Any, bucket: str | None, key: str, tarball: bytes) -> dict[str, str]:
    owner = {}
    if bucket is None:
        with _answering(sts):
            account = sts.get_caller_identity()["Account"]
        bucket = f"proton-templates-{account}-{s3.meta.region_name}"
        # The name can be guessed, and so be somebody else's: S3 then refuses instead of taking our bundles.
        owner = {"ExpectedBucketOwner": account}
    with _answering(s3):
        _ensure_bucket(s3, bucket, owner)
        s3.put_object(Bucket=bucket, Key=key, Body=tarball, **owner)
    return {"bucket": bucket, "key": key}


def _ensure_bucket(s3: Any, bucket: str, owner: dict[str, str]) -> None:
    try:
        s3.head_bucket(Bucket=bucket, **owner)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        region = s3.meta.region_name
        # us-east-1 is the one region that CreateBucket does not accept as a constraint.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)


def _wait_for_registration(proton: Any, key: dict[str, str]) -> None:
    deadline, pause = time.monotonic() + _REGISTRATION_SECONDS, 0.1
    shown = f"{key['templateName']} {key['majorVersion']}.{key['minorVersion']}"
    while True:
        version = proton.get_environment_template_version(**key)["environmentTemplateVersion"]
        if version["status"] == "REGISTRATION_FAILED":
            reason = version.get("statusMessage", "no reason is given")
            raise PublishError(f"{shown} was not registered: {reason}")
        if version["status"] != "REGISTRATION_IN_PROGRESS":
            return
        if time.monotonic() > deadline:
            raise PublishError(f"{shown} is not registered after {_REGISTRATION_SECONDS:.0f} seconds.")
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)


def _given(**members: str | None) -> dict[str, str]:
    return {member: value for member, value in members.items() if value is not None}
