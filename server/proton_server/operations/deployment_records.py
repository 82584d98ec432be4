"""The records with which operations start deployments, deletions and cancellations.

Records only; `engine/` carries them out in the background.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from proton_server.persistence.tables import deployments, environments, tags
from proton_server.provisioning.tags import propagated

if TYPE_CHECKING:
    from proton_server.persistence.rows import Rows
    from proton_server.provisioning import Progress

_STATE_MEMBERS = ("templateName", "templateMajorVersion", "templateMinorVersion", "spec")


def begin_deployment(
    rows: Rows, environment: dict[str, Any], target: dict[str, str], now: float
) -> dict[str, Any]:
    """Records a deployment that brings the environment to the target, to be done in the background.

    Returns the environment's new record, also stored.
    """
    states: dict[str, Any] = {"targetState": {"environment": target}}
    if "lastSucceededDeploymentId" in environment:
        states["initialState"] = {"environment": {member: environment[member] for member in _STATE_MEMBERS}}
    else:
        environment = environment | target  # the model wants a version, and none was applied yet
    return _begin(rows, environment, "IN_PROGRESS", now, states)


def tags_to_propagate(rows: Rows, arn: str) -> dict[str, str]:
    """The tags of an environment that a deployment puts on what it provisions, as they are now."""
    return propagated({row.key: row.value for row in rows.all(tags, arn=arn)})


def begin_deletion(rows: Rows, environment: dict[str, Any], now: float) -> dict[str, Any]:
    """Records the deletion of an environment, as `begin_deployment` does a deployment."""
    state = {member: environment[member] for member in _STATE_MEMBERS}
    return _begin(rows, environment, "DELETE_IN_PROGRESS", now, {"initialState": {"environment": state}})


def record_adoption(
    rows: Rows, environment: dict[str, Any], target: dict[str, str], made: Progress, now: float
) -> str:
    """Records a deployment of the environment's target that has succeeded elsewhere; nothing is left to do.

    `made` has what was provisioned. Returns the deployment's id.
    """
    environment = begin_deployment(rows, environment, target, now)
    deployment_id: str = environment["lastAttemptedDeploymentId"]
    row = rows.one(deployments, id=deployment_id)
    ended = {"deploymentStatus": "SUCCEEDED"}
    rows.update(
        deployments,
        {"id": deployment_id},
        record=row.record | ended | {"completedAt": now},
        outputs=made.outputs,
        next_at=None,
    )
    succeeded = {"lastDeploymentSucceededAt": now, "lastSucceededDeploymentId": deployment_id}
    rows.update(
        environments,
        {"name": environment["name"]},
        record=environment | ended | succeeded,
        outputs=made.outputs,
        provisioned_resources=made.resources,
        provisioned=True,
    )
    return deployment_id


def begin_cancellation(rows: Rows, environment: dict[str, Any], now: float) -> dict[str, Any]:
    """Records that the environment's deployment in progress is to be cancelled, and makes it due."""
    key = {"id": environment["lastAttemptedDeploymentId"]}
    row = rows.one(deployments, **key)
    record = {**row.record, "deploymentStatus": "CANCELLING", "lastModifiedAt": now}
    rows.update(deployments, key, record=record, next_at=0.0)
    environment = environment | {"deploymentStatus": "CANCELLING"}
    rows.update(environments, {"name": environment["name"]}, record=environment)
    return environment


def _begin(
    rows: Rows, environment: dict[str, Any], status: str, now: float, states: dict[str, Any]
) -> dict[str, Any]:
    deployment_id = str(uuid.uuid4())
    prefix, _, name = environment["arn"].rpartition("environment/")
    before = ("lastAttemptedDeploymentId", "lastSucceededDeploymentId")
    deployment = {
        "id": deployment_id,
        "arn": f"{prefix}deployment/{deployment_id}",
        "targetArn": environment["arn"],
        "targetResourceType": "ENVIRONMENT",
        "targetResourceCreatedAt": environment["createdAt"],
        "environmentName": name,
        "createdAt": now,
        "lastModifiedAt": now,
        "deploymentStatus": status,
        **states,
        **{member: environment[member] for member in before if member in environment},
    }
    rows.insert(
        deployments,
        id=deployment_id,
        environment_name=name,
        created_at=now,
        phase="new",
        environment_tags=tags_to_propagate(rows, environment["arn"]),
        record=deployment,
        next_at=0.0,
    )
    environment = {
        **environment,
        "deploymentStatus": status,
        "deploymentStatusMessage": None,
        "lastDeploymentAttemptedAt": now,
        "lastAttemptedDeploymentId": deployment_id,
    }
    rows.update(environments, {"name": name}, record=environment)
    return environment
