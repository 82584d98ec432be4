"""What a stack is deployed from: a template and its parameters, checked before anything is created."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proton_server.local.cloudformation.deployment import Deployment
from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.intrinsics import as_text
from proton_server.local.cloudformation.parameters import resolve_parameters
from proton_server.local.cloudformation.resources import has_attribute, is_known
from proton_server.local.cloudformation.template import Template


@dataclass(frozen=True)
class Target:
    """A template, the parameters given for it, and the values of all its parameters."""

    template: Template
    given: Mapping[str, str]
    values: Mapping[str, Any]

    def texts(self) -> dict[str, str]:
        """Every parameter as it was given, or as its default was: what UsePreviousValue means."""
        declared = self.template.parameters.items()
        return {
            name: self.given[name] if name in self.given else as_text(slot["Default"])
            for name, slot in declared
        }

    def deploys_as(self, other: Target) -> bool:
        """Whether the two ask for the same: not whether their texts are equal."""
        one, two = self.template, other.template
        return self.values == other.values and all(
            getattr(one, section) == getattr(two, section)
            for section in ("resources", "outputs", "mappings", "conditions")
        )


def read_target(
    template: Template, given: Mapping[str, str], read_ssm: Callable[[str], str], deployment: Deployment
) -> Target:
    """A template with its parameters, checked for a stack with `deployment`.

    Raises:
        TemplateError: a sentence as CloudFormation puts it; nothing was created.

    """
    target = Target(template, given, resolve_parameters(template.parameters, given, read_ssm))
    _check_types(template, deployment)
    for name, attribute in template.attributes():
        if not has_attribute(template.resources[name]["Type"], attribute):
            raise TemplateError(
                f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
            )
    _, condition_values = deployment.scope(template, target.values)
    template.order(condition_values)
    return target


def given_parameters(parameters: list[dict[str, Any]], previous: Mapping[str, str]) -> dict[str, str]:
    """A request's parameters by name; UsePreviousValue takes the value the stack has."""
    given = {}
    for parameter in parameters:
        key = parameter["ParameterKey"]
        if parameter.get("UsePreviousValue") not in (True, "true"):
            given[key] = parameter.get("ParameterValue", "")
        elif key in previous:
            given[key] = previous[key]
    return given


def _check_types(template: Template, deployment: Deployment) -> None:
    if unknown := sorted(type_ for type_ in template.types() if not is_known(type_)):
        raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    changed = [
        name
        for name, live in deployment.live.items()
        if template.resources.get(name, {"Type": live.type})["Type"] != live.type
    ]
    if changed:
        raise TemplateError(
            "Update of resource type is not permitted. The new template modifies resource type of the "
            f"following resources: [{', '.join(changed)}]"
        )
