"""Threads that want the same thing wait here for each other, not each with a connection in its hand."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Iterator


class Late(Exception):
    """Those before take longer than is patient."""


class Turns:
    """Of those who name the same subject, one at a time. `patience` is how long one waits, in seconds."""

    def __init__(self, patience: float) -> None:
        self._patience, self._mutex = patience, threading.Lock()
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    @contextmanager
    def of(self, subject: str) -> Iterator[None]:
        """Holds the subject. Raises Late."""
        with self._mutex:
            lock = self._locks.get(subject) or self._locks.setdefault(subject, threading.Lock())
        if not lock.acquire(timeout=self._patience):
            raise Late
        try:
            yield
        finally:
            lock.release()
