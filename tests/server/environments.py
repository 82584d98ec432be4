"""Creating an environment with what is not under test filled in, and its stack in CloudFormation."""

from __future__ import annotations

from typing import Any

from tests.bundles import SPEC
from tests.names import SERVICE_ROLE, unique
from tests.servers import LocalServer


def create(proton: Any, template: str, **more: Any) -> dict[str, Any]:
    """CreateEnvironment with what is not under test filled in; returns the record of the response."""
    request = {
        "name": unique("env"),
        "templateName": template,
        "templateMajorVersion": "1",
        "spec": SPEC,
        "protonServiceRoleArn": SERVICE_ROLE,
        **more,
    }
    members = {member: value for member, value in request.items() if value is not None}
    record: dict[str, Any] = proton.create_environment(**members)["environment"]
    return record


def stack_status(server: LocalServer, environment: str) -> str | None:
    """The status of an environment's stack, None if there is none."""
    for stack in (
        server.client("cloudformation").get_paginator("describe_stacks").paginate().search("Stacks[]")
    ):
        if stack["StackName"].startswith(f"AWSProton-{environment}-"):
            status: str = stack["StackStatus"]
            return status
    return None
