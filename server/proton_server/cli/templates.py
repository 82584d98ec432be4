"""`proton-server templates`: what a platform team does with a bundle's folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from proton_server.cli import options
from proton_server.cli.check import check, render
from proton_server.cli.exchange_client import AwsSession, ExchangeError, keys_for
from proton_server.cli.publish import PublishError, publish_folder
from proton_server.cli.recover import recover_spec
from proton_templates.bundle import BundleError


@click.group()
def templates() -> None:
    """Environment templates: check, render and publish their bundles."""


for _command in (check, render, recover_spec):
    templates.add_command(_command)


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
@options.endpoint_url
@options.region
@options.profile
@click.option(
    "--bucket-profile",
    help="The AWS profile that uploads the bundle, past --endpoint-url.  [default: the same]",
)
def publish(
    folder: Path,
    *,
    no_publish: bool,
    region: str | None,
    profile: str | None,
    bucket_profile: str | None,
    **options: Any,
) -> None:
    """Check, pack, upload, register and publish the bundle in FOLDER.

    Publishing what the newest version already holds makes no new version.
    """
    try:
        aws = AwsSession(profile=profile)
        session = boto3.Session(region_name=region, botocore_session=aws)
        if bucket_profile is not None:
            options["bucket_session"] = boto3.Session(region_name=region, profile_name=bucket_profile)
        version = publish_folder(
            folder, session=session, exchange=partial(keys_for, aws), publish=not no_publish, **options
        )
    except (BundleError, PublishError, ExchangeError, OSError, BotoCoreError, ClientError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None
    click.echo(f"{options['name']} {version} {'registered' if no_publish else 'published'}")
