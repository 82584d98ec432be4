"""Settings of existing resources that moto's models ignore when CloudFormation makes or updates them.

One table: type -> (service, action on the service's backend). An action sets what the properties name, and
may be repeated; with one, a type can be updated in place although moto's model of it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_Properties = Mapping[str, Any]


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


SETTERS: Mapping[str, tuple[str, Callable[[Any, Any, _Properties], None]]] = {
    "AWS::DynamoDB::Table": ("dynamodb", _set_table),
    "AWS::EC2::Subnet": ("ec2", _set_subnet),
    "AWS::EC2::VPC": ("ec2", _set_vpc),
    "AWS::Logs::LogGroup": ("logs", _set_log_group),
}
