"""Settings that CloudFormation changes without a new resource ("Update requires: No interruption")."""

from __future__ import annotations

import json
from typing import Any

from tests.server.local.local_aws import LocalAws


def deploy(cloudformation: Any, resources: dict[str, Any], call: str = "create") -> dict[str, str]:
    """Creates or updates the stack; the physical id of each resource."""
    getattr(cloudformation, f"{call}_stack")(
        StackName="in-place", TemplateBody=json.dumps({"Resources": resources})
    )
    (stack,) = cloudformation.describe_stacks(StackName="in-place")["Stacks"]
    assert stack["StackStatus"] == f"{call.upper()}_COMPLETE", stack.get("StackStatusReason")
    found = cloudformation.describe_stack_resources(StackName="in-place")["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def of_type(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def balanced(port: int, rule_path: str, check: str) -> dict[str, Any]:
    v2 = "AWS::ElasticLoadBalancingV2"
    forward = [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]
    return {
        "Vpc": of_type("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "A": of_type("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.0.0/24"),
        "B": of_type("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.1.0/24"),
        "Balancer": of_type(f"{v2}::LoadBalancer", Subnets=[{"Ref": "A"}, {"Ref": "B"}]),
        "Targets": of_type(
            f"{v2}::TargetGroup", VpcId={"Ref": "Vpc"}, Protocol="HTTP", Port=80, HealthCheckPath=check
        ),
        "Listener": of_type(
            f"{v2}::Listener",
            LoadBalancerArn={"Ref": "Balancer"},
            Port=port,
            Protocol="HTTP",
            DefaultActions=forward,
        ),
        "Rule": of_type(
            f"{v2}::ListenerRule",
            ListenerArn={"Ref": "Listener"},
            Priority=5,
            Conditions=[{"Field": "path-pattern", "Values": [rule_path]}],
            Actions=forward,
        ),
    }


def test_a_listener_its_rule_and_its_targets_change_in_place(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    before = deploy(cloudformation, balanced(80, "/a", "/"))
    after = deploy(cloudformation, balanced(8080, "/b", "/health"), "update")
    assert after == before
    elbv2 = aws.client("elbv2", account)
    (listener,) = elbv2.describe_listeners(ListenerArns=[after["Listener"]])["Listeners"]
    (rule,) = elbv2.describe_rules(RuleArns=[after["Rule"]])["Rules"]
    (targets,) = elbv2.describe_target_groups(TargetGroupArns=[after["Targets"]])["TargetGroups"]
    assert listener["Port"] == 8080
    assert rule["Conditions"] == [{"Field": "path-pattern", "Values": ["/b"]}]
    assert targets["HealthCheckPath"] == "/health"


def policy(action: str) -> dict[str, Any]:
    """A policy document without a version, which AWS reads as one of 2008."""
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def permitted(action: str, role: str, description: str) -> dict[str, Any]:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
    return {
        "First": of_type("AWS::IAM::Role", AssumeRolePolicyDocument=trust),
        "Second": of_type("AWS::IAM::Role", AssumeRolePolicyDocument=trust),
        "Policy": of_type("AWS::IAM::ManagedPolicy", PolicyDocument=policy(action), Roles=[{"Ref": role}]),
        "Inline": of_type(
            "AWS::IAM::Policy", PolicyName="p", PolicyDocument=policy(action), Roles=[{"Ref": role}]
        ),
        "Profile": of_type("AWS::IAM::InstanceProfile", Roles=[{"Ref": role}]),
        "Key": of_type("AWS::KMS::Key", Description=description, EnableKeyRotation=True),
        "Group": of_type("AWS::IAM::Group"),
    }


def test_policies_profiles_and_keys_change_in_place(aws: LocalAws, account: str, cloudformation: Any) -> None:
    before = deploy(cloudformation, permitted("s3:GetObject", "First", "old"))
    after = deploy(cloudformation, permitted("s3:PutObject", "Second", "new"), "update")
    assert after == before
    iam = aws.client("iam", account)
    current = iam.get_policy(PolicyArn=after["Policy"])["Policy"]["DefaultVersionId"]
    version = iam.get_policy_version(PolicyArn=after["Policy"], VersionId=current)["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"] == "s3:PutObject"
    attached = {
        role: len(iam.list_attached_role_policies(RoleName=after[role])["AttachedPolicies"])
        for role in ("First", "Second")
    }
    assert attached == {"First": 0, "Second": 1}
    profile = iam.get_instance_profile(InstanceProfileName=after["Profile"])["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [after["Second"]]
    key = aws.client("kms", account).describe_key(KeyId=after["Key"])["KeyMetadata"]
    assert key["Description"] == "new"


def test_the_oldest_version_of_a_policy_makes_room_for_the_sixth(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    def versions(action: str) -> dict[str, Any]:
        return {"Policy": of_type("AWS::IAM::ManagedPolicy", PolicyDocument=policy(action))}

    arn = deploy(cloudformation, versions("s3:Get0"))["Policy"]
    for number in range(1, 7):
        deploy(cloudformation, versions(f"s3:Get{number}"), "update")
    kept = aws.client("iam", account).list_policy_versions(PolicyArn=arn)["Versions"]
    assert sorted(version["VersionId"] for version in kept) == ["v3", "v4", "v5", "v6", "v7"]
    assert [version["VersionId"] for version in kept if version["IsDefaultVersion"]] == ["v7"]


def test_tags_of_what_has_no_other_settings_change(aws: LocalAws, account: str, cloudformation: Any) -> None:
    def tagged(value: str) -> dict[str, Any]:
        return {"Gateway": of_type("AWS::EC2::InternetGateway", Tags=[{"Key": "k", "Value": value}])}

    deploy(cloudformation, tagged("old"))
    gateway = deploy(cloudformation, tagged("new"), "update")["Gateway"]
    ec2 = aws.client("ec2", account)
    (found,) = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert {"Key": "k", "Value": "new"} in found["Tags"]


def test_a_security_group_whose_rule_names_no_ports_is_made(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    rules = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]
    group = of_type("AWS::EC2::SecurityGroup", GroupDescription="all", SecurityGroupIngress=rules)
    group_id = deploy(
        cloudformation, {"Vpc": of_type("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"), "Group": group}
    )
    (found,) = aws.client("ec2", account).describe_security_groups(GroupIds=[group_id["Group"]])[
        "SecurityGroups"
    ]
    assert [rule["IpProtocol"] for rule in found["IpPermissions"]] == ["-1"]


def test_a_queue_changes_in_place_and_what_is_left_out_gets_its_default(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    sqs = aws.client("sqs", account)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made: list[str] = []

    def attributes(**properties: Any) -> dict[str, str]:
        resources = {"Queue": of_type("AWS::SQS::Queue", **properties)}
        made.append(deploy(cloudformation, resources, "update" if made else "create")["Queue"])
        answer = sqs.get_queue_attributes(QueueUrl=made[-1], AttributeNames=["All"])
        found: dict[str, str] = answer["Attributes"]
        return found

    attributes(MessageRetentionPeriod=345600, DelaySeconds=5)
    sqs.set_queue_attributes(QueueUrl=made[0], Attributes={"Policy": policy})
    changed = attributes(MessageRetentionPeriod=604800, VisibilityTimeout=60)

    assert (changed["MessageRetentionPeriod"], changed["VisibilityTimeout"]) == ("604800", "60")
    assert changed["DelaySeconds"] == "0"
    assert json.loads(changed["Policy"])["Statement"] == [statement]
    assert made[0] == made[1]
