"""What the events of a CloudFormation stack say of the last call that was accepted for it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

_BEGINNINGS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)
"""The first status of a stack after a call. One that continues a rollback is known by its client token."""
_MAX_NAMED = 5
"""How many resources a message names with their reasons."""


@dataclass(frozen=True)
class Operation:
    """A call that CloudFormation accepted for a stack, and what came of it."""

    token: str | None
    """The client token of the call."""
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """Newest first, those of the stack itself among them."""
    stack_id: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether the stack came to a final status by it."""
        return (
            bool(self.events)
            and self._is_of_stack(self.events[0])
            and not self.events[0]["ResourceStatus"].endswith("_IN_PROGRESS")
        )

    @property
    def began_at(self) -> datetime | None:
        """When it was accepted; None for an operation of which not all events were read."""
        first = self.events[-1] if self.events else None
        return first["Timestamp"] if first is not None and self._is_of_stack(first) else None

    @property
    def of_resources(self) -> list[Mapping[str, Any]]:
        """The events of resources, newest first."""
        return [event for event in self.events if not self._is_of_stack(event)]

    @property
    def since_rollback(self) -> list[Mapping[str, Any]]:
        """The events of resources since the rollback began; all, if none did."""
        found = []
        for event in self.events:
            if self._is_of_stack(event) and event["ResourceStatus"].endswith("ROLLBACK_IN_PROGRESS"):
                break
            if not self._is_of_stack(event):
                found.append(event)
        return found

    def failures(self) -> dict[str, str]:
        """The resources that failed, those first that failed first, each with its reason."""
        found: dict[str, str] = {}
        for event in reversed(self.of_resources):
            reason = event.get("ResourceStatusReason", "")
            # "Resource creation cancelled" follows from another resource's failure.
            if event["ResourceStatus"].endswith("_FAILED") and not reason.endswith("cancelled"):
                found.setdefault(event["LogicalResourceId"], reason)
        return found

    def _is_of_stack(self, event: Mapping[str, Any]) -> bool:
        return event.get("PhysicalResourceId") == self.stack_id


def newest_events(client: Any, stack: Mapping[str, Any]) -> Operation:
    """The last operation, with those of its events that one call shows."""
    page = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    return next(_operations(page, stack["StackId"]), Operation(None))


def last_operations(client: Any, stack: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations on the stack, the last one first."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
    return _operations((event for page in pages for event in page["StackEvents"]), stack["StackId"])


def reasons(client: Any, stack: Mapping[str, Any]) -> str:
    """Why it failed, in CloudFormation's words: of the stack, and of the first resource that failed."""
    failures = next(last_operations(client, stack), Operation(None)).failures()
    of_resource = next((f"{name}: {reason}" for name, reason in failures.items() if reason), "")
    known = [reason for reason in (stack.get("StackStatusReason", ""), of_resource) if reason]
    return " ".join(known) or f"The stack is {stack['StackStatus']}."


def named(failures: Mapping[str, str]) -> str:
    """The resources that failed with their reasons, as a sentence of a message."""
    shown = [f"{name}: {reason or 'no reason is given'}" for name, reason in [*failures.items()][:_MAX_NAMED]]
    rest = len(failures) - len(shown)
    return "; ".join([text.rstrip(".") for text in shown] + ([f"and {rest} more"] if rest else [])) + "."


def _operations(events: Iterable[Mapping[str, Any]], stack_id: str) -> Iterator[Operation]:
    """The events, newest first, by the calls that they follow from."""
    current: list[Mapping[str, Any]] = []
    for event in events:
        if current and event.get("ClientRequestToken") != current[-1].get("ClientRequestToken"):
            yield Operation(current[0].get("ClientRequestToken"), current, stack_id)
            current = []
        current.append(event)
        if event.get("PhysicalResourceId") == stack_id and event["ResourceStatus"] in _BEGINNINGS:
            yield Operation(current[0].get("ClientRequestToken"), current, stack_id)
            current = []
    if current:
        yield Operation(current[0].get("ClientRequestToken"), current, stack_id)
