"""Whom `proton-server adopt` calls: the server's own operations, and CloudFormation where the stacks are."""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config

from proton_server.api.wire import MODELS
from proton_server.cli.exchange_client import AwsSession, keys_for

NOT_OFFERED = (
    "has no operation AdoptEnvironment: it is no proton-server, or one of a release before. "
    "Name the server with --endpoint-url."
)
_CONFIG = Config(retries={"mode": "standard"}, read_timeout=300)
"""The comparison of a stack with many versions takes its time."""


def clients(
    region: str | None, profile: str | None, endpoint_url: str | None, stacks_profile: str | None
) -> tuple[Any, Any]:
    """The client of the server's own operations, and that of CloudFormation.

    CloudFormation is AWS's where the server takes AWS credentials, or `stacks_profile` is given, or
    AWS_ENDPOINT_URL_CLOUDFORMATION; otherwise it is at the same endpoint, as it is of `proton-server local`.
    Raises ExchangeError, and botocore's BotoCoreError and ClientError.
    """
    aws = AwsSession(profile=profile)
    aws.get_component("data_loader").search_paths.append(str(MODELS))
    session = boto3.Session(region_name=region, botocore_session=aws)
    # Where AWS_ENDPOINT_URL_PROTON and the profile lead, unless the option says otherwise.
    url = endpoint_url or session.client("proton").meta.endpoint_url
    keys = keys_for(aws, url)
    proton = session.client("proton-server", endpoint_url=url, config=_CONFIG, **(keys or {}))  # type: ignore[call-overload]
    if stacks_profile is not None:
        session = boto3.Session(region_name=region, profile_name=stacks_profile)
    is_elsewhere = keys or stacks_profile or "AWS_ENDPOINT_URL_CLOUDFORMATION" in os.environ
    return proton, session.client("cloudformation", endpoint_url=None if is_elsewhere else endpoint_url)
