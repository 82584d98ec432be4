"""Settings of existing resources that moto's models ignore when CloudFormation makes or updates them.

Two tables: type -> (service, action on the service's backend). An action sets what the properties name, and
may be repeated; with one, a type can be updated in place although moto's model of it cannot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

_Properties = Mapping[str, Any]
# Of a managed policy: "IAM and AWS STS quotas".
_MAX_VERSIONS = 5


def _set_vpc(ec2: Any, vpc: Any, properties: _Properties) -> None:
    for name, attribute in (
        ("EnableDnsSupport", "enable_dns_support"),
        ("EnableDnsHostnames", "enable_dns_hostnames"),
    ):
        if name in properties:
            ec2.modify_vpc_attribute(vpc.id, attribute, properties[name])


def _set_subnet(ec2: Any, subnet: Any, properties: _Properties) -> None:
    if "MapPublicIpOnLaunch" in properties:
        ec2.modify_subnet_attribute(subnet.id, "map_public_ip_on_launch", properties["MapPublicIpOnLaunch"])


def _set_table(dynamodb: Any, table: Any, properties: _Properties) -> None:
    dynamodb.update_table(
        name=table.name,
        attr_definitions=properties.get("AttributeDefinitions"),
        global_index=None,
        throughput=properties.get("ProvisionedThroughput"),
        billing_mode=properties.get("BillingMode"),
        stream_spec=None,
        deletion_protection_enabled=properties.get("DeletionProtectionEnabled"),
        warm_throughput=None,
    )
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(table.name, properties["TimeToLiveSpecification"])


def _set_log_group(logs: Any, group: Any, properties: _Properties) -> None:
    days = properties.get("RetentionInDays")
    if days is None:
        logs.delete_retention_policy(group.name)
    else:
        logs.put_retention_policy(group.name, days)


def _set_load_balancer(elbv2: Any, balancer: Any, properties: _Properties) -> None:
    if "SecurityGroups" in properties:
        elbv2.set_security_groups(balancer.arn, properties["SecurityGroups"])
    subnets = {subnet.id for subnet in balancer.subnets}
    if "Subnets" in properties and set(properties["Subnets"]) != subnets:
        elbv2.set_subnets(balancer.arn, properties["Subnets"], [])
    if properties.get("IpAddressType") in ("ipv4", "dualstack"):
        elbv2.set_ip_address_type(balancer.arn, properties["IpAddressType"])
    attributes = {each["Key"]: each["Value"] for each in properties.get("LoadBalancerAttributes", [])}
    known = {key: value for key, value in attributes.items() if key in balancer.VALID_ATTRS}
    elbv2.modify_load_balancer_attributes(balancer.arn, known)


def _set_target_group(elbv2: Any, group: Any, properties: _Properties) -> None:
    elbv2.modify_target_group(
        group.arn,
        health_check_proto=properties.get("HealthCheckProtocol"),
        health_check_port=properties.get("HealthCheckPort"),
        health_check_path=properties.get("HealthCheckPath"),
        health_check_interval=properties.get("HealthCheckIntervalSeconds"),
        health_check_timeout=properties.get("HealthCheckTimeoutSeconds"),
        healthy_threshold_count=properties.get("HealthyThresholdCount"),
        unhealthy_threshold_count=properties.get("UnhealthyThresholdCount"),
        http_codes=properties.get("Matcher", {}).get("HttpCode"),
        health_check_enabled=properties.get("HealthCheckEnabled"),
    )
    attributes = {each["Key"]: each["Value"] for each in properties.get("TargetGroupAttributes", [])}
    elbv2.modify_target_group_attributes(group.arn, attributes)


def _set_instance(ec2: Any, instance: Any, properties: _Properties) -> None:
    if "InstanceType" in properties:
        ec2.modify_instance_attribute(instance.id, "instance_type", properties["InstanceType"])


def _set_instance_profile(iam: Any, profile: Any, properties: _Properties) -> None:
    wanted = properties.get("Roles", [])
    for role in [role.name for role in profile.roles if role.name not in wanted]:
        iam.remove_role_from_instance_profile(profile.name, role)
    for role in wanted:
        if role not in [each.name for each in profile.roles]:
            iam.add_role_to_instance_profile(profile.name, role)


def _set_managed_policy(iam: Any, policy: Any, properties: _Properties) -> None:
    """A policy keeps five versions; CloudFormation deletes the oldest to make room."""
    document = properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps({"Version": "2012-10-17", **document})
    current = next(each for each in policy.versions if each.is_default)
    if json.loads(current.document) != json.loads(text):
        if len(policy.versions) >= _MAX_VERSIONS:
            oldest = next(each for each in policy.versions if not each.is_default)
            iam.delete_policy_version(policy.arn, oldest.version_id)
        iam.create_policy_version(policy.arn, text, set_as_default=True)
    for member, holders, attach, detach in (
        ("Roles", iam.roles, iam.attach_role_policy, iam.detach_role_policy),
        ("Users", iam.users, iam.attach_user_policy, iam.detach_user_policy),
        ("Groups", iam.groups, iam.attach_group_policy, iam.detach_group_policy),
    ):
        attached = {each.name for each in holders.values() if policy.arn in each.managed_policies}
        wanted = set(properties.get(member, ()))
        for name in sorted(wanted - attached):
            attach(policy.arn, name)
        for name in sorted(attached - wanted):
            detach(policy.arn, name)


_QUEUE_DEFAULTS: _Properties = {
    "DelaySeconds": 0,
    "KmsDataKeyReusePeriodSeconds": 300,
    "KmsMasterKeyId": None,
    "MessageRetentionPeriod": 345600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "RedrivePolicy": None,
    "VisibilityTimeout": 30,
}
"""CloudFormation User Guide, AWS::SQS::Queue; the attributes of those names that change in place."""


def _set_queue(sqs: Any, queue: Any, properties: _Properties) -> None:
    set_ = {name: properties.get(name, default) for name, default in _QUEUE_DEFAULTS.items()}
    # A queue policy is a resource of its own, and stays.
    sqs.set_queue_attributes(queue.name, {**set_, "Policy": queue.policy})


def _set_key(kms: Any, key: Any, properties: _Properties) -> None:
    kms.update_key_description(key.id, properties.get("Description", ""))
    if "KeyPolicy" in properties:
        policy = properties["KeyPolicy"]
        kms.put_key_policy(key.id, policy if isinstance(policy, str) else json.dumps(policy))
    key.key_rotation_status = properties.get("EnableKeyRotation", False)
    (kms.enable_key if properties.get("Enabled", True) else kms.disable_key)(key.id)


Setters = Mapping[str, tuple[str, Callable[[Any, Any, _Properties], None]]]

SETTERS: Setters = {
    "AWS::DynamoDB::Table": ("dynamodb", _set_table),
    "AWS::EC2::Subnet": ("ec2", _set_subnet),
    "AWS::EC2::VPC": ("ec2", _set_vpc),
    "AWS::Logs::LogGroup": ("logs", _set_log_group),
}
"""What moto's models ignore when a resource is made, and when it is updated."""

UPDATES: Setters = {
    **SETTERS,
    "AWS::EC2::Instance": ("ec2", _set_instance),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("elbv2", _set_load_balancer),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elbv2", _set_target_group),
    "AWS::IAM::InstanceProfile": ("iam", _set_instance_profile),
    "AWS::IAM::ManagedPolicy": ("iam", _set_managed_policy),
    "AWS::KMS::Key": ("kms", _set_key),
    "AWS::SQS::Queue": ("sqs", _set_queue),
}
"""What is set when a resource is updated, in place of an update of moto's."""
