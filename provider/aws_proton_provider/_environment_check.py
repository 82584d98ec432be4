"""What `check` decides of an environment besides its properties' types.

Pure: the service answers through `Service`.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import _connections, _spec
from ._deployment import Decision, Level
from ._lifecycle import Change, Failure, Service
from ._values import UNKNOWN, State, Value

_CONNECTION = "environmentAccountConnectionId"
_VERSION = ("templateName", "templateMajorVersion", "templateMinorVersion")
_EXCLUDED_BY = {
    _CONNECTION: ("protonServiceRoleArn", "codebuildRoleArn", "provisioningRepository"),
    "provisioningRepository": ("protonServiceRoleArn",),
}
"""What may not stand beside what (CreateEnvironment: "omit …" of each way of provisioning)."""


def exclusive(inputs: State) -> list[Failure]:
    """The ways of provisioning that are asked for at once."""
    return [
        Failure(other, f"cannot stand beside {wire}: each is a way of provisioning of its own")
        for wire, others in _EXCLUDED_BY.items()
        for other in others
        if wire in inputs and other in inputs
    ]


def resolve_minor(olds: State, inputs: State, service: Service) -> None:
    """Names the minor version that the program left open, so that a preview shows it.

    It is the deployed one, or with another template or major version the recommended one: a version published
    meanwhile moves nothing.
    """
    template, major = inputs["templateName"], inputs["templateMajorVersion"]
    if "templateMinorVersion" in inputs or UNKNOWN in (template, major):
        return
    unmoved = (template, major) == (olds.get("templateName"), olds.get("templateMajorVersion"))
    minor = (
        olds.get("templateMinorVersion") if unmoved else _recommended(service.minor_versions(template, major))
    )
    inputs |= {} if minor is None else {"templateMinorVersion": minor}


def resolve_account(olds: State, inputs: State, connection: State | None) -> None:
    """Names the account that the connection leads to, so that one into another account is seen."""
    account = connection["environmentAccountId"] if connection else None
    if account is None and olds.get(_CONNECTION) == inputs.get(_CONNECTION):
        account = olds.get("environmentAccountId")
    inputs |= {} if account is None else {"environmentAccountId": account}


def spec_failures(inputs: State, service: Service) -> list[Failure]:
    """What the template version's schema says against the spec."""
    template, major = inputs["templateName"], inputs["templateMajorVersion"]
    if UNKNOWN in (template, major, inputs["spec"]):
        return []
    minor = inputs.get("templateMinorVersion") or _recommended(service.minor_versions(template, major))
    schema = service.input_schema(template, major, minor) if minor and minor is not UNKNOWN else None
    return [Failure("spec", reason) for reason in _spec.violations(inputs["spec"], schema)] if schema else []


def connection_of(inputs: State, listed: list[State] | None) -> State | None:
    """The connection that the environment is given, as far as it is listed."""
    return _connections.by_id(inputs.get(_CONNECTION, ""), listed or [])


def connection_failures(olds: State, inputs: State, listed: list[State] | None) -> list[Failure]:
    """Why a connection cannot serve this environment (UpdateEnvironment's conditions).

    One in use is not judged again.
    """
    identifier = inputs.get(_CONNECTION)
    if listed is None or identifier in (None, UNKNOWN, olds.get(_CONNECTION)):
        return []
    objection = _objection(connection_of(inputs, listed), inputs["name"])
    return [Failure(_CONNECTION, objection)] if objection else []


def guard(found: list[Change], decision: Decision, allowed: Value) -> list[Failure]:
    """The change that reaches further than `maxDeploymentType` allows; a replacement reaches furthest."""
    if allowed in (None, UNKNOWN):
        return []
    if decision.replaces:
        cause, need = decision.replaces[0], "a new environment"
    elif isinstance(decision.level, Level) and decision.level > Level[allowed]:
        cause = next(item.declared.wire for item in found if item.declared.deploy == decision.level)
        need = f"a {decision.level.name} deployment"
    else:
        return []
    return [Failure(cause, f"this change needs {need}, but maxDeploymentType allows {allowed} at most")]


def warnings(olds: State, inputs: State, decision: Decision, service: Service | None) -> Iterator[str]:
    """What a reviewer must know of a change, one sentence each."""
    title = f"environment {olds.get('name', inputs['name'])}"
    if decision.replaces:
        yield (
            f"{title} is replaced, because of {' and '.join(decision.replaces)}: its infrastructure is "
            "deleted and built anew"
        )
    elif decision.level is Level.MAJOR_VERSION:
        before, after = olds["templateMajorVersion"], inputs["templateMajorVersion"]
        yield f"{title} gets a MAJOR_VERSION deployment: its template goes from version {before} to {after}"
    if service and any(inputs.get(wire) != olds.get(wire) for wire in _VERSION):
        yield from (f"{title} gets {said}" for said in _version_warnings(inputs, service))


def pending_warning(inputs: State, connection: State | None) -> Iterator[str]:
    """What stands between a connection and its use: said in every preview until it is done."""
    if connection and connection["status"] == "PENDING":
        yield (
            f"environment {inputs['name']}: its environment account connection {connection['id']} is still "
            "PENDING: accept it before deploying"
        )


def _version_warnings(inputs: State, service: Service) -> Iterator[str]:
    template, major, minor = (inputs.get(wire, UNKNOWN) for wire in _VERSION)
    if UNKNOWN in (template, major, minor):
        return
    listed = service.minor_versions(template, major)
    recommended = _recommended(listed)
    if any(item["minorVersion"] == minor and item["status"] == "DRAFT" for item in listed):
        yield f"version {major}.{minor} of template {template}, which is a DRAFT and not published"
    elif recommended is not None and recommended != minor:
        yield f"version {major}.{minor} of template {template}, not the recommended {major}.{recommended}"


def _objection(connection: State | None, environment: str) -> str | None:
    if connection is None:
        return "no environment account connection of this id asks this account in this region"
    if connection["status"] == "REJECTED":
        return "is a rejected connection, which is final: have the environment account request a new one"
    if environment not in (UNKNOWN, connection["environmentName"]):
        return (
            f"was requested for environment {connection['environmentName']}, not {environment}: have the "
            "environment account request one for this name"
        )
    return None


def _recommended(versions: list[State]) -> str | None:
    return next(
        (item["recommendedMinorVersion"] for item in versions if "recommendedMinorVersion" in item), None
    )
