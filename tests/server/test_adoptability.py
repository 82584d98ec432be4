"""Which stacks can be adopted, and what is said of the others: pure decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.loaders import Loader

from proton_server.operations.adoptability import AT_REST, obstacle, warnings
from proton_server.provisioning.cloudformation.stacks import DeployedStack, environment_of, template_of
from proton_server.provisioning.cloudformation.status import STATE_OF

ARN = "arn:aws:proton:eu-west-1:111122223333:environment/vpc_env_of_the_team"
STACK = DeployedStack(
    id="arn:aws:cloudformation:eu-west-1:111122223333:stack/AWSProton-vpc-env-of-the--cloudformation--A/1",
    name="AWSProton-vpc-env-of-the--cloudformation--A",
    status="CREATE_COMPLETE",
    created_at=0.0,
    tags={},
    parameters=(),
    nested_in=None,
    outputs=(),
    template="Resources: {}",
)
LARGEST = 51_200
_SHAPES: dict[str, Any] = Loader().load_service_model("cloudformation", "service-2")["shapes"]
STATUSES: list[str] = _SHAPES["StackStatus"]["enum"]


def test_a_stack_at_rest_is_adopted_without_a_warning() -> None:
    assert obstacle(STACK, "vpc_env_of_the_team", LARGEST) is None
    assert warnings(STACK, ARN) == []


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_at_rest_or_forbids_it_in_a_sentence(status: str) -> None:
    reason = obstacle(replace(STACK, status=status), "e", LARGEST)
    if status in AT_REST:
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith(f"It is {status}: ")
        assert reason.endswith(".")
        assert "it cannot be updated." not in reason, "nothing says what to do"


def test_every_status_that_is_at_rest_can_be_updated() -> None:
    assert STATE_OF.keys() >= AT_REST


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("arn:aws:proton:eu-west-1:111122223333:environment/vpc", "vpc"),
        ("vpc", "vpc"),
        ("", None),
        (None, None),
    ],
)
def test_the_environment_in_a_tag_is_an_arn_or_a_name(tag: str | None, name: str | None) -> None:
    assert environment_of({} if tag is None else {"proton:environment": tag}) == name


@pytest.mark.parametrize(
    "tag",
    [
        "vpc",
        "vpc:1.0",
        "arn:aws:proton:eu-west-1:111122223333:environment-template/vpc",
        "arn:aws:proton:eu-west-1:111122223333:environment-template/vpc:1",
        "arn:aws:proton:eu-west-1:111122223333:environment-template/vpc:1.0",
    ],
)
def test_the_template_in_a_tag_is_an_arn_or_a_name_with_a_version_or_without(tag: str) -> None:
    assert template_of({"proton:template": tag}) == "vpc"


def test_a_template_that_is_larger_than_the_server_can_send_is_an_obstacle() -> None:
    stack = replace(STACK, template="é" * 25_601)

    assert obstacle(stack, "e", 1_048_576) is None
    assert obstacle(stack, "e", 51_200) == (
        "Its template has 51,202 bytes, and this server deploys 51,200 at most in this Region: the operator "
        "can raise that to 1,048,576 with --stack-template-bucket. Otherwise keep the stack, and manage it "
        "with CloudFormation."
    )


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"tags": {"proton:account": "999999999999"}}, "The stack's tag proton:account is '999999999999'"),
        (
            {"tags": {"proton:environment": ARN.replace("eu-west-1", "us-east-1")}},
            "The stack's tag proton:environment is",
        ),
        (
            {"tags": {"proton:template": "arn:aws:proton:eu-west-1:9:environment-template/vpc"}},
            "The stack's tag proton:template is",
        ),
        ({"status": "UPDATE_ROLLBACK_COMPLETE"}, "The stack is UPDATE_ROLLBACK_COMPLETE: the last change"),
        ({"parameters": ("Cidr",)}, "The template has parameters (Cidr): the next deployment gives them"),
        ({"name": "own"}, "Neither a tag nor the stack's name says of which environment it is"),
    ],
)
def test_what_the_next_deployment_would_change_is_a_warning(changes: dict[str, Any], warning: str) -> None:
    (found,) = warnings(replace(STACK, **changes), ARN)
    assert found.startswith(warning)
    assert found.endswith(".")
