"""The history of deployments: list, get and delete them.

https://docs.aws.amazon.com/proton/latest/APIReference/API_GetDeployment.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.call import page
from proton_server.operations.errors import ResourceNotFoundException, ValidationException
from proton_server.operations.rows import deployment_row
from proton_server.persistence.tables import deployments

if TYPE_CHECKING:
    from proton_server.operations.call import Call

_OTHER_TARGETS = ("serviceName", "serviceInstanceName", "componentName")


def list_deployments(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Deployments, newest first; those of an environment if one is named, even if it was deleted."""
    # Services and components are not part of this server, so nothing was ever deployed to one.
    nothing = [deployments.c.id.is_(None)] if any(member in request for member in _OTHER_TARGETS) else []
    named = {"environment_name": request["environmentName"]} if "environmentName" in request else {}
    rows, token = page(
        call,
        request,
        lambda after, limit: call.rows.page(
            deployments,
            *nothing,
            by=[deployments.c.created_at, deployments.c.id],
            after=after,
            limit=limit,
            newest_first=True,
            **named,
        ),
        lambda row: [row.created_at, row.id],
    )
    return {"deployments": [row.record for row in rows], "nextToken": token}


def get_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The deployment with its initial and target state."""
    row = deployment_row(call, request["id"])
    elsewhere = request.get("environmentName", row.environment_name) != row.environment_name
    if elsewhere or any(member in request for member in _OTHER_TARGETS):
        raise ResourceNotFoundException(f"Deployment {row.id} is of environment {row.environment_name}.")
    return {"deployment": row.record}


def delete_deployment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Deletes the record of a deployment that has ended. It succeeds without a result if there is none."""
    row = call.rows.find(deployments, id=request["id"])
    if row is None:
        return {}
    if row.next_at is not None:
        raise ValidationException(
            f"Deployment {row.id} is in progress and cannot be deleted until it has ended."
        )
    call.rows.delete(deployments, id=row.id)
    return {"deployment": row.record}
