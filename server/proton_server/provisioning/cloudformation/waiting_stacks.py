"""Which of the stacks that deployments wait for are looked at next: pure decisions of the stack watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAUSES = (0.1, 5.0)
"""Seconds between two looks at a stack, at least and at most; in between a tenth of the time it takes."""
_PROGRESS_SECONDS = 1.0
"""Between two looks at the progress of one that waits alone; n that wait have to wait n seconds."""
_PROGRESS_LOOKS = 2
"""How many are made due at a time for their progress, which costs two calls each."""


@dataclass
class Waiting:
    """A deployment that waits for a stack. Times are of the watch's clock."""

    stack_id: str
    status: str
    """The stack's, when a step last looked at it."""
    since: float
    """When a step first looked at it."""
    seen_at: float
    """When a step last looked at it."""
    asked_at: float = float("-inf")
    """When it was last made due."""
    progress: str = ""
    """What was last shown of the stack in this status."""
    progress_at: float = float("-inf")
    """When a look at its progress was last allowed."""
    may_look: bool = False
    """Whether the next step may look at its progress."""

    def pause(self, now: float) -> float:
        """How long to wait between two looks at the stack."""
        shortest, longest = _PAUSES
        return min(longest, max(shortest, (now - self.since) / 10))

    def due_at(self, now: float) -> float:
        """When to look at the stack next."""
        return max(self.seen_at, self.asked_at) + self.pause(now)


def moved(waiting: Mapping[str, Waiting], statuses: Mapping[str, str], began: float, now: float) -> list[str]:
    """The deployments to make due, by a listing (stack's id → status) that began at a time.

    What a step saw after the listing began is newer than the listing. A deployment that was made due already
    is so again only after its pause: the listing may be older than the step's look, and stay so.
    """
    return [
        deployment_id
        for deployment_id, one in waiting.items()
        if one.seen_at <= began
        and statuses.get(one.stack_id) != one.status
        and now - one.asked_at >= one.pause(now)
    ]


def next_in_turn(waiting: Mapping[str, Waiting], now: float, number: int) -> list[str]:
    """Up to `number` deployments whose stacks are due, those first that are so for longest."""
    due = [deployment_id for deployment_id, one in waiting.items() if one.due_at(now) <= now]
    return sorted(due, key=lambda deployment_id: waiting[deployment_id].due_at(now))[:number]


def next_to_show(waiting: Mapping[str, Waiting], now: float) -> list[str]:
    """The deployments that are to look at their progress, those first that have not for longest."""
    pause = max(_PROGRESS_SECONDS, float(len(waiting)))
    due = [
        deployment_id
        for deployment_id, one in waiting.items()
        if now - max(one.progress_at, one.since) >= pause and not one.may_look
    ]
    return sorted(due, key=lambda deployment_id: waiting[deployment_id].progress_at)[:_PROGRESS_LOOKS]
