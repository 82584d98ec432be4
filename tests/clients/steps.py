"""A step of a walk, and the steps that walks share.

The programs in `programs/` carry the steps out, each in its language, and print a line of JSON for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CONFLICT, NOT_FOUND, INVALID = "ConflictException", "ResourceNotFoundException", "ValidationException"
REGISTERED, DEPLOYED = "EnvironmentTemplateVersionRegistered", "EnvironmentDeployed"
"""Waiters."""


class Step(NamedTuple):
    """A step of a walk: an operation, all pages of one, or a waiter."""

    title: str
    calls: str
    """The operation, or the waiter."""
    answer: Mapping[str, Any] = {}
    """JMESPath expressions, and what they find in the answer. `{account}` is the client's account."""
    outcome: str = "OK"
    """Or the class of the error in the client's SDK; of a waiter, Failure."""
    message: str = ""
    """What the error says."""


def deletion(name: str) -> tuple[Step, ...]:
    return (
        Step(
            f"delete {name}",
            "DeleteEnvironment",
            {"environment.[name, deploymentStatus]": [name, "DELETE_IN_PROGRESS"]},
        ),
        Step(
            f"get {name} when it is deleted",
            "GetEnvironment",
            outcome=NOT_FOUND,
            message=f"Environment not found: {name}",
        ),
    )
