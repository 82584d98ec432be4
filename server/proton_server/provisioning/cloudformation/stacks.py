"""CloudFormation stacks as they are: what DescribeStacks and GetTemplate say of one. Nothing is written here.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import json_decode_template_body

from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.errors import AwsUnavailable, StackNotFound, StackUnreadable
from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG, TEMPLATE_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proton_server.provisioning.aws import Aws

_OUTPUT_LENGTH = range(1, 1025)
"""Of `OutputValueString` in the API model; outputs in CloudFormation may be empty or longer."""
_RESERVED = "aws:"
"""How the keys of tags begin that only AWS can set. An update neither names nor removes them."""


PREFIX = "AWSProton-"
"""How the names of AWS Proton's stacks begin."""
_CODEBUILD = re.compile(r"AWSProton-CodeBuild-(?!.*-cloudformation-)", re.IGNORECASE)
OF_CODEBUILD = (
    "It has the project of CodeBuild provisioning, and not what the commands made. Create the environment, "
    "whose commands find that by their own state; then delete this stack."
)
"""Why such a stack cannot be adopted, and the way that is left."""


@dataclass(frozen=True)
class DeployedStack:
    """A stack, and the text of the template that it was deployed with."""

    id: str
    """Its ARN."""
    name: str
    status: str
    created_at: float
    """Epoch seconds."""
    tags: Mapping[str, str]
    """Without those of AWS itself."""
    parameters: Sequence[str]
    """The names of the template's parameters."""
    nested_in: str | None
    """The ARN of the stack that has it as a resource."""
    outputs: Sequence[Mapping[str, str]]
    """`Output` records of the API, as a deployment has them."""
    template: str
    """The original text, as it was sent."""


class StackReader(Protocol):
    """Reads a stack of an account and Region with a role of the account.

    Raises StackNotFound, StackUnreadable and AwsUnavailable.
    """

    def __call__(self, account_id: str, region: str, role: str, stack: str) -> DeployedStack:
        """The stack with this name or ARN."""


class Stacks:
    """The `StackReader` for AWS."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def __call__(self, account_id: str, region: str, role: str, stack: str) -> DeployedStack:
        """The stack with this name or ARN. A deleted one is found by its ARN only."""
        try:
            client = self._aws.client("cloudformation", account_id, region, role)
            # botocore makes a dictionary of a template in JSON, and its text counts here.
            client.meta.events.unregister("after-call.cloudformation.GetTemplate", json_decode_template_body)
            found = client.describe_stacks(StackName=stack)["Stacks"][0]
            text = client.get_template(StackName=found["StackId"], TemplateStage="Original")["TemplateBody"]
        except (ClientError, BotoCoreError) as error:
            raise _refusal(error, role, stack) from None
        return DeployedStack(
            id=found["StackId"],
            name=found["StackName"],
            status=found["StackStatus"],
            created_at=round(found["CreationTime"].timestamp(), 3),
            tags={
                tag["Key"]: tag["Value"]
                for tag in found.get("Tags", [])
                if not tag["Key"].startswith(_RESERVED)
            },
            parameters=[parameter["ParameterKey"] for parameter in found.get("Parameters", [])],
            nested_in=found.get("ParentId"),
            outputs=outputs_of(found)[0],
            template=text,
        )


def outputs_of(stack: Mapping[str, Any]) -> tuple[list[dict[str, str]], list[str]]:
    """The outputs of a stack of DescribeStacks, and the keys of those that the API cannot have."""
    found = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    invalid = [key for key, value in found.items() if len(value) not in _OUTPUT_LENGTH]
    return [{"key": key, "valueString": value} for key, value in found.items() if key not in invalid], invalid


def provisioned_resource(name: str, stack_id: str) -> dict[str, str]:
    """The `ProvisionedResource` record of a stack."""
    return {"name": name, "identifier": stack_id, "provisioningEngine": "CLOUDFORMATION"}


def environment_of(tags: Mapping[str, str]) -> str | None:
    """The name of the environment in the tag `proton:environment`, whose value is an ARN or a name."""
    return tags.get(ENVIRONMENT_TAG, "").rpartition("/")[2] or None


def is_of_codebuild(stack: str) -> bool:
    """Whether a stack's name is that of a project, and not of an environment that is called CodeBuild."""
    return _CODEBUILD.match(stack) is not None


def template_of(tags: Mapping[str, str]) -> str | None:
    """The name of the template in the tag `proton:template`: a name or an ARN, with a version or without."""
    return tags.get(TEMPLATE_TAG, "").rpartition("/")[2].partition(":")[0] or None


def _refusal(error: ClientError | BotoCoreError, role: str, stack: str) -> Exception:
    waiting = temporary_error(error)
    if waiting is not None or not isinstance(error, ClientError):
        return AwsUnavailable(waiting or "AWS cannot be called.")
    reason = error.response["Error"]["Message"]
    if error.operation_name == "AssumeRole":
        return StackUnreadable(f"The Proton service role {role} could not be assumed: {reason}")
    if "does not exist" in reason:
        return StackNotFound(f"Stack not found: {stack}")
    return StackUnreadable(f"The Proton service role {role} cannot read the stack {stack}: {reason}")
