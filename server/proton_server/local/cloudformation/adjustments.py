"""What must be spelled out in properties for moto's models, because AWS has a default or reads it otherwise.

One table: type -> a function of the properties, which it may change. What is the same for all types is first:
the defaults that a type's schema declares.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.schemas import schema_of

_Properties = dict[str, Any]


def adjusted(type_: str, properties: Mapping[str, Any], location: Location) -> _Properties:
    """A copy of a resource's properties that moto's model of the type can read."""
    schema = schema_of(type_)
    given = {**(schema.defaults() if schema else {}), **copy.deepcopy(dict(properties))}
    if type_ in _ADJUSTMENTS:
        _ADJUSTMENTS[type_](given, location)
    return given


class _Named(str):
    """A name that is its own name: moto takes some names for objects that have one."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self)


def _rules(properties: _Properties, _location: Location) -> None:
    """A rule for all ports names none."""
    for member in ("SecurityGroupIngress", "SecurityGroupEgress"):
        for rule in properties.get(member, []):
            rule.setdefault("FromPort", None)
            rule.setdefault("ToPort", None)


def _key(properties: _Properties, location: Location) -> None:
    """Without a policy a key has the default one, and moto reads policies as text.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{location.partition}:iam::{location.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    default = {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}
    policy = properties.get("KeyPolicy", default)
    properties["KeyPolicy"] = policy if isinstance(policy, str) else json.dumps(policy)


def _policies(properties: _Properties, _location: Location) -> None:
    """A policy document without a Version has an old one, which moto refuses and AWS takes."""
    for member in ("PolicyDocument", "AssumeRolePolicyDocument"):
        if member in properties:
            properties[member] = _with_version(properties[member])
    for policy in properties.get("Policies", []):
        if isinstance(policy, dict) and "PolicyDocument" in policy:
            policy["PolicyDocument"] = _with_version(policy["PolicyDocument"])


def _with_version(document: Any) -> Any:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return document
    return {"Version": "2012-10-17", **document} if isinstance(document, dict) else document


def _database(properties: _Properties, _location: Location) -> None:
    """AWS reads the engine in any case."""
    if isinstance(properties.get("Engine"), str):
        properties["Engine"] = properties["Engine"].lower()
    if "DBSubnetGroupName" in properties:
        properties["DBSubnetGroupName"] = _Named(properties["DBSubnetGroupName"])
    if "DBSecurityGroups" in properties:
        properties["DBSecurityGroups"] = [_Named(name) for name in properties["DBSecurityGroups"]]


def _document(properties: _Properties, _location: Location) -> None:
    """A document is a command document unless it says otherwise."""
    properties.setdefault("DocumentType", "Command")


def _volumes(properties: _Properties, _location: Location) -> None:
    """A volume without a size has that of its image's snapshot, which moto does not look up."""
    for mapping in properties.get("LaunchTemplateData", properties).get("BlockDeviceMappings", []):
        ebs = mapping.get("Ebs")
        if isinstance(ebs, dict) and "SnapshotId" not in ebs:
            ebs.setdefault("VolumeSize", _IMAGE_GIBIBYTES)


_IMAGE_GIBIBYTES = 8

_ADJUSTMENTS: Mapping[str, Callable[[_Properties, Location], None]] = {
    "AWS::AutoScaling::LaunchConfiguration": _volumes,
    "AWS::EC2::Instance": _volumes,
    "AWS::EC2::LaunchTemplate": _volumes,
    "AWS::EC2::SecurityGroup": _rules,
    "AWS::IAM::Group": _policies,
    "AWS::IAM::ManagedPolicy": _policies,
    "AWS::IAM::Policy": _policies,
    "AWS::IAM::Role": _policies,
    "AWS::IAM::User": _policies,
    "AWS::KMS::Key": _key,
    "AWS::RDS::DBInstance": _database,
    "AWS::SSM::Document": _document,
}
