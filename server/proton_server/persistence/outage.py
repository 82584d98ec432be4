"""What the log says of a database that cannot be used: when that begins, that it lasts, and when it is over.

An outage is met by every request and by every worker; without this each would write its own traceback.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from proton_server.persistence.ration import Ration

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 10.0
"""Between two lines on the same matter."""


class Seldom:
    """Warns at most once in ten seconds, however often and by however many threads it is called."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._ration = Ration(1, _PAUSE_SECONDS, clock)

    def warn(self, message: str, *values: Any) -> bool:
        """Logs the warning if it is time for one, and returns whether it was."""
        if not self._ration.take():
            return False
        _log.warning(message, *values)
        return True


class Outage:
    """The time in which transactions fail. One that only reads does not show that writing works again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._mutex, self._seldom = clock, threading.Lock(), Seldom(clock)
        self._since: float | None = None
        self._of_writes = self._told = False

    def failed(self, sentence: str, *, writing: bool) -> None:
        """A transaction failed."""
        with self._mutex:
            self._since = self._clock() if self._since is None else self._since
            self._of_writes |= writing
            self._told |= self._seldom.warn("%s", sentence)

    def succeeded(self, *, writing: bool) -> None:
        """A transaction was made."""
        if self._since is None:
            return
        with self._mutex:
            if self._since is None or (self._of_writes and not writing):
                return
            if self._told:
                seconds = self._clock() - self._since
                _log.warning("The database can be used again, after %.0f seconds.", seconds)
            self._since, self._of_writes, self._told = None, False, False
