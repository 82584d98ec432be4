"""What the schemas decide: types, faults, replacement, ids."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.placeholders import Placeholder
from proton_server.local.cloudformation.plan import decide
from proton_server.local.cloudformation.schemas import ResourceSchema, schema_of

LOCATION = Location(
    "111111111111", "eu-west-1", "my-stack", "arn:aws:cloudformation:eu-west-1:111111111111:stack/my-stack/1"
)


def known(type_: str) -> ResourceSchema:
    schema = schema_of(type_)
    assert schema is not None
    return schema


@pytest.mark.parametrize(
    ("type_", "properties", "sentence"),
    [
        ("AWS::EC2::Subnet", {"CidrBlock": "10.0.0.0/24"}, "#: required key [VpcId] not found"),
        ("AWS::SNS::Topic", {"TopicNam": "x"}, "#: extraneous key [TopicNam] is not permitted"),
        ("AWS::SNS::Topic", {"TopicName": ["x"]}, "#/TopicName: expected type: String, found: JSONArray"),
        (
            "AWS::EC2::VPC",
            {"EnableDnsSupport": "maybe"},
            "#/EnableDnsSupport: expected type: Boolean, found: String",
        ),
        ("AWS::SNS::Topic", {"Tags": [{"Key": "a"}]}, "#/Tags/0: required key [Value] not found"),
        (
            "AWS::Lambda::Function",
            {"Code": {}, "Role": "x"},
            "#/Role: failed validation constraint for keyword [pattern]",
        ),
        (
            "AWS::DynamoDB::Table",
            {"KeySchema": [], "BillingMode": 5},
            "#/BillingMode: 5 is not a valid enum value",
        ),
        ("AWS::SNS::Topic", {"TopicName": "x"}, None),
    ],
)
def test_properties_are_judged_as_cloudformation_words_it(
    type_: str, properties: dict[str, Any], sentence: str | None
) -> None:
    schema = known(type_)
    assert schema.violation(schema.coerce(properties), properties) == sentence


def test_scalars_take_the_declared_type() -> None:
    coerced = known("AWS::SQS::Queue").coerce(
        {"FifoQueue": "true", "VisibilityTimeout": "30", "QueueName": 5, "Tags": [{"Key": 1, "Value": True}]}
    )
    assert coerced == {
        "FifoQueue": True,
        "VisibilityTimeout": 30,
        "QueueName": "5",
        "Tags": [{"Key": "1", "Value": "true"}],
    }


def subnet(vpc: str, block: str) -> dict[str, str]:
    return {"VpcId": vpc, "CidrBlock": block}


def attachment(vpc: str) -> dict[str, str]:
    return {"VpcId": vpc, "InternetGatewayId": "igw-1"}


@pytest.mark.parametrize(
    ("type_", "old", "new", "action"),
    [
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.0.0.0/16"}, "keep"),
        ("AWS::EC2::VPC", {"EnableDnsSupport": True}, {"EnableDnsSupport": False}, "update"),
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.1.0.0/16"}, "replace"),
        ("AWS::EC2::Subnet", subnet("a", "10.0.0.0/24"), subnet("a", "10.0.0.0/25"), "swap"),
        ("AWS::EC2::Subnet", subnet("a", "10.0.0.0/24"), subnet("a", "10.0.1.0/24"), "replace"),
        ("AWS::EC2::Subnet", subnet("a", "10.0.0.0/24"), subnet("b", "10.0.0.0/24"), "replace"),
        ("AWS::EC2::VPCGatewayAttachment", attachment("a"), attachment("b"), "swap"),
        ("AWS::DynamoDB::Table", {"TableName": "t"}, {"TableName": "u"}, "replace"),
        ("AWS::Kinesis::Stream", {"Name": "s"}, {"Name": "t"}, "replace"),
        ("AWS::CodeBuild::Project", {"Name": "p", "Source": 1}, {"Name": "p", "Source": 2}, "update"),
        ("AWS::ECS::Cluster", {"ClusterName": "a"}, {"ClusterName": "b"}, "replace"),
        ("AWS::AppRunner::VpcConnector", {"Subnets": ["a"]}, {"Subnets": ["b"]}, "replace"),
        ("AWS::EC2::KeyPair", {"KeyName": "k", "KeyType": "a"}, {"KeyName": "k", "KeyType": "b"}, "refuse"),
        ("Custom::Thing", {"a": 1}, {"a": 2}, "update"),
    ],
)
def test_a_change_of_properties_decides_the_action(
    type_: str, old: dict[str, Any], new: dict[str, Any], action: str
) -> None:
    assert decide(type_, old, new) == action


def placeholder(type_: str, location: Location = LOCATION, generation: int = 0) -> Placeholder:
    return Placeholder(type_, "Thing", location, schema_of(type_), generation)


def test_a_placeholder_has_the_same_id_at_each_creation_of_the_stack() -> None:
    again = replace(LOCATION, stack_id=LOCATION.stack_id.replace("/1", "/2"))
    one, two = (
        placeholder("AWS::EKS::Nodegroup", location).physical_id({}) for location in (LOCATION, again)
    )
    assert one == two


@pytest.mark.parametrize(
    "other",
    [
        ("222222222222", "eu-west-1", "my-stack"),
        ("111111111111", "us-east-1", "my-stack"),
        ("111111111111", "eu-west-1", "theirs"),
    ],
)
def test_a_placeholder_elsewhere_has_another_id(other: tuple[str, str, str]) -> None:
    elsewhere = placeholder("AWS::AppRunner::Service", Location(*other, LOCATION.stack_id))
    assert elsewhere.physical_id({}) != placeholder("AWS::AppRunner::Service").physical_id({})


def test_a_replaced_placeholder_has_another_id() -> None:
    first, second = (placeholder("AWS::AppRunner::Service", generation=n).physical_id({}) for n in (0, 1))
    assert first != second


@pytest.mark.parametrize(
    ("type_", "properties", "attribute", "pattern"),
    [
        (
            "AWS::AppRunner::Service",
            {},
            "ServiceArn",
            r"arn:aws:apprunner:eu-west-1:111111111111:service/my-stack-Thing-\w+",
        ),
        ("AWS::OpenSearchService::Domain", {}, "DomainEndpoint", r"[0-9a-f]+\.es\.eu-west-1\.amazonaws\.com"),
        ("AWS::EKS::Cluster", {"Name": "pets"}, "Arn", r"arn:aws:eks:eu-west-1:111111111111:cluster/pets"),
        ("AWS::EKS::Cluster", {"Name": "pets"}, "Name", "pets"),
        ("AWS::RDS::DBCluster", {}, "Endpoint.Port", r"\d+"),
        ("AWS::CloudFront::Distribution", {}, "DomainName", r"\S+\.amazonaws\.com"),
    ],
)
def test_a_placeholders_attribute_has_its_shape(
    type_: str, properties: dict[str, Any], attribute: str, pattern: str
) -> None:
    value = placeholder(type_).attribute(attribute, properties)
    assert re.fullmatch(pattern, str(value)), value


@pytest.mark.parametrize(
    ("type_", "properties", "physical_id"),
    [
        ("AWS::EKS::Cluster", {"Name": "pets"}, "pets"),
        ("AWS::CodeBuild::Project", {"Name": "build"}, "build"),
        ("AWS::ApiGatewayV2::Stage", {"ApiId": "a", "StageName": "live"}, "live"),
        ("AWS::WAFv2::WebACL", {"Name": "acl", "Scope": "REGIONAL", "Id": "i"}, "acl|i|REGIONAL"),
    ],
)
def test_ref_is_what_the_types_page_says(type_: str, properties: dict[str, Any], physical_id: str) -> None:
    assert placeholder(type_).physical_id(properties) == physical_id


def test_text_that_a_function_yields_is_not_judged_by_its_pattern() -> None:
    schema = known("AWS::Lambda::Function")
    assert schema.violation({"Code": {}, "Role": "x"}, {"Code": {}, "Role": {"Ref": "Role"}}) is None
