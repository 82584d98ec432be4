"""What is shown of a stack that CloudFormation is at, by its events."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from proton_server.provisioning.cloudformation.events import Operation, named
from proton_server.provisioning.cloudformation.progress import brief_text, progress_text

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1"


def operation(*events: str) -> Operation:
    """An operation of these events, oldest first: `Vpc CREATE_FAILED why`; `s` is the stack."""
    found: list[dict[str, Any]] = []
    for event in events:
        name, status, reason = [*event.split(" ", 2), ""][:3]
        found.append(
            {
                "LogicalResourceId": name,
                "PhysicalResourceId": STACK if name == "s" else name.lower(),
                "ResourceType": f"AWS::X::{name}",
                "ResourceStatus": status,
                "Timestamp": datetime(2026, 11, 28, tzinfo=timezone.utc),
                **({"ResourceStatusReason": reason} if reason else {}),
            }
        )
    return Operation("token", found[::-1], STACK)


@pytest.mark.parametrize(
    ("status", "events", "text"),
    [
        ("CREATE_IN_PROGRESS", ["s CREATE_IN_PROGRESS"], "Creating: 0 resources done."),
        (
            "CREATE_IN_PROGRESS",
            ["s CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS", "A CREATE_COMPLETE", "B CREATE_IN_PROGRESS"],
            "Creating: CREATE_IN_PROGRESS B (AWS::X::B); 1 resource done.",
        ),
        (
            "UPDATE_IN_PROGRESS",
            ["s UPDATE_IN_PROGRESS", "A UPDATE_IN_PROGRESS", "B CREATE_IN_PROGRESS", "C UPDATE_COMPLETE"],
            "Updating: CREATE_IN_PROGRESS B (AWS::X::B) and 1 more; 1 resource done.",
        ),
        (
            "UPDATE_ROLLBACK_IN_PROGRESS",
            [
                "s UPDATE_IN_PROGRESS",
                "A UPDATE_COMPLETE",
                "B CREATE_FAILED Not that.",
                "C CREATE_FAILED Resource creation cancelled",
                "s UPDATE_ROLLBACK_IN_PROGRESS",
                "A UPDATE_IN_PROGRESS",
            ],
            "Rolling back, because B failed (Not that): UPDATE_IN_PROGRESS A (AWS::X::A); 0 resources done.",
        ),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            ["s UPDATE_IN_PROGRESS", "A UPDATE_COMPLETE", "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"],
            "Removing what the update replaced: 1 resource done.",
        ),
        (
            "DELETE_IN_PROGRESS",
            ["s DELETE_IN_PROGRESS", "A DELETE_COMPLETE", "B DELETE_COMPLETE", "C DELETE_IN_PROGRESS"],
            "Deleting: DELETE_IN_PROGRESS C (AWS::X::C); 2 resources done.",
        ),
    ],
)
def test_the_text_says_what_is_done_why_and_at_what(status: str, events: list[str], text: str) -> None:
    assert progress_text(operation(*events), status) == text


def test_without_events_the_stack_says_why_it_rolls_back() -> None:
    reason = "The following resource(s) failed to create: [B]."
    rolling_back = {"StackStatus": "ROLLBACK_IN_PROGRESS", "StackStatusReason": reason}
    assert brief_text(rolling_back) == f"Rolling back: {reason}"
    assert brief_text({"StackStatus": "CREATE_IN_PROGRESS", "StackStatusReason": "x"}) == "Creating."


def test_a_message_names_a_few_of_many_resources() -> None:
    assert named({"A": "Why.", "B": ""}) == "A: Why; B: no reason is given."
    assert named({f"R{number}": "no" for number in range(7)}).endswith("R4: no; and 2 more.")
