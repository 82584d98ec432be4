"""A CodeBuild project: what Proton decides about it, and what a manifest's `project_properties` add.

The properties are those of AWS::CodeBuild::Project; CodeBuild's API has the same with other capitals, so
botocore's model of the API says what each is called there and of which type it is. No calls to AWS here.
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
    """A value of the manifest, the shape it should have, where it stands → the value for the API."""

_PROTONS_OWN = ("name", "serviceRole", "source", "sourceVersion", "artifacts")

_UNSET = {
    "queuedTimeoutInMinutes": 480,
    "vpcConfig": {},
    "cache": {"type": "NO_CACHE"},
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": {"status": "DISABLED"}},
    "secondarySources": [],
    "secondaryArtifacts": [],
    "fileSystemLocations": [],
}
"""UpdateProject leaves what it is not told as it was: what a template dropped is put back to this."""


class PropertiesError(ProvisioningError):
    """The manifest's project properties do not fit CodeBuild; the text is a sentence without values."""


def with_properties(base: dict[str, Any], properties: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """`base`, the members of CreateProject that Proton decides, together with a manifest's properties.

    Args:
        base: with `environment` and `tags`, which the properties may add to.
        properties: `project_properties`, rendered.
        shape: the input of CreateProject in botocore's model.

    Raises PropertiesError.

    """
    added = _fit(properties, shape, "project_properties")
    for member in _PROTONS_OWN:
        if member in added:
            raise PropertiesError(
                f"manifest.yaml: project_properties cannot set {member}, which Proton does."
            )
    environment = {**base["environment"], **added.get("environment", {})}
    environment["environmentVariables"] = [
        *added.get("environment", {}).get("environmentVariables", []),
        *base["environment"]["environmentVariables"],
    ]
    project = {**base, **added, "environment": environment, "tags": [*added.get("tags", []), *base["tags"]]}
    report = ParamValidator().validate(project, shape)
    if report.has_errors():
        # With all types right, what a report quotes are numbers and lengths.
        first = re.sub(r" value: -?\d+,", "", report.generate_report().splitlines()[0])
        raise PropertiesError(f"manifest.yaml: project_properties do not fit CodeBuild's API: {first}.")
    return project


def as_update(project: dict[str, Any]) -> dict[str, Any]:
    """A project's members for UpdateProject: dropped properties go back to their defaults."""
    return {**_UNSET, **project}


def _fit(value: Any, shape: Any, path: str) -> Any:
    """`value` in the API's names and types. What was rendered is text: "['a']" where a list is wanted."""
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
        raise PropertiesError(
            f"manifest.yaml: {path}.{unknown[0]} is no property that CodeBuild's API takes."
        )
    members = {names[key.lower()]: key for key in value}
    return {name: _fit(value[key], shape.members[name], f"{path}.{key}") for name, key in members.items()}


def _list(value: Any, shape: Any, path: str) -> list[Any]:
    # Below a key, in a line of its own and so indented, for documents are mappings.
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
