"""What the events of a CloudFormation stack say of the last call that was accepted for it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
"""The first status of a stack after a call."""


def last_token(client: Any, stack: dict[str, Any]) -> str | None:
    """The client token of the last call that CloudFormation accepted for the stack."""
    events = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    return events[0].get("ClientRequestToken") if events else None


def reasons(client: Any, stack: dict[str, Any]) -> str:
    """Why it failed, in CloudFormation's words: of the stack, and of the first resource that failed."""
    of_stack, of_resource = stack.get("StackStatusReason", ""), ""
    for event in _events_of_last_call(client, stack):
        cause = event.get("ResourceStatusReason", "")
        # "Resource creation cancelled" follows from another resource's failure.
        if event["ResourceStatus"].endswith("_FAILED") and cause and not cause.endswith("cancelled"):
            of_resource = f"{event['LogicalResourceId']}: {cause}"
    known = [reason for reason in (of_stack, of_resource) if reason]
    return " ".join(known) or f"The stack is {stack['StackStatus']}."


def _events_of_last_call(client: Any, stack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The stack's events, newest first, back to the last call that was accepted for it."""
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"]):
        for event in page["StackEvents"]:
            if event.get("PhysicalResourceId") == stack["StackId"]:
                if event["ResourceStatus"] in _BEGINNINGS:
                    return
            else:
                yield event
