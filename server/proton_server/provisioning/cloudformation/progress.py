"""Where CloudFormation is with a stack, in a sentence for its user. Pure: events in, text out.

Only logical IDs, types and statuses are named, and reasons where something failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proton_server.provisioning.cloudformation.events import Operation

_DOING = (
    ("ROLLBACK", "Rolling back"),
    ("CREATE", "Creating"),
    ("CLEANUP", "Removing what the update replaced"),
    ("UPDATE", "Updating"),
    ("DELETE", "Deleting"),
    ("IMPORT", "Importing"),
)
"""Part of a stack's status in progress → what it means; the first that fits."""


def progress_text(operation: Operation, status: str) -> str:
    """What CloudFormation is doing with a stack in a status in progress, by the events of its operation."""
    because = _because(operation) if "ROLLBACK" in status else ""
    return f"{_doing(status)}{because}: {_where(operation)}"


def brief_text(stack: Mapping[str, Any]) -> str:
    """The same by the stack alone: why it is in this status, if CloudFormation says so."""
    reason = stack.get("StackStatusReason", "") if "ROLLBACK" in stack["StackStatus"] else ""
    return f"{_doing(stack['StackStatus'])}{f': {reason}'.rstrip(': ')}".rstrip(".") + "."


def _doing(status: str) -> str:
    return next((text for part, text in _DOING if part in status), "In progress")


def _because(operation: Operation) -> str:
    for name, reason in operation.failures().items():
        return f", because {name} failed ({reason.rstrip('.')})" if reason else f", because {name} failed"
    return ""


def _where(operation: Operation) -> str:
    newest: dict[str, Mapping[str, Any]] = {}
    for event in operation.since_rollback:
        newest.setdefault(event["LogicalResourceId"], event)
    done = sum(event["ResourceStatus"].endswith("_COMPLETE") for event in newest.values())
    at = [event for event in newest.values() if event["ResourceStatus"].endswith("_IN_PROGRESS")]
    finished = f"{done} resource{'' if done == 1 else 's'} done"
    if not at:
        return f"{finished}."
    first = at[0]
    name = f"{first['LogicalResourceId']} ({first['ResourceType']})"
    others = f" and {len(at) - 1} more" if len(at) > 1 else ""
    return f"{first['ResourceStatus']} {name}{others}; {finished}."
