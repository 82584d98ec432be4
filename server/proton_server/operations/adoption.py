"""AdoptEnvironment: a stack that AWS Proton left behind becomes an environment of this server.

The operation is not AWS's: docs/decisions/0017-adoption-of-stacks.md. The server reads the stack with the
environment's own role and compares it by rendering; it believes nothing that a client says of a stack. It
writes nothing in CloudFormation.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from proton_server.engine.comparison import Comparison, compare
from proton_server.engine.evaluation import BUNDLE_CHECK, EvaluationError
from proton_server.engine.roles import roles_of
from proton_server.operations.adoptability import Verdict, decide, obstacle, warnings
from proton_server.operations.deployment_records import record_adoption
from proton_server.operations.errors import (
    ConflictException,
    InternalServerException,
    ResourceNotFoundException,
    ValidationException,
)
from proton_server.operations.provisioning_settings import method_of, provisioning_settings
from proton_server.operations.rows import template_row
from proton_server.operations.tagging import put_tags
from proton_server.operations.target import DEPLOYABLE
from proton_server.persistence.tables import bundles, environment_template_versions, environments
from proton_server.provisioning import Progress, State
from proton_server.provisioning.cloudformation.stacks import provisioned_resource, template_of
from proton_server.provisioning.errors import AwsUnavailable, StackNotFound, StackUnreadable
from proton_server.provisioning.methods import manifest_engines
from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG
from proton_templates.bundle import BundleError, read_bundle
from proton_templates.manifest import CLOUDFORMATION
from proton_templates.recovery import Agreement
from proton_templates.rendering import RenderError
from proton_templates.spec import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from proton_server.operations.call import Call, Find
    from proton_server.provisioning.cloudformation.stacks import DeployedStack, StackReader
    from proton_templates.manifest import Engine

_COMPARING = "Comparing the stack's template with the version's"
_INCOMPLETE = (
    "The search for other specs that render as the stack's template ended at its limit: check the spec."
)
_MAX_VERSIONS = 50
"""That one request compares. Each may take as long as the evaluator allows."""


def adopt_environment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Compares a stack with the registered versions, and records its environment unless `dryRun` is true."""
    name = request["environmentName"]
    existing = call.rows.find(environments, name=name)
    if existing is not None and existing.stack is None:
        raise _exists(name)
    versions = _versions(call, request)
    settings = provisioning_settings(call, versions[0], {**request, "name": name}, {})
    roles = {**settings, **(roles_of(call.rows, settings) or {})}
    account = settings.get("environmentAccountId", call.account_id)
    place = (account, call.region, roles["protonServiceRoleArn"], request["stackId"])
    stack: DeployedStack = call.answers.to(
        ("stack", *place), lambda: partial(_read, call.can.read_stack, *place)
    )
    found = {"environmentName": name, "environmentArn": call.arn(f"environment/{name}"), **_facts(stack)}
    if existing is not None:
        return {"adoption": {**found, **_adopted(existing, stack)}}
    _refuse_owned(call, stack)
    found["warnings"] = warnings(stack, found["environmentArn"])
    largest = call.can.largest_template(call.region)
    verdict, comparisons = Verdict("impossible", obstacle(stack, name, largest) or ""), []
    if not verdict.reason:
        comparisons = [
            (version, _compared(call, version, stack, request))
            for version in _of_tag(stack, request, versions)
        ]
        verdict = decide(comparisons, name)
        if verdict.comparison and not verdict.comparison.complete:
            found["warnings"].append(_INCOMPLETE)
    adoption = {**found, **_report(verdict, comparisons)}
    if not request.get("dryRun"):
        if verdict.outcome != "recovered":
            raise ConflictException(f"Stack {stack.name} cannot be adopted. {verdict.reason}")
        adoption |= _record(call, request, settings, stack, verdict)
    return {"adoption": adoption}


def _versions(call: Call, request: Mapping[str, Any]) -> list[sa.Row[Any]]:
    """The versions that the request allows, the newest first; at least one. Raises ValidationException."""
    template, major, minor = (
        request.get(member) for member in ("templateName", "templateMajorVersion", "templateMinorVersion")
    )
    if (major and not template) or (minor and not major):
        raise ValidationException(
            "A templateMinorVersion needs a templateMajorVersion, and that a templateName."
        )
    named = {"template_name": template} if template else {}
    if template:
        template_row(call, template)
    columns = environment_template_versions.c
    # Not the whole rows: each has a schema, twice, and this is read for each version that is compared.
    rows = call.rows.columns(
        environment_template_versions,
        *(columns.id, columns.template_name, columns.major, columns.minor, columns.engine),
        columns.record["status"].as_string().label("status"),
        columns.record["createdAt"].as_float().label("created_at"),
        **named,
    )
    found = [
        row
        for row in rows
        if row.status in DEPLOYABLE and major in (None, str(row.major)) and minor in (None, str(row.minor))
    ]
    usable = [row for row in found if row.engine == CLOUDFORMATION.name]
    if found and not usable and template:
        method = method_of(call, found[0]).name
        raise ValidationException(
            f"Environment template {template} uses {method}, whose environments have no stack to adopt. "
            "Create the environment."
        )
    if not usable:
        what = f"Environment template {template}" if template else "This account"
        raise ValidationException(f"{what} has no such version to compare the stack with: publish it first.")
    return sorted(usable, key=lambda row: (row.created_at, row.major, row.minor), reverse=True)


def _of_tag(
    stack: DeployedStack, request: Mapping[str, Any], versions: Sequence[sa.Row[Any]]
) -> Sequence[sa.Row[Any]]:
    """Of the versions that the request allows, those of the template in the stack's tag, if there are any."""
    named = None if "templateName" in request else template_of(stack.tags)
    chosen = [row for row in versions if row.template_name == named] or versions
    if len(chosen) > _MAX_VERSIONS:
        raise ValidationException(
            f"There are more than {_MAX_VERSIONS} versions to compare the stack with: give a templateName "
            "and a templateMajorVersion."
        )
    return chosen


def _refuse_owned(call: Call, stack: DeployedStack) -> None:
    """Refuses a stack of another environment of this server, also one of another account."""
    columns = environments.c
    owns = sa.or_(
        columns.stack["id"].as_string() == stack.id,
        columns.provisioned_resources[0]["identifier"].as_string() == stack.id,
        # One that is being created has no provisioned resources yet.
        columns.record["arn"].as_string() == stack.tags.get(ENVIRONMENT_TAG),
    )
    query = sa.select(columns.account_id, columns.name).where(columns.region == call.region, owns)
    for row in call.rows.connection.execute(query):
        whose = row.name if row.account_id == call.account_id else "of another account"
        raise _owned(stack, whose)


def _owned(stack: DeployedStack, whose: str) -> ConflictException:
    return ConflictException(f"Stack {stack.name} belongs to environment {whose} of this server.")


def _adopted(existing: sa.Row[Any], stack: DeployedStack) -> dict[str, Any]:
    """The report on an environment that was adopted with this stack; any other that exists is refused."""
    record = existing.record
    if existing.stack["id"] != stack.id:
        raise _exists(existing.name)
    return {
        "outcome": "adopted",
        **{member: record[member] for member in _TARGET},
        "deploymentId": record["lastAttemptedDeploymentId"],
    }


def _exists(name: str) -> ConflictException:
    return ConflictException(f"Environment {name} already exists.")


_TARGET = ("templateName", "templateMajorVersion", "templateMinorVersion", "spec")


def _record(
    call: Call,
    request: Mapping[str, Any],
    settings: Mapping[str, Any],
    stack: DeployedStack,
    verdict: Verdict,
) -> dict[str, Any]:
    version, comparison = verdict.version, verdict.comparison
    assert version is not None and comparison is not None  # noqa: S101, PT018 - what `recovered` means
    name = request["environmentName"]
    record = {
        "arn": call.arn(f"environment/{name}"),
        "name": name,
        "createdAt": stack.created_at,
        **({"description": request["description"]} if "description" in request else {}),
        **settings,
    }
    adopted = {
        "id": stack.id,
        "tags": dict(stack.tags),
        "template_sha256": comparison.template_sha256,
    }
    try:
        call.rows.insert(environments, name=name, record=record, stack=adopted, adopted_stack_id=stack.id)
    except sa.exc.IntegrityError:
        # Another account adopted it since the query of `_refuse_owned`.
        raise _owned(stack, "of another account") from None
    put_tags(call, record["arn"], request.get("tags", []))
    target = _version_members(version) | {"spec": comparison.spec}
    made = Progress(
        State.SUCCEEDED,
        outputs=[*map(dict, stack.outputs)],
        resources=[provisioned_resource(stack.name, stack.id)],
    )
    deployment_id = record_adoption(call.rows, record, target, made, call.now)
    return {"outcome": "adopted", "deploymentId": deployment_id}


def _facts(stack: DeployedStack) -> dict[str, Any]:
    shown = {"stackId": stack.id, "stackName": stack.name, "stackStatus": stack.status}
    return {**shown, "comparisons": [], "inputsWithoutTrace": [], "warnings": []}


def _report(verdict: Verdict, comparisons: Sequence[tuple[sa.Row[Any], Comparison]]) -> dict[str, Any]:
    """The members of `Adoption` that follow from the comparisons."""
    report: dict[str, Any] = {
        "outcome": verdict.outcome,
        "reason": verdict.reason or None,
        "comparisons": [
            {
                **_version_members(version),
                "agreement": comparison.agreement.name.lower(),
                "difference": comparison.difference or None,
            }
            for version, comparison in comparisons
        ],
    }
    if verdict.version is not None and verdict.comparison is not None:
        report |= _version_members(verdict.version)
        report["spec"] = verdict.comparison.spec
        report["inputsWithoutTrace"] = list(verdict.comparison.without_trace)
        report["alternatives"] = list(verdict.comparison.alternatives) or None
    return report


def _version_members(version: sa.Row[Any]) -> dict[str, str]:
    return {
        "templateName": version.template_name,
        "templateMajorVersion": str(version.major),
        "templateMinorVersion": str(version.minor),
    }


def _read(
    reader: StackReader, account: str, region: str, role: str, stack: str, _: Callable[..., Any]
) -> DeployedStack:
    try:
        return reader(account, region, role, stack)
    except StackNotFound as error:
        raise ResourceNotFoundException(f"{error} in account {account} and {region}.") from None
    except StackUnreadable as error:
        raise ValidationException(str(error)) from None
    except AwsUnavailable as error:
        raise InternalServerException(f"{error} Try again.") from None


def _compared(
    call: Call, version: sa.Row[Any], stack: DeployedStack, request: Mapping[str, Any]
) -> Comparison:
    def ask() -> Find:
        tarball = call.rows.one(bundles, version_id=version.id).tarball
        schema = call.rows.one(environment_template_versions, id=version.id).input_schema
        engines = manifest_engines(call.can.methods)
        texts = (request["environmentName"], stack.template, request.get("spec"))
        return partial(_compare, tarball, engines, schema, texts)

    comparison: Comparison = call.answers.to(("comparison", version.id), ask)
    return comparison


def _compare(
    tarball: bytes,
    engines: Collection[Engine],
    schema: dict[str, Any],
    texts: tuple[str, str, str | None],
    evaluate: Callable[..., Any],
) -> Comparison:
    """The comparison of a version with the name, the template and the spec in `texts`."""
    try:
        bundle = evaluate(BUNDLE_CHECK, read_bundle, tarball, customer_managed=False, engines=engines)
        comparison: Comparison = evaluate(_COMPARING, compare, bundle, schema, *texts)
        return comparison
    except (BundleError, RenderError, SpecError, EvaluationError) as error:
        return Comparison(Agreement.NONE, str(error))
