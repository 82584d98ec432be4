"""One watch for all who wait: a listing is read once at each tick, and not an object for each."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from aws_proton_provider.aws.pages import LARGEST_PAGE
from aws_proton_provider.aws.waiting import pause_after
from aws_proton_provider.core.errors import ProtonError
from aws_proton_provider.core.values import State

_SHORTEST_PAUSE = pause_after(0)

_UNREADABLE_SECONDS = 60.0
"""How long a listing that could not be read is left alone."""

_SLOW_SECONDS = 10.0
"""How long those who wait rely on a listing that is being read."""

_HEARS = 0.25
"""Seconds. How soon an interruption is seen: a thread waits for one event, and each operation may have its
own."""


@dataclasses.dataclass(eq=False)
class Wait:
    """One operation that waits for one item of the listing.

    Args:
        name: The item's.
        interrupted: Ends each sleep.
        begun: When the wait began, by the monotonic clock.
        known: Members of the item as whoever waits has seen them last.
        since: When it fell asleep; None while it is awake.
        due: When it looks itself, where the listing is not read.
        found: The item that woke it; None where it has to look itself.

    """

    name: str
    interrupted: threading.Event
    begun: float = dataclasses.field(default_factory=time.monotonic)
    known: Mapping[str, object] = dataclasses.field(default_factory=dict)
    since: float | None = None
    due: float = 0.0
    found: State | None = None
    awake: threading.Event = dataclasses.field(default_factory=threading.Event)

    def wake(self, found: State | None = None) -> None:
        """Ends its sleep."""
        self.since, self.found = None, found
        self.awake.set()

    def take(self, listed: Mapping[str, State], began: float, now: float) -> None:
        """Wakes it if a listing that began at `began` shows another item than the known one, or none.

        A listing that began before it slept may be older than what it knows.
        """
        if self.since is None or self.since >= began:
            return
        item = listed.get(self.name)
        if item is None or any(item.get(member) != value for member, value in self.known.items()):
            self.wake(item)
        else:
            self.due = now + pause_after(now - self.begun)


class Watch:
    """A listing, read for as long as somebody waits for one of its items to change. Shared by threads.

    At each tick it is read once for all who wait. Each looks itself instead where there are no more waits
    than pages, so that a tick costs no more than the smaller of the two, and where the listing cannot be
    read, or not within seconds.

    Args:
        read: Reads the listing, all pages. Its items have a name.

    """

    def __init__(self, read: Callable[[], list[State]]) -> None:
        self._read = read
        self._changed = threading.Condition()
        self._waits: set[Wait] = set()
        self._running = self._reading = False
        self._pages, self._began, self._not_before, self._unreadable_until = 1, 0.0, 0.0, 0.0

    @contextlib.contextmanager
    def wait(self, name: str, interrupted: threading.Event) -> Iterator[Wait]:
        """A wait for the item `name`, for `sleep`."""
        wait = Wait(name, interrupted)
        with self._changed:
            self._waits.add(wait)
        try:
            yield wait
        finally:
            with self._changed:
                self._waits.remove(wait)
                self._changed.notify()

    def sleep(self, wait: Wait, known: Mapping[str, object], ends: float) -> State | None:
        """Sleeps until the item is not as `known`, in a listing that began after this; returns the item.

        Returns None where whoever waits has to look itself: the item is not listed, the listing is not read,
        the wait was interrupted, or it is the time `ends`.
        """
        with self._changed:
            now = time.monotonic()
            wait.known, wait.since, wait.due = known, now, now + pause_after(now - wait.begun)
            wait.found = None
            wait.awake.clear()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="watch", daemon=True).start()
            self._changed.notify()
        wait.awake.wait(max(0.0, ends - time.monotonic()))
        with self._changed:
            wait.since = None
            return wait.found

    def _run(self) -> None:
        """Looks for those who wait, as long as there are any."""
        with self._changed:
            while self._waits:
                asleep = [wait for wait in self._waits if wait.since is not None]
                for wait in asleep:
                    if wait.interrupted.is_set():
                        wait.wake()
                self._changed.wait(min(self._look(time.monotonic()), _HEARS))
            self._running = False

    def _look(self, now: float) -> float:
        """Begins a tick if it is time; returns the seconds until the next one."""
        asleep = [wait for wait in self._waits if wait.since is not None]
        is_slow = self._reading and now - self._began > _SLOW_SECONDS
        if not asleep or (self._reading and not is_slow):
            return _HEARS
        due = min(wait.due for wait in asleep)
        if len(self._waits) <= self._pages or now < self._unreadable_until or is_slow:
            for wait in asleep:
                if wait.due <= now:
                    wait.wake()
            return due - now if due > now else _HEARS
        tick = max(due, self._not_before)
        if tick > now:
            return tick - now
        self._reading, self._began = True, now
        # In a thread of its own, since an interruption is to be seen meanwhile.
        threading.Thread(target=self._tick, name="listing", daemon=True).start()
        return _HEARS

    def _tick(self) -> None:
        listed = None
        try:
            listed = self._read()
        except ProtonError:
            pass  # whoever waits looks itself, and raises what it meets
        finally:
            with self._changed:
                self._hand_out(listed)

    def _hand_out(self, listed: list[State] | None) -> None:
        now = time.monotonic()
        self._reading = False
        # Reading takes half of the time at most.
        self._not_before = now + max(_SHORTEST_PAUSE, now - self._began)
        if listed is None:
            self._unreadable_until = now + _UNREADABLE_SECONDS
        else:
            self._pages = max(1, -(-len(listed) // LARGEST_PAGE))
            items = {item["name"]: item for item in listed}
            for wait in self._waits:
                wait.take(items, self._began, now)
        self._changed.notify()
