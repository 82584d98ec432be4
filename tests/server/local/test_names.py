"""The names of resources that a template does not name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from proton_server.local.cloudformation.names import generated_name
from tests.server.local.local_aws import outputs_of

UNIQUE = "0123456789AB"
LONG = "a-stack-of-proton--" + "x" * 100


def name(type_: str, property_: str | None, stack: str) -> str:
    return generated_name(type_, property_, stack, "Thing", UNIQUE)


@pytest.mark.parametrize(
    ("type_", "property_", "stack", "expected"),
    [
        ("AWS::SNS::Topic", "TopicName", "one", "one-Thing-0123456789AB"),
        ("AWS::SNS::Topic", "TopicName", "proton--one-", "proton-one-Thing-0123456789AB"),
        ("AWS::ECR::Repository", "RepositoryName", "Proton--One", "proton-one-thing-0123456789ab"),
        ("AWS::S3::Bucket", "BucketName", "One", "one-thing-0123456789ab"),
        ("AWS::RDS::DBInstance", "DBInstanceIdentifier", "One--1", "One-1-Thing-0123456789AB"),
        ("AWS::Unheard::Of", None, "one", "one-Thing-0123456789AB"),
    ],
)
def test_a_name_is_of_stack_logical_id_and_suffix_in_the_types_own_letters(
    type_: str, property_: str | None, stack: str, expected: str
) -> None:
    assert name(type_, property_, stack) == expected


@pytest.mark.parametrize(
    ("type_", "property_", "longest"),
    [
        ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name", 32),
        ("AWS::IAM::Role", "RoleName", 64),
        ("AWS::S3::Bucket", "BucketName", 63),
        ("AWS::SQS::Queue", "QueueName", 80),
    ],
)
def test_a_long_name_keeps_the_logical_id_and_the_suffix(type_: str, property_: str, longest: int) -> None:
    made = name(type_, property_, LONG)
    assert len(made) <= longest
    assert made.lower().startswith("a-stack")
    assert made.lower().endswith("-thing-0123456789ab")


TYPES = {
    "Repository": {"Type": "AWS::ECR::Repository"},
    "Targets": {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {"TargetType": "lambda"},
    },
    "Database": {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {
            "Engine": "postgres",
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": "20",
            "MasterUsername": "admin1",
            "MasterUserPassword": "correct-horse",
        },
    },
}


@pytest.mark.parametrize("logical_id", TYPES)
def test_a_service_that_refuses_two_hyphens_takes_the_name_made_for_a_stack_of_proton(
    cloudformation: Any, logical_id: str
) -> None:
    template = {
        "Resources": {logical_id: TYPES[logical_id]},
        "Outputs": {"O": {"Value": {"Ref": logical_id}}},
    }
    cloudformation.create_stack(StackName="proton--my-env", TemplateBody=json.dumps(template))
    (stack,) = cloudformation.describe_stacks(StackName="proton--my-env")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert re.search(r"proton-my-", outputs_of(stack)["O"], re.IGNORECASE)
    assert "--" not in outputs_of(stack)["O"]
