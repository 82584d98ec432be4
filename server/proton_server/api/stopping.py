"""The end of a server by a signal, within a time limit, whatever hangs."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Stop:
    """Begun by the first signal. The second one ends the process at once, and so does the time limit.

    Args:
        seconds: the time limit, from the first signal on.
        first: what is done first, while requests are still taken.

    """

    def __init__(self, seconds: float, first: Callable[[], None] = lambda: None) -> None:
        self.seconds, self.first = seconds, first
        self._begun, self._at = threading.Event(), 0.0

    def begin(self) -> None:
        """For a signal handler: it takes no lock that the interrupted code may hold, but the event's own."""
        if self._begun.is_set():
            end()
        self._at = time.monotonic()
        self._begun.set()

    def has_begun(self) -> bool:
        """Whether a signal came."""
        return self._begun.is_set()

    def left(self) -> float:
        """How many seconds are left until the time limit."""
        return max(0.0, self._at + self.seconds - time.monotonic())

    def watch(self) -> None:
        """Ends the process when the time is over."""
        threading.Thread(target=self._watch, name="stop", daemon=True).start()

    def _watch(self) -> None:
        self._begun.wait()
        time.sleep(self.seconds)
        _log.warning("The server ends unfinished: it had %g seconds.", self.seconds)
        end()


def end() -> NoReturn:
    """Ends the process with exit code 0: to be stopped is no failure.

    At once: nothing is left to be written down, and threads that hang (in AWS, in moto) would be waited for.
    """
    os._exit(0)
