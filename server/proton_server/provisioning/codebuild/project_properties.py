"""A CodeBuild project: the members that Proton sets, and those that a manifest's `project_properties` add.

The properties are those of AWS::CodeBuild::Project; CodeBuild's API has the same in camel case, so botocore's
model of the API gives the name and the type of each. No calls to AWS here.
https://docs.aws.amazon.com/proton/latest/userguide/vpc-codebuild-custom-support.html
"""

from __future__ import annotations

import re
from textwrap import indent
from typing import TYPE_CHECKING, Any

from botocore.validate import ParamValidator

from proton_server.provisioning.errors import ProvisioningError
from proton_templates.documents import load_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

    _Fitting = Callable[[Any, Any, str], Any]
    """A value of the manifest, its shape in the model, its path → the value for the API."""

_SET_BY_PROTON = ("name", "serviceRole", "source", "sourceVersion", "artifacts")

_UNSET = {
    "queuedTimeoutInMinutes": 480,
    "vpcConfig": {},
    "cache": {"type": "NO_CACHE"},
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": {"status": "DISABLED"}},
    "secondarySources": [],
    "secondaryArtifacts": [],
    "fileSystemLocations": [],
}
"""UpdateProject keeps members that it is not given: a property that a template dropped is reset to this."""


class PropertiesError(ProvisioningError):
    """The manifest's project properties are not valid; the message is a sentence without values."""


def with_properties(base: dict[str, Any], properties: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """`base`, the members of CreateProject that Proton sets, together with a manifest's properties.

    Args:
        base: with `environment` and `tags`, which the properties may add to.
        properties: `project_properties`, rendered.
        shape: the input of CreateProject in botocore's model.

    Raises PropertiesError.

    """
    added = _fit(properties, shape, "project_properties")
    for member in _SET_BY_PROTON:
        if member in added:
            raise PropertiesError(f"manifest.yaml: project_properties cannot set {member}: Proton sets it.")
    environment = {**base["environment"], **added.get("environment", {})}
    environment["environmentVariables"] = [
        *added.get("environment", {}).get("environmentVariables", []),
        *base["environment"]["environmentVariables"],
    ]
    project = {**base, **added, "environment": environment, "tags": [*added.get("tags", []), *base["tags"]]}
    report = ParamValidator().validate(project, shape)
    if report.has_errors():
        # All types are right, so the report quotes numbers and lengths only.
        first = re.sub(r" value: -?\d+,", "", report.generate_report().splitlines()[0])
        raise PropertiesError(f"manifest.yaml: project_properties are not valid in CodeBuild: {first}.")
    return project


def as_update(project: dict[str, Any]) -> dict[str, Any]:
    """A project's members for UpdateProject: dropped properties are reset to their defaults."""
    return {**_UNSET, **project}


def _fit(value: Any, shape: Any, path: str) -> Any:
    """`value` in the API's names and types. A rendered value is text: "['a']" where a list is expected."""
    try:
        fit: _Fitting = _FIT.get(shape.type_name, _string)
        return fit(value, shape, path)
    except (TypeError, ValueError):
        raise PropertiesError(f"manifest.yaml: {path} must be of type {shape.type_name}.") from None


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    names = {name.lower(): name for name in shape.members}
    unknown = [key for key in value if key.lower() not in names]
    if unknown:
        raise PropertiesError(f"manifest.yaml: {path}.{unknown[0]} is not a property of CodeBuild's API.")
    members = {names[key.lower()]: key for key in value}
    return {name: _fit(value[key], shape.members[name], f"{path}.{key}") for name, key in members.items()}


def _list(value: Any, shape: Any, path: str) -> list[Any]:
    # Below a key, on a line of its own and indented, since load_mapping reads mappings.
    items = load_mapping(f"items:\n{indent(value, ' ')}")["items"] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise TypeError
    return [_fit(item, shape.member, f"{path}[{index}]") for index, item in enumerate(items)]


def _boolean(value: Any, _shape: Any, _path: str) -> bool:
    truth = {"true": True, "false": False}.get(str(value).strip().lower())
    if truth is None:
        raise ValueError
    return truth


def _integer(value: Any, _shape: Any, _path: str) -> int:
    if isinstance(value, bool):
        raise TypeError
    return int(str(value))


def _string(value: Any, _shape: Any, _path: str) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError
    return str(value).lower() if isinstance(value, bool) else str(value)


_FIT: Mapping[str, _Fitting] = {
    "structure": _structure,
    "list": _list,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
}
