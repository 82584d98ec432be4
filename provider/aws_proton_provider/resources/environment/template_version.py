"""Which version of which template an environment has or wants, and what `check` decides of it.

Pure: AWS Proton is asked through `Service`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from aws_proton_provider.core.checking import Failure
from aws_proton_provider.core.values import UNKNOWN, State, Value
from aws_proton_provider.resources.check_context import Service

_TEMPLATE, _MAJOR, _MINOR = "templateName", "templateMajorVersion", "templateMinorVersion"


class TemplateVersion(NamedTuple):
    """A version of a template, as a state or inputs name it. `minor` is None where it is left open."""

    template: Value
    major: Value
    minor: Value

    @classmethod
    def of(cls, state: State) -> TemplateVersion:
        """The version in a state or in inputs; all parts are None where there is none."""
        return cls(state.get(_TEMPLATE), state.get(_MAJOR), state.get(_MINOR))

    @property
    def major_is_known(self) -> bool:
        """Whether template and major version are known."""
        return self.template is not UNKNOWN and self.major is not UNKNOWN


def version_failures(olds: State, inputs: State, service: Service) -> list[Failure]:
    """That the template version does not exist. The deployed one is not checked again."""
    wanted = TemplateVersion.of(inputs)
    template, major, minor = wanted
    if not wanted.major_is_known or wanted == TemplateVersion.of(olds):
        return []
    if service.template(template) == {}:
        return [Failure(_TEMPLATE, f"no environment template {template} in this account and Region")]
    versions = service.minor_versions(template, major)
    if versions is None:
        return []
    if not versions:
        return [Failure(_MAJOR, f"template {template} has no version {major}")]
    minors = [item["minorVersion"] for item in versions]
    if minor in (None, UNKNOWN, *minors):
        return []
    existing = ", ".join(f"{major}.{item}" for item in minors)
    return [Failure(_MINOR, f"template {template} has no version {major}.{minor}; it has {existing}")]


def fill_minor_version(olds: State, inputs: State, service: Service) -> None:
    """Fills in the minor version that the program left open, so that a preview shows it.

    It is the deployed one, or with another template or major version the recommended one: a version published
    meanwhile changes nothing.
    """
    wanted, before = TemplateVersion.of(inputs), TemplateVersion.of(olds)
    if wanted.minor is not None or not wanted.major_is_known:
        return
    minor = before.minor if wanted[:2] == before[:2] else recommended_minor_version(wanted, service)
    inputs |= {} if minor is None else {_MINOR: minor}


def recommended_minor_version(version: TemplateVersion, service: Service) -> str | None:
    """The recommended minor version of a template's major version."""
    listed = service.minor_versions(version.template, version.major) or ()
    return next(
        (item["recommendedMinorVersion"] for item in listed if "recommendedMinorVersion" in item), None
    )


def version_warnings(olds: State, inputs: State, service: Service) -> Iterator[str]:
    """What a reviewer should know of a version that is new to the environment."""
    wanted = TemplateVersion.of(inputs)
    template, major, minor = wanted
    if wanted == TemplateVersion.of(olds) or UNKNOWN in wanted or minor is None:
        return
    listed = service.minor_versions(template, major) or []
    recommended = recommended_minor_version(wanted, service)
    if any(item["minorVersion"] == minor and item["status"] == "DRAFT" for item in listed):
        yield f"version {major}.{minor} of template {template}, which is a DRAFT and not published"
    elif recommended is not None and recommended != minor:
        yield f"version {major}.{minor} of template {template}, not the recommended {major}.{recommended}"
