"""A clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Shows the same time until it is changed, in seconds; only where that matters since 1970."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
