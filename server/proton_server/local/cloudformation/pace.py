"""The time that an operation on a stack takes: a pause before each of its resources, as in AWS.

During a pause others may change the stores: the lock on them is released. So a resource can be deleted by
hand in the middle of an update, as it can in AWS, and the update can be cancelled there.
"""

from __future__ import annotations

import threading


class Abandoned(Exception):
    """The operation ends where it is, because the stack is deleted."""


class Pace:
    """The pauses of one operation.

    Args:
        lock: held by whoever carries the operation out; released during a pause.
        seconds: how long an operation takes in all. A rollback takes its own time.

    """

    def __init__(self, lock: threading.RLock, seconds: float) -> None:
        self._lock, self._seconds = lock, seconds
        self._pause = seconds
        self._interruption: Exception | None = None
        self._interrupted = threading.Event()

    def share(self, resources: int) -> None:
        """Divides the time between as many resources."""
        self._pause = self._seconds / max(1, resources)

    def wait(self) -> None:
        """Pauses. Raises what the operation is interrupted with, once."""
        if self._pause > 0:
            self._lock.release()
            try:
                self._interrupted.wait(self._pause)
            finally:
                self._lock.acquire()
        interruption, self._interruption = self._interruption, None
        if interruption is not None:
            self._interrupted.clear()
            raise interruption

    def interrupt(self, error: Exception) -> None:
        """Ends the pause, and raises an error there."""
        self._interruption = error
        self._interrupted.set()


AT_ONCE = Pace(threading.RLock(), 0.0)
"""Without any pauses: for stacks within stacks."""
