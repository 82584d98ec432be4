"""Which stack is an environment's: its name, and whether the one with that name is its own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proton_server.provisioning import Work


def stack_name(work: Work) -> str:
    """The stack's name as Proton made it, such as `AWSProton-vpc-env-prod-cloudformation--QYWPQLSESXEMRBY`.

    AWS Proton chose the 15 letters at random; here they follow from the environment and its time of creation.
    """
    name, arn, created_at = (work.environment[member] for member in ("name", "arn", "createdAt"))
    seed = hashlib.sha256(f"{arn} {created_at}".encode()).digest()
    letters = "".join(chr(ord("A") + byte % 26) for byte in seed[:15])
    return f"AWSProton-{name[:15].replace('_', '-')}-cloudformation--{letters}"


def find_stack(work: Work, client: Any) -> dict[str, Any] | None:
    """The environment's stack, if it is there. The one after an adopted one is named as all others."""
    for name in filter(None, (work.adopted.get("id"), stack_name(work))):
        try:
            stacks: list[dict[str, Any]] = client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in error.response["Error"]["Message"]:
                raise
            continue
        for stack in stacks:
            if stack["StackStatus"] != "DELETE_COMPLETE":
                return stack
    return None


def is_replaced(work: Work, stack: Mapping[str, Any]) -> bool:
    """Whether a stack that has the name of the environment's is another one, which somebody made.

    It is the environment's by its ID, or by its tag. One that only change sets know has neither, and nothing.
    """
    known = {work.adopted.get("id"), *(resource["identifier"] for resource in work.provisioned)}
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return (
        stack["StackId"] not in known
        and tags.get(ENVIRONMENT_TAG) != work.environment["arn"]
        and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
    )
