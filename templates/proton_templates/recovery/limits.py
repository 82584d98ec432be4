"""What a recovery may cost. Text and template are strangers', so everything that is tried is counted.

Counting gives the same answer on every machine, as `proton_templates.budget` says.
"""

from __future__ import annotations

MAX_STEPS = 120_000
"""Expressions evaluated, places tried, values read: some two seconds in all."""
_CHARACTERS = 2_000
"""Characters that are searched at the cost of one step."""


class OutOfSteps(Exception):
    """The search has reached its limit."""


class Unmatched(Exception):
    """The present assumptions cannot be right: with them the template does not render, or otherwise."""


class Unsupported(Exception):
    """The template uses something that cannot be read backwards; the text names it and its line."""


class Steps:
    """What is left to be spent."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def take(self, steps: int = 1, *, characters: int = 0) -> None:
        """Raises OutOfSteps."""
        self.left -= steps + characters // _CHARACTERS
        if self.left < 0:
            raise OutOfSteps
