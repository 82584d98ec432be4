"""So many in so many seconds: whoever fails over and over must not fill the log."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Ration:
    """`number` in any `seconds`, by however many threads."""

    def __init__(self, number: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._taken: deque[float] = deque([float("-inf")] * number, maxlen=number)
        self._seconds, self._clock, self._mutex = seconds, clock, threading.Lock()

    def take(self) -> bool:
        """Whether there is one left."""
        with self._mutex:
            now = self._clock()
            if now - self._taken[0] < self._seconds:
                return False
            self._taken.append(now)
            return True
