"""The states a stack goes through while it is created, updated or deleted, and what is done in each.

Every function ends in a final state of the stack; none raises for what the template or a service did wrong.
"""

from __future__ import annotations

from collections.abc import Collection

from moto.core.utils import utcnow

from proton_server.local.cloudformation.errors import DeploymentFailed
from proton_server.local.cloudformation.exports import Exports
from proton_server.local.cloudformation.pace import Pace
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import Target


def create(stack: Stack, target: Target, exports: Exports, pace: Pace) -> None:
    """CREATE_IN_PROGRESS to CREATE_COMPLETE, or back to nothing: ROLLBACK_COMPLETE."""
    try:
        _deploy(stack, target, exports, pace)
    except DeploymentFailed as failed:
        if stack.disable_rollback:
            stack.enter("CREATE_FAILED", failed.summary())
            return
        reason = f"{failed.summary()} Rollback requested by user."
        stack.enter("ROLLBACK_IN_PROGRESS", reason)
        _remove_failed(stack, reason, pace)
    else:
        stack.enter("CREATE_COMPLETE")


def update(stack: Stack, target: Target, exports: Exports, tags: dict[str, str], pace: Pace) -> None:
    """UPDATE_IN_PROGRESS to UPDATE_COMPLETE, or back to what was: UPDATE_ROLLBACK_COMPLETE."""
    stack.former_tags = stack.tags
    stack.tag(tags)
    try:
        _deploy(stack, target, exports, pace)
    except DeploymentFailed as failed:
        if stack.disable_rollback:
            stack.enter("UPDATE_FAILED", failed.summary())
            return
        stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", failed.summary())
        roll_back(stack, failed.summary(), pace)
    else:
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        stack.deployment.clean_up(pace)
        stack.enter("UPDATE_COMPLETE")


def roll_back(stack: Stack, reason: str | None, pace: Pace, skip: Collection[str] = ()) -> None:
    """UPDATE_ROLLBACK_IN_PROGRESS to UPDATE_ROLLBACK_COMPLETE, or UPDATE_ROLLBACK_FAILED."""
    stack.tag(stack.former_tags)
    try:
        stack.deployment.undo(pace, skip)
    except DeploymentFailed as stuck:
        stack.enter("UPDATE_ROLLBACK_FAILED", stuck.summary())
    else:
        stack.enter("UPDATE_ROLLBACK_COMPLETE", reason)


def roll_back_creation(stack: Stack, pace: Pace) -> None:
    """ROLLBACK_IN_PROGRESS to ROLLBACK_COMPLETE, or ROLLBACK_FAILED."""
    _remove_failed(stack, None, pace)


def delete(stack: Stack, retain: frozenset[str], exports: Exports, pace: Pace) -> None:
    """DELETE_IN_PROGRESS to DELETE_COMPLETE, or DELETE_FAILED with what could not be deleted still there."""
    try:
        exports.publish(stack, ())
        stack.deployment.remove(pace, retain)
    except DeploymentFailed as failed:
        stack.enter("DELETE_FAILED", failed.summary())
    else:
        stack.deletion_time = utcnow()
        stack.enter("DELETE_COMPLETE")


def _deploy(stack: Stack, target: Target, exports: Exports, pace: Pace) -> None:
    outputs = stack.deployment.apply(target.template, target.values, pace)
    exports.publish(stack, outputs)
    stack.show(outputs)
    stack.current = target
    stack.imports = stack.deployment.imported


def _remove_failed(stack: Stack, reason: str | None, pace: Pace) -> None:
    try:
        stack.deployment.remove(pace, creating=True)
    except DeploymentFailed as stuck:
        stack.enter("ROLLBACK_FAILED", stuck.summary())
    else:
        stack.enter("ROLLBACK_COMPLETE", reason)
