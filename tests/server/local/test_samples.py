"""AWS's own sample environments, unchanged: created, updated, replaced, deleted, with nothing left behind."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.local.local_aws import LocalAws, outputs_of

ARN = r"arn:aws:{}:us-east-1:\d{{12}}:{}"
NETWORK = {
    "SNSTopicArn": ARN.format("sns", "sample-ping"),
    "SNSTopicName": "sample-ping",
    "SNSRegion": "us-east-1",
    "VPC": "vpc-[0-9a-f]{17}",
    "PublicSubnet1": "subnet-[0-9a-f]{17}",
    "PublicSubnet2": "subnet-[0-9a-f]{17}",
    "PrivateSubnet1": "subnet-[0-9a-f]{17}",
    "PrivateSubnet2": "subnet-[0-9a-f]{17}",
}
OUTPUTS = {
    "vpc-env": NETWORK
    | {
        "VPCSecurityGroup": "sg-[0-9a-f]{17}",
        "VpcConnectorArn": ARN.format("apprunner", "vpcconnector/my-env-vpc-connector"),
    },
    "fargate-env": NETWORK
    | {
        "Cluster": r"sample-Cluster-\w+",
        "ClusterArn": ARN.format("ecs", r"cluster/sample-Cluster-\w+"),
        "ServiceTaskDefExecutionRoleArn": r"arn:aws:iam::\d{12}:role/sample-ServiceTaskDefExecutionRole-\w+",
        "CloudMapNamespaceId": r"\w+-[0-9a-f]{17}",
    },
    "lambda-env": {"TableName": r"sample-AppTable-\w+", "AppBucketArn": r"arn:aws:s3:::sample-appbucket-\w+"},
}


def inventory(aws: LocalAws, account: str) -> dict[str, int]:
    """How many of each thing an account has; what AWS goes on listing as deleted is not counted."""
    ec2, ecs = aws.client("ec2", account), aws.client("ecs", account)
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
    return {
        "vpcs": len(ec2.describe_vpcs()["Vpcs"]),
        "subnets": len(ec2.describe_subnets()["Subnets"]),
        "route tables": len(ec2.describe_route_tables()["RouteTables"]),
        "internet gateways": len(ec2.describe_internet_gateways()["InternetGateways"]),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
        "nat gateways": len([gateway for gateway in gateways if gateway["State"] != "deleted"]),
        "interfaces": len(ec2.describe_network_interfaces()["NetworkInterfaces"]),
        "security groups": len(ec2.describe_security_groups()["SecurityGroups"]),
        "endpoints": len(ec2.describe_vpc_endpoints()["VpcEndpoints"]),
        "clusters": len([cluster for cluster in clusters if cluster["status"] != "INACTIVE"]),
        "topics": len(aws.client("sns", account).list_topics()["Topics"]),
        "buckets": len(aws.client("s3", account).list_buckets()["Buckets"]),
        "tables": len(aws.client("dynamodb", account).list_tables()["TableNames"]),
        "roles": len(aws.client("iam", account).list_roles()["Roles"]),
    }


def describe(cloudformation: Any, name: str = "sample") -> dict[str, Any]:
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stack


def create(cloudformation: Any, body: str) -> dict[str, Any]:
    cloudformation.create_stack(StackName="sample", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    return describe(cloudformation)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_sample_is_created_with_its_outputs_and_deleted_without_a_trace(
    name: str, aws: LocalAws, account: str, cloudformation: Any, sample: Callable[..., str]
) -> None:
    before = inventory(aws, account)
    stack = create(cloudformation, sample(name))
    outputs = outputs_of(stack)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert outputs.keys() == OUTPUTS[name].keys()
    for key, pattern in OUTPUTS[name].items():
        assert re.fullmatch(pattern, outputs[key]), f"{key} is {outputs[key]}"
    assert inventory(aws, account) != before

    cloudformation.delete_stack(StackName="sample")
    assert describe(cloudformation, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert inventory(aws, account) == before


@pytest.mark.parametrize("name", ["vpc-env", "fargate-env"])
def test_a_subnet_whose_range_changes_is_replaced_and_the_rest_stays(
    name: str, aws: LocalAws, account: str, cloudformation: Any, sample: Callable[..., str]
) -> None:
    before = inventory(aws, account)
    old = outputs_of(create(cloudformation, sample(name)))
    between = inventory(aws, account)
    cloudformation.update_stack(
        StackName="sample", TemplateBody=sample(name, public_subnet_one_cidr="10.0.0.0/19")
    )
    stack = describe(cloudformation)
    new = outputs_of(stack)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert {key for key in new if new[key] != old[key]} == {"PublicSubnet1"}
    ec2 = aws.client("ec2", account)
    (subnet,) = ec2.describe_subnets(SubnetIds=[new["PublicSubnet1"]])["Subnets"]
    assert subnet["CidrBlock"] == "10.0.0.0/19"
    assert subnet["MapPublicIpOnLaunch"] is True
    live = {
        gateway["NatGatewayId"]
        for gateway in ec2.describe_nat_gateways()["NatGateways"]
        if gateway["State"] != "deleted"
    }
    routed = {
        route["NatGatewayId"]
        for table in ec2.describe_route_tables()["RouteTables"]
        for route in table["Routes"]
        if "NatGatewayId" in route
    }
    assert routed == live
    assert inventory(aws, account) == between
    cloudformation.delete_stack(StackName="sample")
    assert inventory(aws, account) == before


@pytest.mark.parametrize("name", ["vpc-env", "fargate-env"])
def test_a_network_whose_range_changes_is_replaced_as_a_whole(
    name: str, aws: LocalAws, account: str, cloudformation: Any, sample: Callable[..., str]
) -> None:
    before = inventory(aws, account)
    old = outputs_of(create(cloudformation, sample(name)))
    between = inventory(aws, account)
    moved = {
        "vpc_cidr": "10.1.0.0/16",
        "public_subnet_one_cidr": "10.1.0.0/18",
        "public_subnet_two_cidr": "10.1.64.0/18",
        "private_subnet_one_cidr": "10.1.128.0/18",
        "private_subnet_two_cidr": "10.1.192.0/18",
    }
    cloudformation.update_stack(StackName="sample", TemplateBody=sample(name, **moved))
    new = outputs_of(describe(cloudformation))
    assert describe(cloudformation)["StackStatus"] == "UPDATE_COMPLETE"
    assert new["VPC"] != old["VPC"]
    assert new["SNSTopicArn"] == old["SNSTopicArn"]
    (vpc,) = aws.client("ec2", account).describe_vpcs(VpcIds=[new["VPC"]])["Vpcs"]
    assert vpc["CidrBlock"] == "10.1.0.0/16"
    assert inventory(aws, account) == between
    cloudformation.delete_stack(StackName="sample")
    assert inventory(aws, account) == before


def test_a_table_is_changed_in_place(
    aws: LocalAws, account: str, cloudformation: Any, sample: Callable[..., str]
) -> None:
    old = outputs_of(create(cloudformation, sample("lambda-env")))
    cloudformation.update_stack(
        StackName="sample", TemplateBody=sample("lambda-env", ttl_attribute="expires")
    )
    new = outputs_of(describe(cloudformation))
    ttl = aws.client("dynamodb", account).describe_time_to_live(TableName=new["TableName"])
    assert new == old
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires"
    assert ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


def test_a_failed_update_of_a_sample_puts_everything_back(
    aws: LocalAws, account: str, cloudformation: Any, sample: Callable[..., str]
) -> None:
    old = outputs_of(create(cloudformation, sample("vpc-env")))
    before = inventory(aws, account)
    cloudformation.update_stack(
        StackName="sample",
        TemplateBody=sample("vpc-env", vpc_cidr="10.2.0.0/16", private_subnet_two_cidr="no"),
    )
    stack = describe(cloudformation)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert outputs_of(stack) == old
    assert inventory(aws, account) == before
    cloudformation.delete_stack(StackName="sample")
    assert "sample" not in [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]


def test_a_type_that_moto_does_not_model_is_logged_as_a_placeholder(
    cloudformation: Any, sample: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    body = sample("vpc-env")
    with caplog.at_level(logging.WARNING, logger="proton_server.local"):
        first = outputs_of(create(cloudformation, body))
    logged = [record.getMessage() for record in caplog.records]
    assert any(
        "ApprunnerVpcConnector (AWS::AppRunner::VpcConnector) of stack sample is a placeholder" in line
        for line in logged
    )
    cloudformation.delete_stack(StackName="sample")
    again = outputs_of(create(cloudformation, body))
    assert again["VpcConnectorArn"] == first["VpcConnectorArn"]
