"""What is logged when the database cannot be used: the beginning of the outage, reminders, and its end.

Every request and every worker fails during an outage; without this each would log its own traceback.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from proton_server.persistence.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 10.0
"""Between two warnings on the same matter."""


class LimitedWarning:
    """Logs a warning at most once in ten seconds, however many threads ask for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = RateLimit(1, _PAUSE_SECONDS, clock)

    def warn(self, message: str, *values: Any) -> bool:
        """Logs the warning unless there was one just before, and returns whether it did."""
        if not self._limit.allows():
            return False
        _log.warning(message, *values)
        return True


class Outage:
    """The period in which transactions fail. A read that succeeds does not show that writing works again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._mutex, self._warning = clock, threading.Lock(), LimitedWarning(clock)
        self._since: float | None = None
        self._of_writes = self._logged = False

    def failed(self, sentence: str, *, writing: bool) -> None:
        """A transaction failed."""
        with self._mutex:
            self._since = self._clock() if self._since is None else self._since
            self._of_writes |= writing
            self._logged |= self._warning.warn("%s", sentence)

    def succeeded(self, *, writing: bool) -> None:
        """A transaction succeeded."""
        if self._since is None:
            return
        with self._mutex:
            if self._since is None or (self._of_writes and not writing):
                return
            if self._logged:
                seconds = self._clock() - self._since
                _log.warning("The database can be used again, after %.0f seconds.", seconds)
            self._since, self._of_writes, self._logged = None, False, False
