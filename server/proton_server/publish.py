"""``proton-server templates publish``: a folder becomes a published version of an environment template.

A plain AWS client: it talks to whatever Proton, S3 and STS its session and endpoint lead to, and honours
``AWS_ENDPOINT_URL``. Forbidden here: reaching into the server's own store or operations.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from proton_server.bundle import BundleFault, pack, read_bundle

_DIGEST_TAG = "bundle-sha256"
_REGISTRATION_SECONDS = 300.0  # as long as botocore's waiter EnvironmentTemplateVersionRegistered waits
# Path style, because a bucket's name in front of "localhost" is a host that not every machine can resolve.
_S3_CONFIG = Config(s3={"addressing_style": "path"})


class PublishFault(Exception):
    """A version cannot be published; the text is one sentence."""


def publish_folder(  # noqa: PLR0913 - an argument for each option of the command, most with a default
    folder: Path,
    name: str,
    *,
    session: boto3.Session,
    endpoint_url: str | None = None,
    bucket: str | None = None,
    major_version: str | None = None,
    description: str | None = None,
    display_name: str | None = None,
    customer_managed: bool = False,
    publish: bool = True,
) -> str:
    """The version, such as ``"1.0"``, that holds the bundle in ``folder``; registered, if asked published.

    ``major_version`` adds the next minor version under it; without it a new major version begins. What the
    newest version already holds makes no new one: a tag on each version keeps the digest of its bundle. (A
    client token alone would do so for eight hours only, and would bring back a failed registration.)

    Raises BundleFault, before anything is called, if no server would register the folder; PublishFault if the
    registration fails or does not end, or the template exists with the other provisioning; botocore's
    BotoCoreError and ClientError if AWS cannot be reached or refuses.
    """
    tarball = pack(folder)
    read_bundle(tarball, customer_managed=customer_managed)
    digest = hashlib.sha256(tarball).hexdigest()
    proton: Any = session.client("proton", endpoint_url=endpoint_url)
    _ensure_template(proton, name, display_name, customer_managed=customer_managed)
    newest = _newest_version(proton, name, major_version)
    if newest is None or not _holds(proton, newest, digest):
        source = _upload(session, endpoint_url, bucket, f"{name}/{digest}.tar.gz", tarball)
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


def _ensure_template(proton: Any, name: str, display_name: str | None, *, customer_managed: bool) -> None:
    provisioning = "CUSTOMER_MANAGED" if customer_managed else None
    try:
        template = proton.get_environment_template(name=name)["environmentTemplate"]
    except proton.exceptions.ResourceNotFoundException:
        proton.create_environment_template(
            name=name, **_given(displayName=display_name, provisioning=provisioning)
        )
        return
    if template.get("provisioning") != provisioning:
        is_it = "is" if template.get("provisioning") else "is not"
        raise PublishFault(f"The template {name} {is_it} customer-managed, which cannot be changed.")
    if display_name and template.get("displayName") != display_name:
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


def _upload(
    session: boto3.Session, endpoint_url: str | None, bucket: str | None, key: str, tarball: bytes
) -> dict[str, str]:
    s3: Any = session.client("s3", endpoint_url=endpoint_url, config=_S3_CONFIG)
    owner = {}
    if bucket is None:
        account = session.client("sts", endpoint_url=endpoint_url).get_caller_identity()["Account"]
        bucket = f"proton-templates-{account}-{s3.meta.region_name}"
        # The name can be guessed, and so be somebody else's: S3 then refuses instead of taking our bundles.
        owner = {"ExpectedBucketOwner": account}
    try:
        s3.head_bucket(Bucket=bucket, **owner)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        region = s3.meta.region_name
        # us-east-1 is the one region that CreateBucket does not accept as a constraint.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)
    s3.put_object(Bucket=bucket, Key=key, Body=tarball, **owner)
    return {"bucket": bucket, "key": key}


def _wait_for_registration(proton: Any, key: dict[str, str]) -> None:
    deadline, pause = time.monotonic() + _REGISTRATION_SECONDS, 0.1
    shown = f"{key['templateName']} {key['majorVersion']}.{key['minorVersion']}"
    while True:
        version = proton.get_environment_template_version(**key)["environmentTemplateVersion"]
        if version["status"] == "REGISTRATION_FAILED":
            reason = version.get("statusMessage", "no reason is given")
            raise PublishFault(f"{shown} was not registered: {reason}")
        if version["status"] != "REGISTRATION_IN_PROGRESS":
            return
        if time.monotonic() > deadline:
            raise PublishFault(f"{shown} is not registered after {_REGISTRATION_SECONDS:.0f} seconds.")
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)


def _given(**members: str | None) -> dict[str, str]:
    return {member: value for member, value in members.items() if value is not None}


@click.group()
def templates() -> None:
    """Environment templates on a Proton server."""


@templates.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The template; made if it does not exist.")
@click.option(
    "--bucket", help="Where bundles go; made if missing.  [default: proton-templates-ACCOUNT-REGION]"
)
@click.option("--major-version", help="Add a minor version under it, instead of a new major version.")
@click.option("--description", help="Of the version.")
@click.option("--display-name", help="Of the template.")
@click.option(
    "--customer-managed", is_flag=True, help="The bundle is a schema only; Proton provisions nothing."
)
@click.option("--no-publish", is_flag=True, help="Register only; the version stays a draft.")
@click.option("--endpoint-url", help="The server, if not the one of AWS_ENDPOINT_URL.")
@click.option(
    "--region",
    # Every other AWS tool knows the first of these; boto3 only the second.
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    help="The region, if not the one of the environment or profile.",
)
@click.option("--profile", help="The AWS profile to use.")
def publish(
    folder: Path, *, no_publish: bool, region: str | None, profile: str | None, **options: Any
) -> None:
    """Check, pack, upload, register and publish the bundle in FOLDER.

    Publishing what the newest version already holds makes no new version.
    """
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        version = publish_folder(folder, session=session, publish=not no_publish, **options)
    except (BundleFault, PublishFault, OSError, BotoCoreError, ClientError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None
    click.echo(f"{options['name']} {version} {'registered' if no_publish else 'published'}")
