"""What may be spent on one schema or spec: counted steps, and seconds for slow patterns.

A schema can be written so that checking a value against it has no end in practice: thirty references in
`allOf` that each lead to two more are a billion. Counting gives the same answer on every machine.
"""

from __future__ import annotations

import time

from proton_templates.patterns import SECONDS, Pattern, compiled

MAX_STEPS = 200_000
"""Keywords looked at and values filled in. The longest spec has some twenty thousand values."""
_WALKED = 8
"""Members of a mapping or list, or instructions of a pattern to compile, that cost as much as one step."""
_MATCHED = 1_000
"""Instructions of a pattern times characters of a text that cost as much as one step."""


class TooManySteps(ValueError):
    """A value cannot be checked or completed within `MAX_STEPS`; the text is a clause that says so."""


class Budget:
    """What is left to be spent."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._seconds = SECONDS
        self._patterns: dict[str, Pattern] = {}

    def take(self, steps: int = 1, *, walked: int = 0) -> None:
        """Spends steps, and what it takes to walk over so many members. Raises TooManySteps."""
        self._steps -= steps + walked // _WALKED
        if self._steps < 0:
            raise TooManySteps(f"takes more than {MAX_STEPS:,} steps")

    def compile(self, pattern: str) -> Pattern:
        """The pattern, compiled once and paid for. Raises PatternError and TooManySteps."""
        if pattern not in self._patterns:
            made = compiled(pattern)
            self.take(walked=made.size)
            self._patterns[pattern] = made
        return self._patterns[pattern]

    def search(self, pattern: str, text: str) -> bool:
        """Whether a pattern matches anywhere in a text. Raises PatternError and TooManySteps."""
        made = self.compile(pattern)
        self.take(made.size * len(text) // _MATCHED)
        began = time.monotonic()
        try:
            return made.search(text, self._seconds)
        finally:
            self._seconds -= (time.monotonic() - began) if made.backtracks else 0
