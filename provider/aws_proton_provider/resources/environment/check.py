"""What `check` decides of an environment besides its properties' types.

Pure: AWS Proton is asked through `Service`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aws_proton_provider.core import facts, spec
from aws_proton_provider.core.checking import Checked, Failure
from aws_proton_provider.core.declaration import Property, Resource
from aws_proton_provider.core.errors import one_line
from aws_proton_provider.core.facts import owners_in, secret_paths
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.ownership import Verdict
from aws_proton_provider.core.provisioning import Provisioner
from aws_proton_provider.core.values import UNKNOWN, State, Value, same
from aws_proton_provider.resources.adoption import preview_failures, preview_warnings
from aws_proton_provider.resources.check_context import CheckContext, Service
from aws_proton_provider.resources.connection_lookup import connection_by_id
from aws_proton_provider.resources.environment.deployment_type import BEING_DELETED, FAILED, provisioner
from aws_proton_provider.resources.environment.plan import (
    Plan,
    existing_environment,
    plan_update,
    present_state,
)
from aws_proton_provider.resources.environment.template_version import (
    TemplateVersion,
    fill_minor_version,
    recommended_minor_version,
    version_failures,
    version_warnings,
)


def exclusive_failures(resource: type[Resource], inputs: State) -> list[Failure]:
    """The properties that select different ways of provisioning at once."""
    given = [item for item in resource.properties if item.provisioner and item.wire in inputs]
    return [
        Failure(item.wire, f"cannot be combined with {other.wire}: each selects its own way of provisioning")
        for item in given
        for other in given
        if other.provisioner in item.excluded_by
    ]


def check_change(resource: type[Resource], olds: State, checked: Checked, context: CheckContext) -> None:
    """Computes the deploymentType that an update will have, and adds what is wrong with it."""
    inputs, service = checked.inputs, context.service
    allowed = inputs.get("maxDeploymentType", context.max_deployment_type)
    inputs |= {} if allowed is None else {facts.LIMIT: allowed}
    before = olds
    if service and olds:
        service.is_owner(inputs.get(facts.OWNER, ""), *owners_in(olds))
    elif service:
        before = _adopted(resource, checked, service)
    if service:
        _ask_service(resource, before, checked, service)
    failed = _failed_deployment(inputs["name"], service.environments()) if service and olds else None
    redeploy = failed is not None and allowed != Level.NONE.name
    plan = plan_update(resource, before, inputs, redeploy=redeploy) if before else Plan()
    kind = plan.level.name if isinstance(plan.level, Level) else plan.level
    kind = before.get("deploymentType") if kind is None else kind
    inputs |= {} if kind is None or plan.replaces else {"deploymentType": kind}
    checked.failures += _limit_failures(plan, allowed)
    if failed and not plan.replaces:
        checked.warnings.append(_failed_deployment_warning(failed, inputs, redeploy=redeploy))
        identifier = failed.get("lastAttemptedDeploymentId", failed["deploymentStatus"])
        inputs |= {facts.FAILED_DEPLOYMENT: identifier} if redeploy else {}
    if olds or not plan.replaces:
        checked.warnings += _change_warnings(before, inputs, plan, service)
        checked.failures += _create_first_failures(olds, inputs, plan)
    else:
        checked.failures += _adoption_failures(plan)


def _adopted(resource: type[Resource], checked: Checked, service: Service) -> State:
    """The state of an existing environment that the program adopts; empty where there is none."""
    inputs = checked.inputs
    listed = service.environments() or {}
    found = service.environment(inputs["name"]) if inputs["name"] in listed else None
    if found is None or found[0]["deploymentStatus"] in BEING_DELETED:
        return {}
    live, tags = found
    owners = service.is_owner(inputs.get(facts.OWNER, ""), *owners_in(inputs))
    plan = plan_update(resource, present_state(resource, live, inputs), inputs)
    existing = existing_environment(plan, live, tags, inputs, owners)
    checked.failures += preview_failures(existing)
    checked.warnings += preview_warnings(existing)
    adopts = existing.verdict is Verdict.ADOPT
    return present_state(resource, live, inputs, tags) if adopts else {}


def _ask_service(resource: type[Resource], olds: State, checked: Checked, service: Service) -> None:
    """Fills in what only AWS Proton knows, and adds what is wrong with the inputs according to it."""
    inputs = checked.inputs
    fill_minor_version(olds, inputs, service)
    missing = version_failures(olds, inputs, service) or _no_provisioner(resource, olds, inputs, service)
    checked.failures += missing
    if missing:
        return
    declared = _connection_property(resource)
    identifier = inputs.get(declared.wire)
    listed = None if identifier in (None, UNKNOWN) else service.connections()
    connection = connection_by_id(identifier or "", listed or [])
    account = connection["environmentAccountId"] if connection else None
    if account is None and olds.get(declared.wire) == identifier:
        account = olds.get("environmentAccountId")
    inputs |= {} if account is None else {"environmentAccountId": account}
    checked.failures += _spec_failures(olds, inputs, service)
    if listed is not None and identifier != olds.get(declared.wire):
        checked.failures += _connection_failures(declared, connection, inputs)
    checked.warnings += _pending_warning(inputs, connection)


def _spec_failures(olds: State, inputs: State, service: Service) -> list[Failure]:
    """How the spec violates the template version's schema. A deployed spec is not checked again."""
    version = TemplateVersion.of(inputs)
    if not version.major_is_known or inputs["spec"] is UNKNOWN:
        return []
    if version == TemplateVersion.of(olds) and same(inputs["spec"], olds.get("spec")):
        return []
    minor = version.minor or recommended_minor_version(version, service)
    schema = (
        service.input_schema(version.template, version.major, minor)
        if minor and minor is not UNKNOWN
        else None
    )
    return [Failure("spec", reason) for reason in spec.violations(inputs["spec"], schema)] if schema else []


def _failed_deployment(name: str, listed: Mapping[str, State] | None) -> State | None:
    """An environment whose last deployment failed, as ListEnvironments has it."""
    live = (listed or {}).get(name, {})
    return live if live.get("deploymentStatus") in FAILED else None


def _failed_deployment_warning(live: State, inputs: State, *, redeploy: bool) -> str:
    """What a reviewer should know of a deployment that failed.

    AWS's reason may quote the spec, of whatever program was deployed: beside a secret it is left out.
    """
    message = live.get("deploymentStatusMessage")
    reason = "" if not message or secret_paths(inputs) else f" ({one_line(message)})"
    next_step = (
        "`pulumi up` deploys it again"
        if redeploy
        else "maxDeploymentType NONE keeps `pulumi up` from deploying it again"
    )
    return (
        f"environment {inputs['name']}: its last deployment ended in {live['deploymentStatus']}{reason}; "
        f"{next_step}"
    )


def _adoption_failures(plan: Plan) -> list[Failure]:
    """Why an environment that exists cannot be adopted: adoption never makes a new one."""
    return [
        Failure(wire, "differs from the existing environment's, which cannot be changed in place")
        for wire in plan.replaces
    ]


def _create_first_failures(olds: State, inputs: State, plan: Plan) -> list[Failure]:
    """Why a replacement cannot create before it deletes: the new environment has the old one's name."""
    if not plan.replaces or not inputs.get(facts.CREATE_FIRST) or olds["name"] != inputs["name"]:
        return []
    cause = " and ".join(plan.replaces)
    reason = (
        f"a change of {cause} replaces the environment, which delete_before_replace=False forbids under the "
        "same name: leave the option out, or change the name"
    )
    return [Failure("", reason)]


def _limit_failures(plan: Plan, allowed: Value) -> list[Failure]:
    """The change that needs more than `maxDeploymentType` allows; a replacement is always more."""
    if allowed in (None, UNKNOWN):
        return []
    if plan.replaces:
        cause, need = plan.replaces[0], "a new environment"
    elif isinstance(plan.level, Level) and plan.level > Level[allowed]:
        cause = next(item.declared.wire for item in plan.changes if item.declared.deploy == plan.level)
        need = f"a {plan.level.name} deployment"
    else:
        return []
    return [Failure(cause, f"this change needs {need}, but maxDeploymentType allows {allowed} at most")]


def _change_warnings(olds: State, inputs: State, plan: Plan, service: Service | None) -> Iterator[str]:
    """What a reviewer should know of a change, one sentence each."""
    title = f"environment {olds.get('name', inputs['name'])}"
    if plan.replaces:
        yield (
            f"{title} is replaced because of {' and '.join(plan.replaces)}: its infrastructure is deleted "
            "and created again"
        )
    elif plan.level is Level.MAJOR_VERSION:
        before, after = TemplateVersion.of(olds).major or "none", TemplateVersion.of(inputs).major
        yield f"{title} gets a MAJOR_VERSION deployment: its template goes from version {before} to {after}"
    if service:
        yield from (f"{title} gets {warning}" for warning in version_warnings(olds, inputs, service))


def _no_provisioner(resource: type[Resource], olds: State, inputs: State, service: Service) -> list[Failure]:
    """That nothing selects who provisions a template. What is deployed is not checked again."""
    wanted = TemplateVersion.of(inputs)
    if not wanted.major_is_known or wanted == TemplateVersion.of(olds) or provisioner(resource, inputs):
        return []
    template = service.template(wanted.template)
    if not template or template.get("provisioning") == "CUSTOMER_MANAGED":
        return []
    choices = ", ".join(item.wire for item in resource.properties if item.provisioner)
    return [Failure("", f"template {wanted.template} needs a way of provisioning: give one of {choices}")]


def _connection_property(resource: type[Resource]) -> Property:
    found = (item for item in resource.properties if item.provisioner is Provisioner.ENVIRONMENT_ACCOUNT)
    return next(found)


def _connection_failures(declared: Property, connection: State | None, inputs: State) -> list[Failure]:
    """Why a connection cannot be used for this environment (UpdateEnvironment's conditions)."""
    environment = inputs["name"]
    if connection is None:
        reason = (
            "no connection request with this ID exists for this account in this Region: have the environment "
            "account request one, or correct the ID"
        )
    elif connection["status"] == "REJECTED":
        reason = "was rejected, which is final: have the environment account request a new connection"
    elif environment not in (UNKNOWN, connection["environmentName"]):
        reason = (
            f"was requested for environment {connection['environmentName']}, not {environment}: have the "
            "environment account request one for this name"
        )
    else:
        return []
    return [Failure(declared.wire, reason)]


def _pending_warning(inputs: State, connection: State | None) -> Iterator[str]:
    """That a connection cannot be used yet: in every preview until it is accepted."""
    if connection and connection["status"] == "PENDING":
        yield (
            f"environment {inputs['name']}: its environment account connection {connection['id']} is still "
            "PENDING: accept it before deploying"
        )
