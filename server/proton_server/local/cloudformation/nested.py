"""Stacks within stacks: AWS::CloudFormation::Stack, deployed at once while its parent is.

Each function ends with the nested stack in a final state, which the caller judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proton_server.local.cloudformation import lifecycle
from proton_server.local.cloudformation.intrinsics import as_text
from proton_server.local.cloudformation.stack_store import sound_template
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.template_url import read_template_url

if TYPE_CHECKING:
    from proton_server.local.cloudformation.backend import LocalCloudFormation
    from proton_server.local.cloudformation.template import Template

_Properties = Mapping[str, Any]


def create(cloudformation: LocalCloudFormation, name: str, properties: _Properties) -> Stack:
    """Create a nested stack.

    Raises:
        ValidationError: its template or parameters are unsound.

    """
    stack = cloudformation.new_stack(name, _tags(properties))
    target = cloudformation.target(stack, _template(cloudformation, properties), _parameters(properties))
    stack.target = target
    cloudformation.stacks[stack.stack_id] = stack
    stack.enter("CREATE_IN_PROGRESS")
    lifecycle.create(stack, target, cloudformation.exchange)
    return stack


def update(cloudformation: LocalCloudFormation, stack: Stack, properties: _Properties) -> None:
    """Update a nested stack, whether or not anything changes.

    Raises:
        ValidationError: its template or parameters are unsound.

    """
    target = cloudformation.target(stack, _template(cloudformation, properties), _parameters(properties))
    stack.enter("UPDATE_IN_PROGRESS")
    lifecycle.update(stack, target, cloudformation.exchange, _tags(properties))


def delete(cloudformation: LocalCloudFormation, stack: Stack) -> None:
    """Delete a nested stack."""
    stack.enter("DELETE_IN_PROGRESS")
    lifecycle.delete(stack, frozenset(), cloudformation.exchange)
    cloudformation.archive(stack)


def _template(cloudformation: LocalCloudFormation, properties: _Properties) -> Template:
    url, account, partition = properties["TemplateURL"], cloudformation.account_id, cloudformation.partition
    return sound_template(read_template_url(url, account, partition))


def _parameters(properties: _Properties) -> dict[str, str]:
    return {name: as_text(value) for name, value in properties.get("Parameters", {}).items()}


def _tags(properties: _Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
