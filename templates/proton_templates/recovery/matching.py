"""Matches a deployed text with the syntax tree of its template: which inputs would have rendered it.

A search that goes on from a point (what is left of the template, the place in the text, what is known of the
inputs) to the next ones, and back to the last where there was a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import Facts
from proton_templates.recovery.guesses import Guesses
from proton_templates.recovery.limits import Unmatched
from proton_templates.recovery.outputs import Outputting
from proton_templates.recovery.points import Point
from proton_templates.recovery.rest import Body, KnownTurns, Looped, Outputs, Restored, Rests, Turns
from proton_templates.recovery.solver import Solver
from proton_templates.recovery.statements import Statements
from proton_templates.recovery.texts import Text
from proton_templates.recovery.turns import Looping

_COPIED = 100
"""Facts that are looked at for a key at the cost of one step."""


class Matching:
    """The search of one template in one text; `one_line` as `Outputting` says."""

    def __init__(self, solver: Solver, text: Text, line_break: str, *, one_line: bool) -> None:
        self._steps, self._text = solver.evaluation.steps, text
        self._rests, self._guesses = Rests(), Guesses(solver)
        self._outputs = Outputting(solver, text, self._rests, line_break, one_line=one_line)
        self._statements = Statements(solver, self._rests)
        self._loops = Looping(solver, self._rests, self._guesses)
        self._seen: set[Any] = set()
        self._good: set[Any] = set()
        self._carried_out: Mapping[type, Callable[[Any, Point], Any]] = {
            Body: self._body,
            Outputs: self._output,
            Restored: lambda step, point: point._replace(scope=step.scope),
            Looped: lambda step, point: self._loops.loop(step.loop, step.iterated, point),
            KnownTurns: self._loops.known_turn,
            Turns: self._loops.turn,
        }

    @property
    def tried(self) -> list[str]:
        """The inputs for which a few values were tried, since the text does not show them."""
        return self._guesses.tried

    def found(self, body: list[nodes.Node], facts: Facts) -> Iterator[Facts]:
        """What is known of the inputs at the end of each way through template and text.

        Raises OutOfSteps, TooManySteps and Unsupported.
        """
        start = Point(self._rests.made(Body(body), None), 0, None, {}, facts)
        waiting: list[Iterator[Point]] = [iter((start,))]
        while waiting:
            point = next(waiting[-1], None)
            if point is None:
                waiting.pop()
                continue
            self._steps.take(len(point.facts.values) // _COPIED)
            key = self._rests.key(point.rest, point.at, point.open, point.scope, point.facts)
            if key in self._seen and key not in self._good:
                continue
            self._seen.add(key)
            following = self._advanced(point._replace(trail=(key, point.trail)))
            if isinstance(following, Facts):
                yield following
            elif following is not None:
                waiting.append(following)

    def _advanced(self, point: Point) -> Iterator[Point] | Facts | None:
        """Goes on while there is one way only: to the ways on, the end of the template, or nowhere."""
        following: Any = point
        while isinstance(following, Point):
            self._steps.take()
            point = following
            try:
                following = self._next(point)
            except Unmatched:
                return None
        if isinstance(following, Facts):
            trail = point.trail
            while trail is not None and trail[0] not in self._good:
                self._good.add(trail[0])
                trail = trail[1]
        found: Iterator[Point] | Facts | None = following
        return found

    def _next(self, point: Point) -> Any:
        """The next point, the ways on from here, the facts at the end, or None where it does not go on."""
        if point.rest is None:
            return self._end(point)
        step = point.rest.step
        return self._carried_out[type(step)](step, point._replace(rest=point.rest.then))

    def _body(self, step: Body, point: Point) -> Any:
        if step.index == len(step.nodes):
            return point
        on = self._rests.made(Body(step.nodes, step.index + 1), point.rest)
        return self._statements.statement(step.nodes[step.index], point._replace(rest=on))

    def _output(self, step: Outputs, point: Point) -> Any:
        if step.index == len(step.pieces):
            return point
        on = self._rests.made(Outputs(step.pieces, step.index + 1), point.rest)
        return self._outputs.output(step.pieces[step.index], point._replace(rest=on))

    def _end(self, point: Point) -> Any:
        """At the end of the template: of the text, too, and then what only has consequences is tried."""
        if point.open is not None:
            return self._outputs.closed(point, len(self._text.text), len(self._text.text))
        if not self._text.is_end(point.at):
            return None
        if point.facts.checks:
            return self._guesses.for_check(point, point.facts.checks[0])
        return point.facts
