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
    stack = stack_of(server.client("cloudformation"), environment)
    return stack["StackStatus"] if stack else None


def stack_of(cloudformation: Any, environment: str) -> dict[str, Any] | None:
    """The stack with an environment's name, None if there is none: an account of the tests has many pages."""
    for stack in cloudformation.get_paginator("describe_stacks").paginate().search("Stacks[]"):
        if stack["StackName"].startswith(f"AWSProton-{environment}-"):
            found: dict[str, Any] = stack
            return found
    return None
