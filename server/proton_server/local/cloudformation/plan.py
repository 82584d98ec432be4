"""What to do with one resource, from what it is and what it shall be. Pure: properties in, a decision out."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Literal

from proton_server.local.cloudformation.schemas import schema_of

Action = Literal["create", "keep", "update", "replace", "swap", "refuse"]
"""Make it; nothing; in place; new first, old at the end; old first; impossible, for both have one name."""

_Properties = Mapping[str, Any]


def decide(type_: str, old: _Properties, new: _Properties) -> Action:
    """How an existing resource of `type_` gets from the properties `old` to `new`."""
    if old == new:
        return "keep"
    schema = schema_of(type_)
    if schema is None or not schema.replaces(old, new):
        return "update"
    if schema.named_by_user(new) and all(old.get(name) == new[name] for name in schema.identifier):
        return "refuse"
    return "swap" if _EXCLUSIVE.get(type_, _never)(old, new) else "replace"


def _never(_old: _Properties, _new: _Properties) -> bool:
    return False


def _both_hold(name: str) -> Callable[[_Properties, _Properties], bool]:
    return lambda old, new: old.get(name) is not None and old.get(name) == new.get(name)


def _overlap(old: _Properties, new: _Properties) -> bool:
    try:
        blocks = [ipaddress.ip_network(subnet["CidrBlock"]) for subnet in (old, new)]
    except (KeyError, ValueError):
        return False
    return old.get("VpcId") == new.get("VpcId") and blocks[0].overlaps(blocks[1])


# Types of which the old and the new cannot exist side by side. AWS tries nevertheless, fails and rolls back
# ("The CIDR … conflicts with another subnet"); a local AWS that did so could not change a subnet's range at
# all in one update.
_EXCLUSIVE: Mapping[str, Callable[[_Properties, _Properties], bool]] = {
    "AWS::EC2::EIPAssociation": _both_hold("AllocationId"),
    # moto takes flow logs of one resource and destination for the same; AWS compares what they log, too.
    "AWS::EC2::FlowLog": _both_hold("ResourceId"),
    "AWS::EC2::NatGateway": _both_hold("AllocationId"),
    "AWS::EC2::Subnet": _overlap,
    "AWS::EC2::SubnetRouteTableAssociation": _both_hold("SubnetId"),
    "AWS::EC2::VPCGatewayAttachment": _both_hold("InternetGatewayId"),
}
