"""The states a stack goes through while it is created, updated or deleted, and what is done in each.

Every function ends in a final state of the stack; none raises for what the template or a service did wrong.
"""

from __future__ import annotations

from moto.core.utils import utcnow

from proton_server.local.cloudformation.errors import DeploymentFailed
from proton_server.local.cloudformation.exports import Exports
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import Target


def create(stack: Stack, target: Target, exports: Exports) -> None:
    """CREATE_IN_PROGRESS to CREATE_COMPLETE, or back to nothing: ROLLBACK_COMPLETE."""
    try:
        _deploy(stack, target, exports)
    except DeploymentFailed as failed:
        reason = f"{failed.summary()} Rollback requested by user."
        stack.enter("ROLLBACK_IN_PROGRESS", reason)
        try:
            stack.deployment.remove(creating=True)
        except DeploymentFailed as stuck:
            stack.enter("ROLLBACK_FAILED", stuck.summary())
        else:
            stack.enter("ROLLBACK_COMPLETE", reason)
    else:
        stack.enter("CREATE_COMPLETE")


def update(stack: Stack, target: Target, exports: Exports, tags: dict[str, str]) -> None:
    """UPDATE_IN_PROGRESS to UPDATE_COMPLETE, or back to what was: UPDATE_ROLLBACK_COMPLETE."""
    former_tags = stack.tags
    stack.tag(tags)
    try:
        _deploy(stack, target, exports)
    except DeploymentFailed as failed:
        stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", failed.summary())
        stack.tag(former_tags)
        try:
            stack.deployment.undo()
        except DeploymentFailed as stuck:
            stack.enter("UPDATE_ROLLBACK_FAILED", stuck.summary())
        else:
            stack.enter("UPDATE_ROLLBACK_COMPLETE", failed.summary())
    else:
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        stack.deployment.clean_up()
        stack.enter("UPDATE_COMPLETE")


def cancel_update(stack: Stack) -> None:
    """UPDATE_IN_PROGRESS, before anything was done, to UPDATE_ROLLBACK_COMPLETE."""
    stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
    stack.enter("UPDATE_ROLLBACK_COMPLETE")


def delete(stack: Stack, retain: frozenset[str], exports: Exports) -> None:
    """DELETE_IN_PROGRESS to DELETE_COMPLETE, or DELETE_FAILED with what could not be deleted still there."""
    try:
        exports.publish(stack, ())
        stack.deployment.remove(retain)
    except DeploymentFailed as failed:
        stack.enter("DELETE_FAILED", failed.summary())
    else:
        stack.deletion_time = utcnow()
        stack.enter("DELETE_COMPLETE")


def _deploy(stack: Stack, target: Target, exports: Exports) -> None:
    outputs = stack.deployment.apply(target.template, target.values)
    exports.publish(stack, outputs)
    stack.show(outputs)
    stack.current = target
    stack.imports = stack.deployment.imported
