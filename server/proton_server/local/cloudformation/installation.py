"""Puts the local CloudFormation where moto has its own."""

from __future__ import annotations

from moto.cloudformation import models

from proton_server.local.cloudformation import responses
from proton_server.local.cloudformation.backend import LocalCloudFormation


def install(deploy_seconds: float = 0.0) -> None:
    """Replace moto's CloudFormation. Must run before moto serves its first request.

    Args:
        deploy_seconds: how long each stack's creation, update and deletion shows as in progress.

    """
    LocalCloudFormation.deploy_seconds = deploy_seconds
    LocalCloudFormation.wire = responses
    models.cloudformation_backends.backend = LocalCloudFormation
