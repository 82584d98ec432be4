"""Environments: created, updated and deleted by deployments, which run in the background (`engine/`).

The template version and spec in an environment's record are those last applied (before a first success: last
attempted); the target of a deployment is in the deployment's record. Description, roles and connection are
settings: they are in effect as soon as the call returns.
https://docs.aws.amazon.com/proton/latest/userguide/ag-environments.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from proton_server.engine.transitions import AT_REST
from proton_server.operations.call import digest, page, refuse_unless_repeated
from proton_server.operations.deployment_records import (
    begin_cancellation,
    begin_deletion,
    begin_deployment,
    tags_to_propagate,
)
from proton_server.operations.errors import ConflictException, ResourceNotFoundException, ValidationException
from proton_server.operations.provisioning_settings import method_of, provisioning_settings
from proton_server.operations.rows import deployment_row, environment_row, version_row
from proton_server.operations.tagging import put_tags
from proton_server.operations.target import check_members, target_state, version_to_create, version_to_update
from proton_server.persistence.tables import environments
from proton_server.provisioning.methods import CUSTOMER_MANAGED_TEMPLATE, MEMBERS
from proton_server.provisioning.tags import too_many

if TYPE_CHECKING:
    from proton_server.operations.call import Call

_VERSION = ("templateName", "templateMajorVersion", "templateMinorVersion")


def create_environment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Records the environment and starts its first deployment.

    A repeated request returns the existing environment.
    """
    name = request["name"]
    existing = call.rows.find(environments, name=name)
    if existing is not None:
        if existing.record["deploymentStatus"] == "DELETE_IN_PROGRESS":
            raise ConflictException(f"Environment {name} is being deleted.")
        refuse_unless_repeated(f"Environment {name}", existing, request)
        return {"environment": existing.record}
    version = version_to_create(call, request)
    settings = provisioning_settings(call, version, request, {})
    target = target_state(call, version, request["spec"])
    record = {
        "arn": call.arn(f"environment/{name}"),
        "name": name,
        "createdAt": call.now,
        # Required by the model even before the first success; the walk-through shows the time of creation.
        "lastDeploymentSucceededAt": call.now,
        **_description(request),
        **settings,
    }
    if not method_of(call, version).has_infrastructure:
        record["provisioning"] = CUSTOMER_MANAGED_TEMPLATE
    call.rows.insert(environments, name=name, record=record, created_by=digest(request))
    if "tags" in request:
        put_tags(call, record["arn"], request["tags"])
        _refuse_too_many_tags(call, version, record["arn"])
    return {"environment": begin_deployment(call.rows, record, target, call.now)}


def get_environment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The environment, with the version and spec that were last applied."""
    return {"environment": environment_row(call, request["name"]).record}


def update_environment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Changes settings, and unless deploymentType is NONE, starts a deployment."""
    row = environment_row(call, request["name"])
    check_members(request)
    if row.record["deploymentStatus"] not in AT_REST:
        raise ConflictException(
            f"Environment {row.name} is {row.record['deploymentStatus']} and cannot be updated."
        )
    record = row.record | _description(request)
    if request["deploymentType"] == "NONE":
        if any(member in request for member in MEMBERS):
            current = version_row(call, *(record[member] for member in _VERSION))
            record |= provisioning_settings(call, current, request, row.record)
        call.rows.update(environments, {"name": row.name}, record=record, created_by=None)
        return {"environment": record}
    version = version_to_update(call, record, request)
    record |= provisioning_settings(call, version, request, row.record)
    current = version_row(call, *(record[member] for member in _VERSION))
    if row.provisioned and version.engine != current.engine:
        before, after = method_of(call, current).name, method_of(call, version).name
        message = f"Environment {row.name} uses {before}, and the version uses {after}."
        raise ValidationException(f"{message} This cannot be changed: create a new environment.")
    _refuse_too_many_tags(call, version, record["arn"])
    target = target_state(call, version, request.get("spec", record["spec"]))
    call.rows.update(environments, {"name": row.name}, created_by=None)
    return {"environment": begin_deployment(call.rows, record, target, call.now)}


def delete_environment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Starts the deletion, unless it is in progress. It succeeds without a result if there is none."""
    row = call.rows.find(environments, name=request["name"])
    if row is None:
        return {}
    status = row.record["deploymentStatus"]
    if status == "DELETE_IN_PROGRESS":
        return {"environment": row.record}
    if status not in AT_REST:
        raise ConflictException(
            f"Environment {row.name} is {status} and cannot be deleted until the deployment has ended."
        )
    return {"environment": begin_deletion(call.rows, row.record, call.now)}


def cancel_environment_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Starts the cancellation of an update in progress."""
    row = environment_row(call, request["environmentName"])
    status = row.record["deploymentStatus"]
    if status == "CANCELLING":
        return {"environment": row.record}
    # "You can cancel an environment update deployment": a creation has no state to return to.
    if status != "IN_PROGRESS" or "lastSucceededDeploymentId" not in row.record:
        raise ConflictException(
            f"Environment {row.name} is {status} and has no update in progress to cancel."
        )
    return {"environment": begin_cancellation(call.rows, row.record, call.now)}


def list_environments(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Environments in order of their names, all or those of certain template versions."""
    record = environments.c.record
    wanted = [
        sa.and_(
            record["templateName"].as_string() == template["templateName"],
            record["templateMajorVersion"].as_string() == template["majorVersion"],
        )
        for template in request.get("environmentTemplates", [])
    ]
    conditions = [sa.or_(*wanted)] if wanted else []
    rows, token = page(
        call,
        request,
        lambda after, limit: call.rows.page(
            environments, *conditions, by=[environments.c.name], after=after, limit=limit
        ),
        lambda row: [row.name],
    )
    return {"environments": [row.record for row in rows], "nextToken": token}


def list_environment_outputs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The outputs of the last deployment that succeeded, or of the deployment in the request."""
    row = environment_row(call, request["environmentName"])
    if "deploymentId" not in request:
        return {"outputs": row.outputs}
    deployment = deployment_row(call, request["deploymentId"])
    if deployment.environment_name != row.name:
        raise ResourceNotFoundException(f"Environment {row.name} has no deployment {deployment.id}.")
    return {"outputs": deployment.outputs}


def list_environment_provisioned_resources(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What was provisioned for the environment: for AWS-managed provisioning, its stack."""
    return {"provisionedResources": environment_row(call, request["environmentName"]).provisioned_resources}


def _refuse_too_many_tags(call: Call, version: sa.Row[Any], arn: str) -> None:
    """Raises ValidationException for more tags than AWS takes, before anything is deployed with them."""
    propagates = method_of(call, version).propagates_tags
    if propagates and (problem := too_many(tags_to_propagate(call.rows, arn))):
        raise ValidationException(problem)


def _description(request: dict[str, Any]) -> dict[str, str]:
    return {"description": request["description"]} if "description" in request else {}
