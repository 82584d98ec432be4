"""Values that are tried, for inputs of which the text shows the consequences only."""

from __future__ import annotations

from collections.abc import Iterator

from proton_templates.recovery.candidates import Candidates
from proton_templates.recovery.facts import Check, Unknown
from proton_templates.recovery.loops import MAX_GUESSED_LENGTH
from proton_templates.recovery.points import Point
from proton_templates.recovery.solver import Solver


class Guesses:
    """The points of a search with one more value."""

    def __init__(self, solver: Solver) -> None:
        self._solver, self._candidates = solver, Candidates(solver)
        self.tried: list[str] = []
        """The names of inputs whose values the text does not show, so that not all can be tried."""

    def for_check(self, point: Point, check: Check) -> Iterator[Point]:
        """With values for an input that a check waits for."""
        try:
            self._solver.evaluation.value(check.node, check.scope, point.facts)
        except Unknown as unknown:
            yield from self.of(point, check, unknown)

    def of(self, point: Point, check: Check, unknown: Unknown) -> Iterator[Point]:
        """With values for an input that keeps an expression from being evaluated."""
        path = unknown.path
        if path and str(path[0]) not in self.tried:
            self.tried.append(str(path[0]))
        if unknown.length:
            for length in range(MAX_GUESSED_LENGTH):
                if (facts := self._solver.bind_length(point.facts, path, length)) is not None:
                    yield point._replace(facts=facts)
            return
        values = self._candidates.of(check, point.facts, path)
        for facts in self._solver.bindings(point.facts, path, values):
            yield point._replace(facts=facts)
