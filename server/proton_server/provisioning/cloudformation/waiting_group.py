"""The deployments that wait for stacks in one account and Region with one role, and the looks at these.

A look decides nothing: it makes deployments due, and their steps decide.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.cloudformation.call_rate import AT_ONCE
from proton_server.provisioning.cloudformation.stack_pages import descriptions, statuses_in_progress
from proton_server.provisioning.cloudformation.waiting_stacks import (
    PUT_OFF_SECONDS,
    Seen,
    Waiting,
    forgotten,
    moved,
    next_in_turn,
    next_to_show,
    rest_after_listing,
    to_put_off,
    until_next_look,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from proton_server.provisioning.cloudformation.call_rate import CallRate

_log = logging.getLogger(__name__)

_AFTER_AN_ERROR = (2.0, 60.0)
"""Seconds until the next look after one that failed: doubled each time."""
_DENIED_SECONDS = 600.0
"""For how long a listing is not tried again that the role is not allowed, or that is too long."""


class Schedule(Protocol):
    """When deployments are stepped. Without the database nothing changes, and nothing is raised."""

    def make_due(self, ids: Sequence[str]) -> None:
        """Makes those due at once that wait for a later time."""

    def put_off(self, ids: Sequence[str], seconds: float) -> Sequence[str]:
        """Lets those wait longer that are due soon. Returns all of them that wait for a later time."""


class Scope(NamedTuple):
    """Whose stacks a listing shows, and with which role."""

    account_id: str
    region: str
    role: str

    @property
    def place(self) -> tuple[str, str]:
        """Where calls are counted together."""
        return self.account_id, self.region


class WaitingGroup:
    """The deployments of one scope. Safe to use from several threads; one looks at a time.

    Args:
        scope: whose stacks they are.
        rate: what all calls in the place are reserved of.
        clock: seconds since some time.
        may_call: waits until a number of calls may be made; False: no more are to be made.

    """

    def __init__(
        self, scope: Scope, rate: CallRate, clock: Callable[[], float], may_call: Callable[[int], bool]
    ) -> None:
        self.scope, self._rate, self._clock, self._may_call = scope, rate, clock, may_call
        self.look_at = clock()
        """When to look next."""
        self.busy = False
        self._waiting: dict[str, Waiting] = {}
        self._mutex = threading.Lock()
        self._failures = 0
        self._rested_at = clock()
        """When to list again at the earliest."""
        self._unlistable_until = self._undescribable_until = float("-inf")

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, deployment_id: str) -> bool:
        return deployment_id in self._waiting

    def add(self, deployment_id: str, stack_id: str, status: str) -> None:
        """Begins or continues to watch a stack, whose status a step has just seen."""
        with self._mutex:
            now, known = self._clock(), self._waiting.get(deployment_id)
            if known is None or known.stack_id != stack_id:
                one = Waiting(stack_id, status, since=now, seen_at=now)
            elif known.status != status:
                one = replace(known, status=status, seen_at=now, seen=None, progress="")
            else:
                one = replace(known, seen_at=now, seen=None)
            soon = max(self._rested_at, now + one.pause(now))
            self.look_at = min(self.look_at, soon) if self._waiting else soon
            self._waiting[deployment_id] = one

    def remove(self, deployment_id: str) -> None:
        """Ends the watch for a deployment that waits no more."""
        with self._mutex:
            self._waiting.pop(deployment_id, None)

    def seen(self, deployment_id: str) -> Seen | None:
        """What was read of the stack for the next step, once; None: it has to look itself."""
        with self._mutex:
            one = self._waiting.get(deployment_id)
            if one is None:
                return None
            seen, one.seen = one.seen, None
            return seen

    def progress(self, deployment_id: str, look: Callable[[], str]) -> str:
        """What is to be shown of the stack: by a look, if one is allowed now, else as it was last.

        Empty if there was none since the stack has its status.
        """
        with self._mutex:
            one, now = self._waiting.get(deployment_id), self._clock()
            if one is None:
                return ""
            if not (one.may_look or one.progress) and self._rate.free_at(self.scope.place) <= now:
                self._rate.reserve(self.scope.place)
                one.may_look, one.progress_at = True, now
            if not one.may_look:
                return one.progress
            one.may_look = False
        one.progress = look()
        return one.progress

    def put_off(self, schedule: Schedule) -> None:
        """Lets those wait longer that the looks will make due when it is time."""
        with self._mutex:
            now = self._clock()
            ids = to_put_off(self._waiting, now)
        still_waiting = schedule.put_off(ids, PUT_OFF_SECONDS) if ids else ()
        with self._mutex:
            for one in self._known(still_waiting):
                one.put_off_at = now
            for id_ in forgotten(self._waiting, now):
                del self._waiting[id_]

    def look(self, client: Callable[[], Any], schedule: Schedule) -> None:
        """Looks at the stacks, for which one call is reserved already, and makes due whose has moved.

        Raises nothing: after an error the stacks are looked at in turn, at growing intervals.
        """
        try:
            if self._clock() < self._unlistable_until:
                self._look_in_turn(schedule, reserved=1)
            else:
                self._look_at_all(client(), schedule)
        except (ClientError, BotoCoreError) as error:
            _log.info("The stacks of %s cannot be listed: %s", self.scope.place, type(error).__name__)
            self._failed(schedule)
        except Exception:  # noqa: BLE001  # the pool would not log it
            _log.exception("The stacks of %s could not be watched", self.scope.place)
            self._failed(schedule)

    def _look_at_all(self, client: Any, schedule: Schedule) -> None:
        began = self._clock()
        with self._mutex:
            wanted = {one.stack_id for one in self._waiting.values()}
        try:
            statuses = statuses_in_progress(client, wanted, self._may_call_once)
        except ClientError as error:
            if temporary_error(error) is not None:
                raise
            self._unlistable_until = began + _DENIED_SECONDS
            _log.info("%s may not list stacks: they are looked at one by one", self.scope.role)
            return
        if not self._may_call(0):
            return
        with self._mutex:
            now, self._failures = self._clock(), 0
            due = moved(self._waiting, statuses, began, now)
            self._rested_at = now + rest_after_listing(len(statuses))
            self.look_at = max(self._rested_at, now + until_next_look(self._waiting, now))
        if len(due) > AT_ONCE and now >= self._undescribable_until:
            self._describe(client, due, began)
        with self._mutex:
            shown = next_to_show(self._waiting, now)
            due = [id_ for id_ in due if id_ in self._waiting]
            described = [id_ for id_ in due if self._waiting[id_].seen is not None]
            single = [id_ for id_ in due if self._waiting[id_].seen is None][:AT_ONCE]
        self._make_due(schedule, [*described, *single], shown, calls=len(single) + 2 * len(shown))

    def _describe(self, client: Any, deployment_ids: Sequence[str], began: float) -> None:
        """Reads the stacks of deployments for their next steps, in fewer calls than these would need."""
        with self._mutex:
            stacks = {id_: self._waiting[id_].stack_id for id_ in deployment_ids if id_ in self._waiting}
        wanted = set(stacks.values())
        try:
            found, is_all = descriptions(client, wanted, max(1, len(wanted) // 2), self._may_call_once)
        except ClientError as error:
            if temporary_error(error) is not None:
                raise
            found, is_all = {}, False
        if not is_all and not wanted <= found.keys():
            self._undescribable_until = self._clock() + _DENIED_SECONDS
        with self._mutex:
            for id_, stack_id in stacks.items():
                one = self._waiting.get(id_)
                # What a step saw since is newer.
                if one is not None and one.stack_id == stack_id and one.seen_at <= began:
                    one.seen = Seen(found.get(stack_id)) if stack_id in found or is_all else None

    def _look_in_turn(self, schedule: Schedule, *, reserved: int = 0) -> None:
        with self._mutex:
            now = self._clock()
            due = next_in_turn(self._waiting, now, AT_ONCE)
            shown = [id_ for id_ in next_to_show(self._waiting, now) if id_ in due]
        self._make_due(schedule, due, shown, calls=len(due) + len(shown) - reserved)
        with self._mutex:
            self.look_at = min((one.due_at(now) for one in self._waiting.values()), default=now)

    def _failed(self, schedule: Schedule) -> None:
        shortest, longest = _AFTER_AN_ERROR
        self._look_in_turn(schedule)
        with self._mutex:
            self.look_at = self._rested_at = self._clock() + min(longest, shortest * 2.0**self._failures)
            self._failures += 1

    def _make_due(self, schedule: Schedule, ids: Iterable[str], shown: Iterable[str], *, calls: int) -> None:
        """Has steps look at stacks, which takes so many calls, some also at the progress."""
        if not self._may_call(max(0, calls)):
            return
        with self._mutex:
            now = self._clock()
            for one in self._known(shown):
                one.may_look, one.progress_at = True, now
            due = [id_ for id_ in {*ids, *shown} if id_ in self._waiting]
            for one in self._known(due):
                one.asked_at = now
        if due:
            schedule.make_due(due)

    def _may_call_once(self) -> bool:
        return self._may_call(1)

    def _known(self, deployment_ids: Iterable[str]) -> list[Waiting]:
        return [self._waiting[id_] for id_ in deployment_ids if id_ in self._waiting]
