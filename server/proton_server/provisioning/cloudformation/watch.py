"""Watches the stacks that deployments wait for, so that waiting costs no call for each stack and tick.

One listing of an account's stacks in progress (ListStacks with their statuses, 100 a page) serves all that
wait there with the same role. A stack whose status has changed, or that is no longer in progress, makes its
deployment due: the step that follows looks at the stack itself and decides, so a listing that is old or
incomplete costs a call and never a wrong result. A role that may not list (service roles are often allowed
`stack/AWSProton-*` only) has its stacks looked at one by one, by steps that are made due in turn.

Whoever waits is shown where CloudFormation is: now and then a step may look at the stack's events, too, and
is made due for that in turn, less often the more wait.

However many wait, an account and Region get at most `_CALLS_A_SECOND` of all these. The watch is in memory:
a deployment is due again by itself after `PAUSES` of `engine/transitions.py`, in whichever process.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.cloudformation.status import IN_PROGRESS
from proton_server.provisioning.cloudformation.waiting_stacks import (
    Waiting,
    moved,
    next_in_turn,
    next_to_show,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proton_server.provisioning import Work
    from proton_server.provisioning.aws import Aws

_log = logging.getLogger(__name__)

_CALLS_A_SECOND = 5.0
_AFTER_AN_ERROR = (2.0, 60.0)
"""Seconds until the next listing after one that failed: doubled each time."""
_LISTABLE_AGAIN_SECONDS = 600.0
"""After so long a role that was not allowed to list is tried again."""
_FORGOTTEN_SECONDS = 120.0
"""A deployment that nobody has stepped for so long is another process's now."""
_WORKERS = 8
"""Accounts that are listed at a time: one that does not answer must not keep the others waiting."""


class Scope(NamedTuple):
    """Whose stacks a listing shows, and with which role."""

    account_id: str
    region: str
    role: str


@dataclass
class _Group:
    """The deployments that wait in one scope."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    look_at: float = 0.0
    """When to look at its stacks again."""
    failures: int = 0
    unlistable_until: float = float("-inf")
    busy: bool = False


class StackWatch:
    """The stacks that deployments of this process wait for."""

    def __init__(self, aws: Aws, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws, self._clock = aws, clock
        self._groups: dict[Scope, _Group] = {}
        self._free_at: dict[tuple[str, str], float] = {}
        """Account and Region → when the next call may be made there."""
        self._mutex, self._woken, self._stopping = threading.Lock(), threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="stack-watch")
        self._thread: threading.Thread | None = None
        self._make_due: Callable[[list[str]], None]

    def start(self, make_due: Callable[[list[str]], None]) -> None:
        """Begins to watch. `make_due` makes deployments due, by their ids; it may raise."""
        self._make_due = make_due
        self._thread = threading.Thread(target=self._run, name="stack-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch, after the listings in progress."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown()

    def add(self, work: Work, stack_id: str, status: str) -> None:
        """Watches a stack that is in progress, as a step has just seen it, for a deployment."""
        now = self._clock()
        with self._mutex:
            group = self._groups.setdefault(_scope(work), _Group())
            known = group.waiting.get(work.deployment_id)
            if known is None or known.stack_id != stack_id:
                one = Waiting(stack_id, status, since=now, seen_at=now)
            elif known.status != status:
                one = replace(known, status=status, seen_at=now, progress="")
            else:
                one = replace(known, seen_at=now)
            scope = _scope(work)
            if not one.progress and self._free_at.get(scope[:2], 0.0) <= now:
                one.may_look, one.progress_at = True, now
                self._spend(scope, 1, now)
            group.waiting[work.deployment_id] = one
            group.look_at = min(group.look_at or now, now + one.pause(now))
        self._woken.set()

    def progress(self, work: Work, look: Callable[[], str]) -> str:
        """What is to be shown of a watched stack: by a look, if one is allowed now, else as it was last.

        Empty if there was none since the stack has its status.
        """
        with self._mutex:
            group = self._groups.get(_scope(work))
            one = group.waiting.get(work.deployment_id) if group else None
            if one is None or not one.may_look:
                return one.progress if one else ""
            one.may_look = False
        text = look()
        one.progress = text
        return text

    def remove(self, work: Work) -> None:
        """Ends the watch for a deployment that waits no more."""
        with self._mutex:
            if group := self._groups.get(_scope(work)):
                group.waiting.pop(work.deployment_id, None)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self._woken.wait(self._begin_looks())

    def _begin_looks(self) -> float | None:
        """Begins the looks that are due. Returns the seconds until the next one is, if there is one."""
        now = self._clock()
        with self._mutex:
            for scope in [
                scope for scope, group in self._groups.items() if not (group.waiting or group.busy)
            ]:
                del self._groups[scope]
            idle = {scope: group for scope, group in self._groups.items() if not group.busy}
            due = {
                scope: max(group.look_at, self._free_at.get(scope[:2], 0.0)) for scope, group in idle.items()
            }
            for scope, at in due.items():
                if at <= now:
                    idle[scope].busy = True
                    self._pool.submit(self._look, scope, idle[scope])
            return min((at - now for at in due.values() if at > now), default=None)

    def _look(self, scope: Scope, group: _Group) -> None:
        try:
            self._look_at(scope, group)
        except Exception:  # noqa: BLE001  # the pool would not log it; the deployments are due by themselves
            _log.exception("The stacks of %s in %s could not be watched", scope.account_id, scope.region)
            self._failed(group)
        finally:
            now = self._clock()
            with self._mutex:
                group.busy = False
                for id_, one in list(group.waiting.items()):
                    if now - one.seen_at > _FORGOTTEN_SECONDS:
                        del group.waiting[id_]
            self._woken.set()

    def _look_at(self, scope: Scope, group: _Group) -> None:
        began = self._clock()
        if began < group.unlistable_until:
            self._look_in_turn(scope, group, began)
            return
        with self._mutex:
            wanted = {one.stack_id for one in group.waiting.values()}
        try:
            statuses, calls = self._statuses(scope, wanted)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and temporary_error(error) is None:
                group.unlistable_until = began + _LISTABLE_AGAIN_SECONDS
                _log.info("%s may not list stacks: they are looked at one by one", scope.role)
            else:
                self._failed(group)
            return
        now = self._clock()
        with self._mutex:
            group.failures = 0
            due = moved(group.waiting, statuses, began, now)
            shown = next_to_show(group.waiting, now)
            self._allow_looks(group, shown, now)
            due = [*{*due, *shown}]
            self._ask(group, due, now)
            self._spend(scope, calls + 2 * len(shown), now)
            group.look_at = now + min((one.pause(now) for one in group.waiting.values()), default=0.0)
        if due:
            self._make_due(due)

    def _look_in_turn(self, scope: Scope, group: _Group, now: float) -> None:
        with self._mutex:
            due = next_in_turn(group.waiting, now, max(1, round(_CALLS_A_SECOND)))
            shown = [
                deployment_id for deployment_id in next_to_show(group.waiting, now) if deployment_id in due
            ]
            self._allow_looks(group, shown, now)
            self._ask(group, due, now)
            self._spend(scope, len(due) + len(shown), now)
            group.look_at = min((one.due_at(now) for one in group.waiting.values()), default=now)
        if due:
            self._make_due(due)

    def _statuses(self, scope: Scope, wanted: set[str]) -> tuple[dict[str, str], int]:
        """The statuses of the stacks in progress, until all that are wanted are found; and how many calls."""
        client: Any = self._aws.client("cloudformation", *scope)
        found: dict[str, str] = {}
        pages = client.get_paginator("list_stacks").paginate(StackStatusFilter=sorted(IN_PROGRESS))
        calls = 0
        for page in pages:
            calls += 1
            found |= {stack["StackId"]: stack["StackStatus"] for stack in page["StackSummaries"]}
            if wanted <= found.keys():
                break
        return found, calls

    def _ask(self, group: _Group, deployment_ids: Iterable[str], now: float) -> None:
        for deployment_id in deployment_ids:
            group.waiting[deployment_id].asked_at = now

    def _allow_looks(self, group: _Group, deployment_ids: Iterable[str], now: float) -> None:
        for deployment_id in deployment_ids:
            one = group.waiting[deployment_id]
            one.may_look, one.progress_at = True, now

    def _spend(self, scope: Scope, calls: int, now: float) -> None:
        """Keeps the calls in an account and Region below the limit: so many were just made."""
        self._free_at[scope[:2]] = now + calls / _CALLS_A_SECOND

    def _failed(self, group: _Group) -> None:
        shortest, longest = _AFTER_AN_ERROR
        with self._mutex:
            group.look_at = self._clock() + min(longest, shortest * 2.0**group.failures)
            group.failures += 1


def _scope(work: Work) -> Scope:
    return Scope(work.account_id, work.region, work.role)
