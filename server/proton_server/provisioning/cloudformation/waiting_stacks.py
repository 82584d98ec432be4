"""Which of the stacks that deployments wait for are looked at next: pure decisions of the stack watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAUSES = (0.1, 5.0)
"""Seconds between two looks at a stack, at least and at most; in between a tenth of the time it takes."""
_PROGRESS_SECONDS = 1.0
"""Between two looks at the progress of one that waits alone; n that wait have to wait n seconds."""
_PROGRESS_LOOKS = 2
"""How many are made due at a time for their progress, which costs two calls each."""
_LISTED_A_SECOND = 200
"""Stacks that are listed, on average, by listings that follow each other."""
PUT_OFF_SECONDS = 20.0
"""How often, and for how long, a watched deployment is put off that would be due by itself."""
_FORGOTTEN_SECONDS = 120.0
"""A deployment that nobody has stepped or put off for so long is another process's now."""


class Seen(NamedTuple):
    """What the watch has read of a stack, for the step that follows."""

    stack: dict[str, Any] | None
    """As DescribeStacks has it; None: there is no such stack."""


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
    put_off_at: float = float("-inf")
    """When the time at which it is due by itself was last put off."""
    seen: Seen | None = None
    """What the next step need not ask for."""

    def pause(self, now: float) -> float:
        """How long to wait between two looks at the stack."""
        shortest, longest = _PAUSES
        return min(longest, max(shortest, (now - self.since) / 10))

    def due_at(self, now: float) -> float:
        """When to look at the stack next."""
        return max(self.seen_at, self.asked_at) + self.pause(now)

    def known_at(self) -> float:
        """When its deployment was last known to wait here."""
        return max(self.seen_at, self.put_off_at)


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


def until_next_look(waiting: Mapping[str, Waiting], now: float) -> float:
    """Seconds until the next look at all, as often as the one that waits for the shortest time needs it."""
    return min((one.pause(now) for one in waiting.values()), default=0.0)


def rest_after_listing(listed: int) -> float:
    """Seconds without a listing after one of so many stacks."""
    return listed / _LISTED_A_SECOND


def to_put_off(waiting: Mapping[str, Waiting], now: float) -> list[str]:
    """The deployments that would be due by themselves before they are looked at here once more."""
    return [id_ for id_, one in waiting.items() if now - one.known_at() >= PUT_OFF_SECONDS]


def forgotten(waiting: Mapping[str, Waiting], now: float) -> list[str]:
    """The deployments that wait here no more: they have ended, or another process watches them."""
    return [id_ for id_, one in waiting.items() if now - one.known_at() > _FORGOTTEN_SECONDS]


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
