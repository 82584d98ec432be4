"""CloudFormation templates: text in, a checked `Template` out.

Pure. What can be known from the text alone is refused here, in CloudFormation's own words, before anything is
created; what depends on values (conditions, mappings, properties) is judged later, where the values are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.references import Reference, references
from proton_server.local.cloudformation.template_text import load

PSEUDO_PARAMETERS = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId",
        "NoValue",
        "NotificationARNs",
        "Partition",
        "Region",
        "StackId",
        "StackName",
        "URLSuffix",
    )
)

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
}
_MOST = {"Mappings": 200, "Outputs": 200, "Parameters": 200, "Resources": 500}
_RESOURCE_MEMBERS = {
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Version",
}


@dataclass(frozen=True)
class Template:
    """A template whose form and references are valid."""

    body: str
    description: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    transforms: tuple[str, ...] = ()

    def types(self) -> set[str]:
        """The resource types the template names."""
        return {resource["Type"] for resource in self.resources.values()}

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Every (logical id, attribute) that the template asks for with Fn::GetAtt or ``${A.B}``."""
        for reference in references([dict(self.resources), dict(self.outputs)]):
            if reference.attribute is not None:
                yield reference.name, reference.attribute

    def order(self, conditions: Mapping[str, bool]) -> list[str]:
        """The logical ids to create, each after those it depends on.

        Args:
            conditions: the value of each condition; a resource whose condition is false is left out.

        Raises:
            TemplateError: resources depend on each other in a circle, or on one that is not created.

        """
        active = [name for name, resource in self.resources.items() if _holds(resource, conditions)]
        waiting = {name: self._dependencies(name, conditions) for name in active}
        for name in active:
            _refuse_unresolved(waiting[name] - set(active), "Resources", _UNRESOLVED_BY_CONDITION)
            # DependsOn may name a resource that the conditions left out: CloudFormation then ignores it.
            waiting[name] |= set(depends_on(self.resources[name])) & set(active)
        for output in self.outputs.values():
            if _holds(output, conditions):
                missing = self._resources_in(output, conditions) - set(active)
                _refuse_unresolved(missing, "Outputs", _UNRESOLVED_BY_CONDITION)
        sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(active, ()))
        for name in active:
            sorter.add(name, *sorted(waiting[name]))
        try:
            return list(sorter.static_order())
        except CycleError as error:
            circle = sorted(set(error.args[1]))
            raise TemplateError(f"Circular dependency between resources: [{', '.join(circle)}]") from None

    def _dependencies(self, name: str, conditions: Mapping[str, bool]) -> set[str]:
        return self._resources_in(self.resources[name].get("Properties"), conditions)

    def _resources_in(self, value: Any, conditions: Mapping[str, bool]) -> set[str]:
        return {reference.name for reference in references(value, conditions)} & self.resources.keys()


def read_template(body: str) -> Template:
    """Read and check a template in YAML or JSON.

    Raises:
        TemplateError: one sentence, as CloudFormation puts it.

    """
    document = load(body)
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    if unknown := sorted(str(key) for key in document.keys() - _SECTIONS):
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if not isinstance(document.get("Description", ""), str):
        raise TemplateError("Template format error: every Description must be a String.")
    sections = {name: _section(document, name) for name in ("Parameters", "Mappings", "Conditions")}
    template = Template(
        body=body,
        description=document.get("Description"),
        parameters=sections["Parameters"],
        mappings=sections["Mappings"],
        conditions=sections["Conditions"],
        resources=_section(document, "Resources"),
        outputs=_section(document, "Outputs"),
        transforms=tuple(_listed(document.get("Transform"))),
    )
    _check_resources(template)
    _check_outputs(template)
    _check_mappings(template)
    _check_references(template)
    return template


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in document:
        return {}
    section = document[name]
    if section is None:
        raise TemplateError(f"[/{name}] 'null' values are not allowed in templates")
    if not isinstance(section, dict):
        raise TemplateError(f"Template format error: {name} must be an object.")
    if len(section) > _MOST.get(name, len(section)):
        raise TemplateError(
            f"Template format error: Number of {name.lower()}, {len(section)}, is greater than maximum "
            f"allowed, {_MOST[name]}"
        )
    for key, value in section.items():
        if name != "Conditions" and not isinstance(value, dict):
            raise TemplateError(
                f"Template format error: Every {name} object must be an object: {key} is none."
            )
    return section


def _check_resources(template: Template) -> None:
    if not template.resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for name, resource in template.resources.items():
        if not name.isalnum():
            raise TemplateError(f"Template format error: Resource name {name} is non alphanumeric.")
        if not isinstance(resource.get("Type"), str):
            raise TemplateError(
                f"Template format error: [/Resources/{name}] "
                "Every Resources object must contain a Type member."
            )
        if unknown := sorted(str(key) for key in resource.keys() - _RESOURCE_MEMBERS):
            raise TemplateError(f"Invalid template resource property '{unknown[0]}'")
        if not isinstance(resource.get("Properties", {}), dict):
            raise TemplateError(
                f"Template format error: [/Resources/{name}/Properties] Properties must be an object."
            )


def _check_outputs(template: Template) -> None:
    for name, output in template.outputs.items():
        if "Value" not in output:
            raise TemplateError(
                f"Template format error: Output {name} is malformed. "
                "Every Outputs member must contain a Value object"
            )
        export = output.get("Export", {"Name": ""})
        if not isinstance(export, dict) or "Name" not in export:
            raise TemplateError(f"Template format error: Output {name} has an Export without a Name")
        if not isinstance(output.get("Description", ""), str):
            raise TemplateError(f"Template format error: Output {name} has a Description that is no String.")


def _check_mappings(template: Template) -> None:
    for mapping in template.mappings.values():
        for attributes in mapping.values():
            if not isinstance(attributes, dict):
                raise TemplateError("Template format error: Every Mappings member must be a map")
            for value in attributes.values():
                items = value if isinstance(value, list) else [value]
                if any(isinstance(item, dict | list) for item in items):
                    raise TemplateError(
                        "Template format error: Every Mappings attribute must be a String or a List."
                    )


def _check_references(template: Template) -> None:
    in_conditions = {reference.name for reference in references(dict(template.conditions))}
    _refuse_unresolved(in_conditions - template.parameters.keys() - PSEUDO_PARAMETERS, "Conditions")
    known = template.resources.keys() | template.parameters.keys() | PSEUDO_PARAMETERS
    for block, members in (("Resources", template.resources), ("Outputs", template.outputs)):
        found = list(references(dict(members)))
        _refuse_undefined_attributes(found, template.resources)
        named = {reference.name for reference in found if reference.attribute is None}
        if block == "Resources":
            named |= {target for resource in members.values() for target in depends_on(resource)}
        _refuse_unresolved(named - known, block)
        for name, member in members.items():
            condition = member.get("Condition")
            if condition is not None and str(condition) not in template.conditions:
                raise TemplateError(
                    f"Template format error: Unresolved condition dependency {condition} "
                    f"in the {block} block of the template ({name})"
                )


def _refuse_undefined_attributes(found: Collection[Reference], resources: Collection[str]) -> None:
    for reference in found:
        if reference.attribute is not None and reference.name not in resources:
            raise TemplateError(
                f"Template error: instance of Fn::GetAtt references undefined resource {reference.name}"
            )


_UNRESOLVED = "Template format error: Unresolved resource dependencies [{}] in the {} block of the template"
# What a condition leaves out is no error of format, and is reported without that.
_UNRESOLVED_BY_CONDITION = _UNRESOLVED.removeprefix("Template format error: ")


def _refuse_unresolved(names: Collection[str], block: str, sentence: str = _UNRESOLVED) -> None:
    if names:
        raise TemplateError(sentence.format(", ".join(sorted(names)), block))


def _holds(member: Mapping[str, Any], conditions: Mapping[str, bool]) -> bool:
    return conditions[member["Condition"]] if "Condition" in member else True


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """What a resource's DependsOn names."""
    return _listed(resource.get("DependsOn"))


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
