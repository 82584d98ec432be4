"""How often an account's CloudFormation is asked in a Region, whoever asks."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

CALLS_A_SECOND = 5
"""In an account and Region. AWS documents no limit of its own, and throttles below some ten a second."""
AT_ONCE = 5
"""How many calls may follow each other at once, where nobody has asked for a second."""


class CallRate:
    """Spaces the calls in each place: in any `t` seconds there are at most `CALLS_A_SECOND * t + AT_ONCE`.

    Safe to use from several threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._mutex = clock, threading.Lock()
        self._spent_until: dict[Hashable, float] = {}
        """Place → when all the calls that were reserved there are made, if they are spaced evenly."""

    def reserve(self, place: Hashable, calls: int = 1) -> float:
        """Seconds to wait until so many calls may be made; they count from now on."""
        with self._mutex:
            self._spent_until[place] = self._from(place) + calls / CALLS_A_SECOND
            return max(0.0, self._spent_until[place] - self._clock())

    def free_at(self, place: Hashable) -> float:
        """When a call may be made, by the clock."""
        with self._mutex:
            return self._from(place) + 1 / CALLS_A_SECOND

    def _from(self, place: Hashable) -> float:
        return max(self._spent_until.get(place, float("-inf")), self._clock() - AT_ONCE / CALLS_A_SECOND)
