"""NotifyResourceDeploymentStatusChange: whatever provisions an environment reports its status and outputs.

A notification is kept in the deployment's row, and its provisioning method decides what it means; outputs may
be notified again after the deployment has ended.
https://docs.aws.amazon.com/proton/latest/APIReference/API_NotifyResourceDeploymentStatusChange.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proton_server.operations.errors import ConflictException, ResourceNotFoundException, ValidationException
from proton_server.operations.provisioning_settings import method_of
from proton_server.operations.rows import version_row
from proton_server.persistence.tables import deployments, environments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from proton_server.operations.call import Call

_ENVIRONMENT_ARN = re.compile(
    r"arn:[^:]+:proton:(?P<region>[^:]+):(?P<account>\d{12}):environment/(?P<name>[\w-]+)", re.ASCII
)
_NOTIFIED = ("status", "statusMessage", "outputs")


def notify_resource_deployment_status_change(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Records a status or outputs, from the environment's owner or the account it is provisioned in."""
    notified = {member: request[member] for member in _NOTIFIED if member in request}
    if "status" not in notified and "outputs" not in notified:
        raise ValidationException("Give status, outputs or both.")
    _check_outputs(notified.get("outputs", []))
    owner, name = _owner(call, request["resourceArn"])
    # Locked first: then no other transaction ends the deployment before the environment is read.
    in_progress = owner.rows.lock(deployments, deployments.c.next_at.is_not(None), environment_name=name)
    environment = _environment(call, owner, name)
    if in_progress is None:
        _notify_after_end(owner, environment, request)
    elif request.get("deploymentId", in_progress.id) != in_progress.id:
        message = f"is {in_progress.id}, not {request['deploymentId']}"
        raise ConflictException(f"The deployment in progress of environment {name} {message}.")
    else:
        changes = {"notified": in_progress.notified | notified, "next_at": 0.0}
        owner.rows.update(deployments, {"id": in_progress.id}, **changes)
    return {}


def _check_outputs(outputs: Sequence[dict[str, str]]) -> None:
    if any("key" not in output or "valueString" not in output for output in outputs):
        raise ValidationException("Each output needs a key and a valueString.")
    if len({output["key"] for output in outputs}) < len(outputs):
        raise ValidationException("Each output key may be given only once.")


def _owner(call: Call, arn: str) -> tuple[Call, str]:
    """The call as if the environment's owner had made it, and the environment's name."""
    match = _ENVIRONMENT_ARN.fullmatch(arn)
    if match is None or match["region"] != call.region:
        raise ResourceNotFoundException(f"Environment not found: {arn}")
    return replace(call, account_id=match["account"], rows=call.rows.of(match["account"])), match["name"]


def _environment(call: Call, owner: Call, name: str) -> sa.Row[Any]:
    """The environment. To an account that is neither its owner nor provisions it, it does not exist."""
    row = owner.rows.find(environments, name=name)
    if row is None or call.account_id not in (owner.account_id, row.record.get("environmentAccountId")):
        raise ResourceNotFoundException(f"Environment not found: {owner.arn(f'environment/{name}')}")
    template = (row.record[f"template{part}"] for part in ("Name", "MajorVersion", "MinorVersion"))
    method = method_of(owner, version_row(owner, *template))
    if not method.notifies:
        message = f"Environment {name} uses {method.name}, whose status and outputs cannot be notified."
        raise ValidationException(message)
    return row


def _notify_after_end(owner: Call, environment: sa.Row[Any], request: dict[str, Any]) -> None:
    """Replaces the outputs of a deployment that succeeded; a status may only repeat the final one."""
    deployment_id, status = (
        environment.record[member] for member in ("lastAttemptedDeploymentId", "deploymentStatus")
    )
    names_it = request.get("deploymentId") == deployment_id
    if not names_it and "deploymentId" in request:
        message = f"is {deployment_id}, not {request['deploymentId']}"
        raise ConflictException(f"The last deployment of environment {environment.name} {message}.")
    repeated = names_it and request.get("status") == status
    if not repeated and ("status" in request or status != "SUCCEEDED"):
        raise ConflictException(
            f"Environment {environment.name} is {status} and has no deployment in progress."
        )
    if status == "SUCCEEDED" and "outputs" in request:
        owner.rows.update(environments, {"name": environment.name}, outputs=request["outputs"])
        owner.rows.update(deployments, {"id": deployment_id}, outputs=request["outputs"])
