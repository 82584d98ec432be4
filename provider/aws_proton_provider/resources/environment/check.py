"""What `check` decides of an environment besides its properties' types.

Pure: the service answers through `Service`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from aws_proton_provider.core import facts, spec
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.values import UNKNOWN, State, Value
from aws_proton_provider.resources import connection_lookup
from aws_proton_provider.resources.environment.deployment_type import FAILED, METHODS, Decision
from aws_proton_provider.resources.lifecycle import Change, Checked, Failure, Service

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


def ask(olds: State, checked: Checked, service: Service) -> None:
    """Fills in what only the service knows, and says what it has against the inputs."""
    inputs = checked.inputs
    resolve_minor(olds, inputs, service)
    missing = _version_failures(olds, inputs, service)
    checked.failures += missing
    if missing:
        return
    given = inputs.get(_CONNECTION)
    listed = None if given in (None, UNKNOWN) else service.connections()
    connection = connection_of(inputs, listed)
    resolve_account(olds, inputs, connection)
    checked.failures += spec_failures(inputs, service)
    checked.failures += connection_failures(olds, inputs, listed)
    checked.warnings += pending_warning(inputs, connection)


def _version_failures(olds: State, inputs: State, service: Service) -> list[Failure]:
    """The template or version that does not exist, or a template that lacks who provisions it.

    What is deployed is not judged again.
    """
    template, major = inputs["templateName"], inputs["templateMajorVersion"]
    if UNKNOWN in (template, major) or all(inputs.get(wire) == olds.get(wire) for wire in _VERSION):
        return []
    known = service.template(template)
    if known == {}:
        return [Failure("templateName", f"no environment template {template} in this account and region")]
    if known and known.get("provisioning") != "CUSTOMER_MANAGED" and not any(m in inputs for m in METHODS):
        return [Failure("", f"nobody provisions template {template} here: give one of {', '.join(METHODS)}")]
    return _missing_version(template, major, inputs.get("templateMinorVersion"), service)


def _missing_version(template: str, major: str, minor: Value, service: Service) -> list[Failure]:
    versions = service.minor_versions(template, major)
    if versions is None:
        return []
    if not versions:
        return [Failure("templateMajorVersion", f"template {template} has no version {major}")]
    minors = [item["minorVersion"] for item in versions]
    if minor in (None, UNKNOWN, *minors):
        return []
    there = ", ".join(f"{major}.{item}" for item in minors)
    reason = f"template {template} has no version {major}.{minor}; it has {there}"
    return [Failure("templateMinorVersion", reason)]


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
    return [Failure("spec", reason) for reason in spec.violations(inputs["spec"], schema)] if schema else []


def connection_of(inputs: State, listed: list[State] | None) -> State | None:
    """The connection that the environment is given, as far as it is listed."""
    return connection_lookup.by_id(inputs.get(_CONNECTION, ""), listed or [])


def connection_failures(olds: State, inputs: State, listed: list[State] | None) -> list[Failure]:
    """Why a connection cannot serve this environment (UpdateEnvironment's conditions).

    One in use is not judged again.
    """
    identifier = inputs.get(_CONNECTION)
    if listed is None or identifier in (None, UNKNOWN, olds.get(_CONNECTION)):
        return []
    objection = _objection(connection_of(inputs, listed), inputs["name"])
    return [Failure(_CONNECTION, objection)] if objection else []


def repeat_failed(checked: Checked, decision: Decision, listed: Mapping[str, State] | None) -> Decision:
    """Makes an environment whose last deployment failed one to deploy again, and warns of it.

    The failed deployment's id becomes a fact that diff sees. A reason may quote the spec, of whatever program
    was deployed: beside a secret it is left out.
    """
    inputs = checked.inputs
    live = (listed or {}).get(inputs["name"], {})
    if live.get("deploymentStatus") not in FAILED:
        return decision
    said = live.get("deploymentStatusMessage")
    reason = "" if not said or facts.secret_paths(inputs) else f" ({' '.join(said.split())})"
    warning = f"environment {inputs['name']}: its last deployment ended {live['deploymentStatus']}{reason}"
    allowed = inputs.get(facts.LIMIT)
    if allowed == Level.NONE.name:
        checked.warnings.append(f"{warning}; maxDeploymentType NONE keeps `pulumi up` from repeating it")
        return decision
    checked.warnings.append(f"{warning}; `pulumi up` deploys it again")
    inputs[facts.FAILED_DEPLOYMENT] = live.get("lastAttemptedDeploymentId", live["deploymentStatus"])
    if decision.level is UNKNOWN:
        return decision
    known = decision.level if isinstance(decision.level, Level) else Level.NONE
    return dataclasses.replace(decision, level=max(known, Level.CURRENT_VERSION))


def not_adopted(decision: Decision) -> list[Failure]:
    """Why an environment that exists cannot be adopted: adoption never makes a new one."""
    return [
        Failure(wire, "differs from that of the environment that exists, which cannot change in place")
        for wire in decision.replaces
    ]


def create_first(olds: State, inputs: State, decision: Decision) -> list[Failure]:
    """Why a replacement cannot create before it deletes: the new environment has the old one's name."""
    if not decision.replaces or not inputs.get(facts.CREATE_FIRST) or olds["name"] != inputs["name"]:
        return []
    cause = " and ".join(decision.replaces)
    reason = (
        f"a change of {cause} replaces the environment, which delete_before_replace=False forbids under the "
        "same name: leave the option out, or change the name"
    )
    return [Failure("", reason)]


def api_name(level: Level | Value) -> Value:
    """A level as the API names it."""
    return level.name if isinstance(level, Level) else level


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
        before, after = olds.get("templateMajorVersion", "none"), inputs["templateMajorVersion"]
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
    listed = service.minor_versions(template, major) or []
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


def _recommended(versions: list[State] | None) -> str | None:
    return next(
        (item["recommendedMinorVersion"] for item in versions or () if "recommendedMinorVersion" in item),
        None,
    )
