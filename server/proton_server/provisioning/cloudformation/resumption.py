"""What a stack shows of a deployment that a restored database has in progress.

The client token of a call is the deployment's ID, and is in the stack's events from then on. A deleted stack
is found for 90 days, by listing all that were deleted.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from proton_server.provisioning import Progress, State
from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.resumption import (
    DELETED_SINCE,
    GONE,
    OVERTAKEN,
    UNKNOWN,
    Change,
    later_change,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from proton_server.provisioning import Work

_CHANGES = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS"})
"""The first status of a stack after a call that changes it. That of a deletion counts for its own deployment
only: what a failed creation left is deleted without a token."""
_MARGIN_SECONDS = 3600.0
"""The events of so long before the deployment are read, too: AWS's clock is not the server's."""


def refusal_to_resume(client: Any, stack: Mapping[str, Any] | None, name: str, work: Work) -> Progress | None:
    """Why the deployment must not go on, as its failure; None if it may. `name` is that of its stack."""
    if stack is None:
        return _without_stack(client, name, work)
    changes = [*_changes(client, stack, work)]
    later = later_change(changes, work.deployment_id, work.created_at)
    return None if later is None else Progress(State.FAILED, OVERTAKEN.format(at=shown(later.at)))


def refusal_to_resume_removal(client: Any, stack: Mapping[str, Any] | None, work: Work) -> Progress | None:
    """The same of a removal, which is done if there is no stack."""
    return None if stack is None else refusal_to_resume(client, stack, "", work)


def _without_stack(client: Any, name: str, work: Work) -> Progress | None:
    if "lastSucceededDeploymentId" in work.environment:
        return Progress(State.FAILED, GONE)
    try:
        was_deleted = any(
            stack["StackName"] == name and stack["CreationTime"].timestamp() > work.created_at
            for stack in _deleted(client)
        )
    except ClientError as error:
        if temporary_error(error):
            raise
        return Progress(State.FAILED, UNKNOWN)  # service roles are often allowed `stack/AWSProton-*` only
    return Progress(State.FAILED, DELETED_SINCE) if was_deleted else None


def _deleted(client: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"]):
        yield from page["StackSummaries"]


def _changes(client: Any, stack: Mapping[str, Any], work: Work) -> Iterator[Change]:
    """The changes of the stack, newest first, of the time since the deployment was asked for."""
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"]):
        for event in page["StackEvents"]:
            at, token = event["Timestamp"].timestamp(), event.get("ClientRequestToken")
            if at < work.created_at - _MARGIN_SECONDS:
                return
            is_own = token == work.deployment_id
            is_of_stack = event.get("PhysicalResourceId") == stack["StackId"]
            if is_own or (is_of_stack and event["ResourceStatus"] in _CHANGES):
                yield Change(token, at)
