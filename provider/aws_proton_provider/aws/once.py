"""What many threads need at once, and one of them asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from aws_proton_provider.core.errors import ProtonError

_T = TypeVar("_T")

_FAILED_SECONDS = 10.0
"""How long it is not asked again what failed: each of the threads would wait for a server that is down."""


class Attempts(Generic[_T]):
    """Asks as often as it is called, but for some seconds after a failure, which it raises again."""

    def __init__(self) -> None:
        self._failure: tuple[type[ProtonError], str] | None = None
        self._until = 0.0

    def __call__(self, ask: Callable[[], _T]) -> _T:
        """What `ask` returns."""
        if self._failure and time.monotonic() < self._until:
            kind, message = self._failure
            raise kind(message)
        try:
            return ask()
        except ProtonError as error:
            self._failure, self._until = (type(error), str(error)), time.monotonic() + _FAILED_SECONDS
            raise


class Once(Generic[_T]):
    """Asks until there is an answer, and then never again. Safe to share between threads: others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: Attempts[_T] = Attempts()
        self._answers: list[_T] = []

    def __call__(self, ask: Callable[[], _T]) -> _T:
        """What `ask` has returned."""
        with self._lock:
            if not self._answers:
                self._answers.append(self._attempts(ask))
            return self._answers[0]
