"""Refreshing an environment from a listing that all reads of a command share."""

from __future__ import annotations

from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core.declaration import Resource
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.environment.listing import has_moved, shared_environments
from aws_proton_provider.resources.environment.waits import outputs_of, without_deleted_connection
from aws_proton_provider.resources.tags import observed, read_tags


def refreshed(resource: type[Resource], identifier: str, state: State, operation: Operation) -> State | None:
    """The environment's state, where the listing shows that it is still the one that was known.

    Outputs that whoever provisions may have changed since are read, and so is whether its connection exists;
    its tags only with `aws-proton:refreshTags`, since no listing has them.

    Returns None where it has to be read itself: something has moved, it is not listed or not in a state yet,
    the listing cannot be read, or this very operation has changed it.
    """
    if operation.verb != "read" or "arn" not in state:
        return None
    listed = shared_environments(operation.proton, operation.answers, reader=identifier)
    summary = (listed or {}).get(identifier)
    if summary is None or has_moved(resource, state, summary):
        return None
    proton = operation.proton
    found = state | {"outputs": outputs_of(resource, state, state, proton)}
    if operation.refresh_tags:
        found |= observed(read_tags(state["arn"], proton), state)
    return without_deleted_connection(resource, found, operation)
