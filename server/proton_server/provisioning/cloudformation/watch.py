"""Watches the stacks that deployments wait for, so that waiting costs no call for each stack and tick.

One listing of an account's stacks in progress (ListStacks with their statuses, 100 a page) serves all that
wait there with the same role. A stack whose status has changed, or that is no longer in progress, makes its
deployment due: the step that follows looks at the stack itself and decides, so a listing that is old or
incomplete costs a call and never a wrong result. Where many have moved, DescribeStacks without a name reads
them for their steps, a page at a time. A role that may not list (service roles are often allowed
`stack/AWSProton-*` only) has its stacks looked at one by one, by steps that are made due in turn.

Whoever waits is shown where CloudFormation is: now and then a step may look at the stack's events, too, and
is made due for that in turn, less often the more wait.

However many wait, with however many roles, an account and Region are asked as often as `call_rate.py` says.
The watch is in memory. A deployment is due by itself after `PAUSES` of `engine/transitions.py`, in whichever
process, unless a watch puts that off.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from proton_server.provisioning.cloudformation.call_rate import CallRate
from proton_server.provisioning.cloudformation.waiting_group import Scope, WaitingGroup

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton_server.provisioning import Work
    from proton_server.provisioning.aws import Aws
    from proton_server.provisioning.cloudformation.waiting_group import Schedule
    from proton_server.provisioning.cloudformation.waiting_stacks import Seen

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 5.0
"""Between two rounds of the watch's thread, at most."""
_WORKERS = 8
"""Groups that are looked at at a time: an account that does not answer must not keep the others waiting."""


class StackWatch:
    """The stacks that deployments of this process wait for."""

    def __init__(self, aws: Aws, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws, self._clock, self._rate = aws, clock, CallRate(clock)
        self._groups: dict[Scope, WaitingGroup] = {}
        self._mutex, self._woken, self._stopping = threading.Lock(), threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="stack-watch")
        self._thread: threading.Thread | None = None
        self._schedule: Schedule

    def start(self, schedule: Schedule) -> None:
        """Begins to watch for the deployments of a schedule."""
        self._schedule = schedule
        self._thread = threading.Thread(target=self._run, name="stack-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch, after the calls in progress."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown()

    def add(self, work: Work, stack_id: str, status: str) -> None:
        """Watches a stack that is in progress, as a step has just seen it, for a deployment."""
        scope = _scope(work)
        with self._mutex:
            if scope not in self._groups:
                may_call = partial(self._may_call, scope)
                self._groups[scope] = WaitingGroup(scope, self._rate, self._clock, may_call)
            before = self._groups[scope].look_at
            self._groups[scope].add(work.deployment_id, stack_id, status)
            is_sooner = self._groups[scope].look_at != before
        if is_sooner:
            self._woken.set()

    def remove(self, work: Work) -> None:
        """Ends the watch for a deployment that waits no more."""
        if group := self._group(work):
            group.remove(work.deployment_id)

    def watches(self, work: Work) -> bool:
        """Whether a deployment is made due when its stack moves, and in turn while that cannot be seen."""
        return self._group(work) is not None

    def seen(self, work: Work) -> Seen | None:
        """What was read of the stack for this step; None: it has to look itself."""
        group = self._group(work)
        return group.seen(work.deployment_id) if group else None

    def progress(self, work: Work, look: Callable[[], str]) -> str:
        """What is to be shown of a watched stack, see `WaitingGroup.progress`."""
        group = self._group(work)
        return group.progress(work.deployment_id, look) if group else ""

    def _group(self, work: Work) -> WaitingGroup | None:
        """The group in which a deployment waits."""
        with self._mutex:
            group = self._groups.get(_scope(work))
            return group if group and work.deployment_id in group else None

    def _run(self) -> None:
        put_off_at = self._clock()
        while not self._stopping.is_set():
            self._woken.clear()
            pause = _ROUND_SECONDS
            try:
                if self._clock() >= put_off_at:
                    put_off_at = self._clock() + _ROUND_SECONDS
                    self._put_off()
                pause = self._begin_looks()
            except Exception:  # noqa: BLE001  # the thread must not end: it is started only once
                _log.exception("A round of the watch over stacks failed")
            self._woken.wait(pause)

    def _put_off(self) -> None:
        with self._mutex:
            groups = list(self._groups.values())
        for group in groups:
            group.put_off(self._schedule)

    def _begin_looks(self) -> float:
        """Begins the looks that are due. Returns the seconds until the next one may be."""
        now, pause = self._clock(), _ROUND_SECONDS
        with self._mutex:
            self._groups = {scope: group for scope, group in self._groups.items() if group or group.busy}
            idle = [group for group in self._groups.values() if not group.busy]
            for group in sorted(idle, key=lambda group: group.look_at):
                due_at = max(group.look_at, self._rate.free_at(group.scope.place))
                if due_at <= now:
                    self._rate.reserve(group.scope.place)
                    group.busy = True
                    self._pool.submit(self._look, group)
                else:
                    pause = min(pause, due_at - now)
        return pause

    def _look(self, group: WaitingGroup) -> None:
        try:
            group.look(lambda: self._aws.client("cloudformation", *group.scope), self._schedule)
        finally:
            group.busy = False
            self._woken.set()

    def _may_call(self, scope: Scope, calls: int) -> bool:
        seconds = self._rate.reserve(scope.place, calls) if calls else 0.0
        return not self._stopping.wait(seconds)


def _scope(work: Work) -> Scope:
    return Scope(work.account_id, work.region, work.role)
