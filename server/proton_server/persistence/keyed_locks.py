"""Locks by name. Threads that want to write the same rows wait here, without a database connection each."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Iterator


class LockTimeout(Exception):
    """Another thread holds the lock for longer than the timeout."""


class KeyedLocks:
    """A lock for each key, held by one thread at a time.

    Args:
        timeout: how many seconds a thread waits for a lock.

    """

    def __init__(self, timeout: float) -> None:
        self._timeout, self._mutex = timeout, threading.Lock()
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Holds the lock of a key. Raises LockTimeout."""
        with self._mutex:
            lock = self._locks.get(key) or self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(timeout=self._timeout):
            raise LockTimeout
        try:
            yield
        finally:
            lock.release()
