"""The names of resources whose template gives them none: the stack's, the logical id, and twelve characters.

As CloudFormation's own handlers make them (`IdentifierUtils` of its resource providers' library): the parts
are shortened to what the type allows, no name begins with a hyphen, and two hyphens in a row become one. The
names of Proton's stacks have two, which ECR, RDS and load balancers refuse. Pure.

Source: AWS CloudFormation User Guide, "Name type".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from proton_server.local.cloudformation.schemas import schema_of
from proton_templates import patterns

# The longest name of types whose schema does not say it (each service's API Reference).
_LONGEST: Mapping[str, int] = {
    "AWS::Batch::ComputeEnvironment": 128,
    "AWS::CloudFormation::Stack": 128,
    "AWS::EC2::LaunchTemplate": 128,
    "AWS::ElasticLoadBalancing::LoadBalancer": 32,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": 32,
    "AWS::ElasticLoadBalancingV2::TargetGroup": 32,
    "AWS::Lambda::Function": 64,
    "AWS::SQS::Queue": 80,
}
_LONGEST_OF_ALL = 255


def generated_name(type_: str, property_: str | None, stack_name: str, logical_id: str, unique: str) -> str:
    """The name of a resource that has none.

    Args:
        type_: the resource's.
        property_: the property that would give the name, if it is known.
        stack_name: whose resource it is.
        logical_id: its name in the template.
        unique: what distinguishes it from others of that stack and logical id.

    """
    schema = schema_of(type_)
    rules = (schema.attribute(property_) if schema and property_ else None) or {}
    longest = min(rules.get("maxLength", _LONGEST_OF_ALL), _LONGEST.get(type_, _LONGEST_OF_ALL))
    room = longest - len(unique) - 2
    logical = logical_id[: max(room // 2, room - len(stack_name))]
    name = re.sub("-+", "-", f"{stack_name[: room - len(logical)]}-{logical}-{unique}").lstrip("-")
    pattern = rules.get("pattern")
    if pattern and not _matches(pattern, name) and _matches(pattern, name.lower()):
        return name.lower()
    return name


def _matches(pattern: str, name: str) -> bool:
    try:
        return bool(patterns.search(pattern, name))
    except patterns.PatternError:
        return True
