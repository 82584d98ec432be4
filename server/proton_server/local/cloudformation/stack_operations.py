"""What a call begins on a stack: it is carried out at once, or in a thread of its own at a pace.

One lock serialises all changes, because moto's services are not made for threads; reads take copies. With
`deploy_seconds`, an operation shows as in progress for that long, and goes from resource to resource in that
time, so that waiting, cancelling and crashing can be tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from moto.core.utils import utcnow

from proton_server.local.cloudformation import lifecycle
from proton_server.local.cloudformation.pace import Abandoned, Pace
from proton_server.local.cloudformation.stack_store import StackStore
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import Target

LOCK = threading.RLock()


class StackOperations(StackStore):
    """The stacks of one account and region, and the operations on them. The callers hold the lock."""

    deploy_seconds = 0.0
    """How long each operation shows as in progress."""

    def begin_creation(self, stack: Stack, target: Target) -> None:
        """Create a stack that is in the store."""
        stack.target = target
        self._begin(
            stack, "CREATE_IN_PROGRESS", lambda pace: lifecycle.create(stack, target, self.exchange, pace)
        )

    def begin_update(self, stack: Stack, target: Target, tags: dict[str, str] | None) -> None:
        """Update a stack; no tags are the ones that it has."""
        wanted = stack.tags if tags is None else tags
        stack.last_updated_time = utcnow()
        self._begin(
            stack,
            "UPDATE_IN_PROGRESS",
            lambda pace: lifecycle.update(stack, target, self.exchange, wanted, pace),
        )

    def begin_rollback(self, stack: Stack, skip: Collection[str] = ()) -> None:
        """Roll the last update back, without what is to be skipped, or a creation that was never complete."""
        if stack.current is None:
            self._begin(stack, "ROLLBACK_IN_PROGRESS", lambda pace: lifecycle.roll_back_creation(stack, pace))
            return
        self._begin(
            stack, "UPDATE_ROLLBACK_IN_PROGRESS", lambda pace: lifecycle.roll_back(stack, None, pace, skip)
        )

    def begin_deletion(self, stack: Stack, retain: frozenset[str]) -> None:
        """Delete a stack; what is in progress on it ends where it is."""
        if stack.pace is not None:
            stack.pace.interrupt(Abandoned())

        def delete(pace: Pace) -> None:
            lifecycle.delete(stack, retain, self.exchange, pace)
            self.archive(stack)

        self._begin(stack, "DELETE_IN_PROGRESS", delete)

    def _begin(self, stack: Stack, status: str, work: Callable[[Pace], None]) -> None:
        stack.enter(status, "User Initiated")
        stack.pace = pace = Pace(LOCK, self.deploy_seconds)
        if self.deploy_seconds <= 0:
            work(pace)
            return

        def run() -> None:
            try:
                with LOCK:
                    work(pace)
            except Abandoned:
                pass  # the stack's deletion has begun

        threading.Thread(target=run, name=f"{status} {stack.stack_name}", daemon=True).start()
