"""A limit on how often something happens, such as a line in the log that repeated failures would fill."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RateLimit:
    """At most `number` times in any `seconds`, whatever the number of threads."""

    def __init__(self, number: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._taken: deque[float] = deque([float("-inf")] * number, maxlen=number)
        self._seconds, self._clock, self._mutex = seconds, clock, threading.Lock()

    def allows(self) -> bool:
        """Counts one more, and returns True, unless the limit is reached."""
        with self._mutex:
            now = self._clock()
            if now - self._taken[0] < self._seconds:
                return False
            self._taken.append(now)
            return True
