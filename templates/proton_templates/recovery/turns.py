"""The turns of a template's loops, where even their number is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import Check, Unknown
from proton_templates.recovery.guesses import Guesses
from proton_templates.recovery.limits import Unsupported
from proton_templates.recovery.loops import (
    MAX_GUESSED_LENGTH,
    assigned,
    branches,
    known_length,
    may_go_on,
    over,
    uses,
    variables,
)
from proton_templates.recovery.points import Point, before
from proton_templates.recovery.rest import Body, KnownTurns, Looped, Outputs, Rests, Turns
from proton_templates.recovery.solver import Solver
from proton_templates.recovery.variables import Scope, Turn

_ITEM = nodes.Name("item", "load")
"""What is put out for each item of a list that is joined."""
_DEPEND_ON_LENGTH = ("length", "revindex", "revindex0", "nextitem")


class Looping:
    """The steps of a search that go through loops."""

    def __init__(self, solver: Solver, rests: Rests, guesses: Guesses) -> None:
        self._solver, self._rests, self._guesses = solver, rests, guesses
        self._bodies: dict[int, list[nodes.Node]] = {}

    def loop(self, loop: nodes.For, iterated: nodes.Expr, point: Point) -> Any:
        """The first turn of a loop, or the ways that there are to what it is over. Raises Unmatched."""
        depth = _depth(point.scope)
        try:
            items = list(self._solver.evaluation.value(iterated, point.scope, point.facts))
        except TypeError:
            return None
        except Unknown as unknown:
            return self._unknown_loop(loop, iterated, point, unknown)
        if loop.test is not None:
            items = [item for item in items if self._is_chosen(loop, item, point)]
        if not items:
            return before(self._rests, point, Body(loop.else_))
        return before(self._rests, point, KnownTurns(loop, items, point.scope, depth=depth))

    def _unknown_loop(self, loop: nodes.For, iterated: nodes.Expr, point: Point, unknown: Unknown) -> Any:
        if (ways := branches(self._solver, iterated, point.scope, point.facts)) is not None:
            return (
                point._replace(facts=known, rest=self._rests.made(Looped(loop, each), point.rest))
                for each, known in ways
            )
        found = over(self._solver, iterated, point.scope, point.facts)
        if found is None:
            again = before(self._rests, point, Looped(loop, iterated))
            return self._guesses.of(again, Check(iterated, point.scope, want=True), unknown)
        turns = Turns(loop, found.kind, found.path, point.scope, depth=_depth(point.scope))
        if uses(loop, *_DEPEND_ON_LENGTH):
            return self._lengths(turns, point)
        return before(self._rests, point, turns)

    def _is_chosen(self, loop: Any, item: Any, point: Point) -> bool:
        scope = {**point.scope, **assigned(loop.target, item)}
        try:
            return loop.test is None or self._solver.evaluation.truth(loop.test, scope, point.facts)
        except Unknown:
            raise Unsupported(f"line {loop.lineno} chooses the items of a loop by an input") from None

    def known_turn(self, turns: KnownTurns, point: Point) -> Any:
        """One turn of a loop over known values, or its end."""
        if turns.index == len(turns.items):
            return point._replace(scope=turns.scope)
        this = Turn(turns.index, len(turns.items), None, turns.items, turns.depth)
        scope = {**turns.scope, **assigned(turns.loop.target, turns.items[turns.index]), "loop": this}
        on = self._rests.made(replace(turns, index=turns.index + 1), point.rest)
        return point._replace(scope=scope, rest=self._rests.made(Body(turns.loop.body), on))

    def _lengths(self, turns: Turns, point: Point) -> Iterator[Point]:
        """With the length first, where each turn depends on it."""
        rest = self._rests.made(turns, point.rest)
        for length in range(MAX_GUESSED_LENGTH):
            facts = self._solver.bind_length(point.facts, turns.path, length, turns.kind)
            if facts is not None:
                yield point._replace(facts=facts, rest=rest)

    def turn(self, turns: Turns, point: Point) -> Any:
        """One turn of a loop over an input, or its end."""
        length = known_length(self._solver, turns.kind, turns.path, point.facts)
        if length is not None:
            return self._more(turns, point) if turns.index < length else self._over(turns, point)
        return self._turns(turns, point)

    def _turns(self, turns: Turns, point: Point) -> Iterator[Point]:
        here = point.open or point.at
        if turns.began_at != here and may_go_on(self._solver, turns.kind, turns.path, turns.index):
            began = replace(turns, began_at=here)
            if isinstance(turns.loop, nodes.For) and uses(turns.loop, "last"):
                longer = point.facts.with_longer(turns.path, turns.index + 2)
                yield self._more(began, point._replace(facts=longer))
                facts = self._solver.bind_length(point.facts, turns.path, turns.index + 1, turns.kind)
                if facts is not None:
                    yield self._more(began, point._replace(facts=facts))
            else:
                yield self._more(began, point)
        if turns.index >= point.facts.longer.get(turns.path, 0):
            facts = self._solver.bind_length(point.facts, turns.path, turns.index, turns.kind)
            if facts is not None:
                yield self._over(turns, point._replace(facts=facts))

    def _more(self, turns: Turns, point: Point) -> Point:
        on = self._rests.made(replace(turns, index=turns.index + 1), point.rest)
        if isinstance(turns.loop, str):
            scope = variables(_ITEM, turns.kind, turns.path, turns.index)
            pieces = (turns.loop, _ITEM) if turns.index else (_ITEM,)
            return point._replace(scope=scope, rest=self._rests.made(Outputs(pieces), on))
        scope = {
            **turns.scope,
            **variables(turns.loop.target, turns.kind, turns.path, turns.index),
            "loop": Turn(turns.index, None, turns.path, None, turns.depth),
        }
        return point._replace(scope=scope, rest=self._rests.made(Body(self._body(turns.loop)), on))

    def _body(self, loop: nodes.For) -> list[nodes.Node]:
        """What a loop repeats; with `for … if …` only for some of the items."""
        if loop.test is None:
            return loop.body
        return self._bodies.setdefault(id(loop), [nodes.If(loop.test, loop.body, [], [], lineno=loop.lineno)])

    def _over(self, turns: Turns, point: Point) -> Point:
        point = point._replace(scope=turns.scope)
        if turns.index == 0 and isinstance(turns.loop, nodes.For) and turns.loop.else_:
            return before(self._rests, point, Body(turns.loop.else_))
        return point


def _depth(scope: Scope) -> int:
    around = scope.get("loop")
    return around.depth + 1 if isinstance(around, Turn) else 1
