"""The target of a deployment: template version and spec. The server's rules of deploymentType.

Everything that decides it is here: which members each deploymentType accepts, which version it leads to, and
whether the spec fits that version. Decisions over rows; nothing is written.
https://docs.aws.amazon.com/proton/latest/APIReference/API_UpdateEnvironment.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from proton_server.engine.evaluation import SPEC_CHECK, EvaluationError
from proton_server.operations.errors import ValidationException
from proton_server.operations.rows import recommended_version, template_row, version_row
from proton_server.provisioning.methods import CONNECTION, MEMBERS, ROLES
from proton_templates.spec import SpecError, read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from proton_server.operations.call import Call

_METADATA = {"name", "deploymentType", "description"}
_SETTINGS = {*ROLES, CONNECTION}
"""How Proton acts. They are in effect from the call on, so that a deletion that failed for want of a role can
be repeated with another one, and nothing is deployed before."""
_DEPLOYED = {"spec", *MEMBERS}
_VERSION = {"templateMajorVersion", "templateMinorVersion"}

_ACCEPTED = {
    "NONE": _METADATA | _SETTINGS,
    "CURRENT_VERSION": _METADATA | _DEPLOYED,
    "MINOR_VERSION": _METADATA | _DEPLOYED | _VERSION,
    "MAJOR_VERSION": _METADATA | _DEPLOYED | _VERSION,
}
"""The members of UpdateEnvironment that each deploymentType accepts."""


DEPLOYABLE = ("DRAFT", "PUBLISHED")
"""Statuses of the versions that can be deployed."""


def check_members(request: dict[str, Any]) -> None:
    """Raises ValidationException for a member that its deploymentType does not accept.

    AWS documents "do not include" and not what happens otherwise: a refusal cannot be misunderstood.
    """
    deployment_type = request["deploymentType"]
    extra = sorted(set(request) - _ACCEPTED[deployment_type])
    if extra:
        message = f"{', '.join(extra)} cannot be updated with deploymentType {deployment_type}."
        raise ValidationException(message)


def version_to_create(call: Call, request: dict[str, Any]) -> sa.Row[Any]:
    """The version that CreateEnvironment names: without a minor version, the recommended one."""
    return _version(
        call, request["templateName"], request["templateMajorVersion"], request.get("templateMinorVersion")
    )


def version_to_update(call: Call, current: dict[str, Any], request: dict[str, Any]) -> sa.Row[Any]:
    """The version that UpdateEnvironment leads to, from the `current` template members of the environment."""
    template, major = current["templateName"], current["templateMajorVersion"]
    deployment_type = request["deploymentType"]
    wanted_major, wanted_minor = request.get("templateMajorVersion"), request.get("templateMinorVersion")
    if deployment_type == "CURRENT_VERSION":
        return _version(call, template, major, current["templateMinorVersion"])
    if deployment_type == "MINOR_VERSION":
        if wanted_major not in (None, major):
            message = f"deploymentType MINOR_VERSION stays within major version {major}: use MAJOR_VERSION."
            raise ValidationException(message)
        return _version(call, template, major, wanted_minor)
    if wanted_major is None:
        recommended = template_row(call, template).record.get("recommendedVersion", major)
        wanted_major = recommended.split(".")[0]
    if int(wanted_major) <= int(major):
        message = f"deploymentType MAJOR_VERSION needs a major version higher than {major}."
        raise ValidationException(message)
    return _version(call, template, wanted_major, wanted_minor)


def target_state(call: Call, version: sa.Row[Any], spec: str) -> dict[str, str]:
    """The target state (`EnvironmentState` of the API) of a deployment of this version and spec.

    Raises ValidationException if the spec does not fit the version's schema, naming the path.
    """
    error = call.answers.to(
        ("target_state", version.id, spec), lambda: partial(_misfit, spec, version.input_schema)
    )
    if error is not None:
        raise ValidationException(error)
    return {
        "templateName": version.template_name,
        "templateMajorVersion": str(version.major),
        "templateMinorVersion": str(version.minor),
        "spec": spec,
    }


def _misfit(spec: str, schema: dict[str, Any], evaluate: Callable[..., Any]) -> str | None:
    """Why the spec does not fit the schema, or None."""
    try:
        evaluate(SPEC_CHECK, read_inputs, spec, schema)
    except (SpecError, EvaluationError) as error:
        return str(error)
    return None


def _version(call: Call, template: str, major: str, minor: str | None) -> sa.Row[Any]:
    if minor is None:
        recommended = recommended_version(call, template, int(major))
        if recommended is None:
            template_row(call, template)
            message = f"Environment template {template} has no published version under major version {major}."
            raise ValidationException(f"{message} Publish one, or name a templateMinorVersion.")
        return recommended
    row = version_row(call, template, major, minor)
    if row.record["status"] not in DEPLOYABLE:
        message = f"Environment template version {template} {major}.{minor} is {row.record['status']}"
        raise ValidationException(f"{message} and cannot be deployed.")
    return row
