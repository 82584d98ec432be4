"""Values to try for an input of which the text shows the consequences only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import ABSENT, Check, Facts, Unknown, known_items
from proton_templates.recovery.inputs import Path
from proton_templates.recovery.inverses import exact, suggested
from proton_templates.recovery.limits import Unmatched
from proton_templates.recovery.solver import Solver, as_declared, unfolded
from proton_templates.recovery.values import examples, readings
from proton_templates.recovery.variables import Scope

_MAX_CANDIDATES = 60
_MAX_DISTINCT = 400
_MAX_MORE_ITEMS = 12


class Candidates:
    """What is proposed for inputs of one template."""

    def __init__(self, solver: Solver) -> None:
        self._solver, self._evaluation, self._inputs = solver, solver.evaluation, solver.inputs

    def of(self, check: Check, facts: Facts, path: Path) -> list[Any]:
        """Values to try for an input that a check waits for; ABSENT among them where it may be absent."""
        proposed = self._proposed(check, facts, path)
        found: list[Any] = []
        seen: set[str] = set()
        for tried, value in enumerate(proposed):
            if len(found) >= _MAX_CANDIDATES or tried > _MAX_DISTINCT:
                break
            if (shown := repr(value) if value is not ABSENT else "") not in seen:
                seen.add(shown)
                found.append(value)
        return found

    def _proposed(self, check: Check, facts: Facts, path: Path) -> Iterator[Any]:
        schema = self._inputs.at(path)
        if "default" in schema:
            yield schema["default"]
        if self._inputs.may_be_absent(path):
            yield ABSENT
        if self._inputs.kind(path) == "array":
            yield from self._lists(facts, path)
        if isinstance(check.want, str):
            for value in self._suggested(check.node, check.scope, facts, path, check.want):
                yield value
                if isinstance(value, str):
                    yield from (value.lower(), value.upper(), value.capitalize(), value.swapcase())
        kind = self._inputs.kind(path)
        for constant in check.node.find_all(nodes.Const):
            yield from _near(constant.value, kind)
        if isinstance(check.node, nodes.Const):
            yield from _near(check.node.value, kind)
        yield from examples(self._inputs, path)

    def _lists(self, facts: Facts, path: Path) -> Iterator[list[Any]]:
        """The items of a list that are known, with more and more others behind them."""
        items = known_items(facts, self._inputs, path)
        for example in itertools.islice(examples(self._inputs, (*path, 0)), 2):
            filled = [example if item is ABSENT else item for item in items]
            for more in range(_MAX_MORE_ITEMS):
                yield filled + [example] * more

    def _suggested(
        self, node: nodes.Expr, scope: Scope, facts: Facts, path: Path, want: str
    ) -> Iterator[Any]:
        """Values of an input with which an expression may render a text; each still has to be checked."""
        self._evaluation.steps.take()
        node, scope = unfolded(node, scope)
        hole = self._evaluation.hole(node, scope, facts)
        if hole is not None:
            if hole.path == path:
                yield from readings(self._inputs, path, want)
            return
        if isinstance(node, (nodes.Concat, nodes.Add)):
            yield from self._suggested_of_sum(node, scope, facts, path, want)
            return
        if isinstance(node, nodes.CondExpr):
            for branch in (node.expr1, node.expr2):
                if branch is not None:
                    yield from self._suggested(branch, scope, facts, path, want)
            return
        inverse = exact(node) or suggested(node)
        if inverse is None:
            return
        try:
            arguments = [self._evaluation.value(each, scope, facts) for each in inverse.arguments]
        except (Unknown, Unmatched):
            return
        for value in inverse.candidates(want, arguments):
            yield from self._of_value(inverse.inner, scope, facts, path, value)

    def _of_value(
        self, node: nodes.Expr, scope: Scope, facts: Facts, path: Path, value: Any
    ) -> Iterator[Any]:
        hole = self._evaluation.hole(*unfolded(node, scope), facts)
        if hole is None:
            yield from self._suggested(
                node, scope, facts, path, value if isinstance(value, str) else str(value)
            )
        elif hole.path == path:
            yield from as_declared(value, self._inputs.kind(path))
            if isinstance(value, str):
                yield from readings(self._inputs, path, value)

    def _suggested_of_sum(
        self, node: Any, scope: Scope, facts: Facts, path: Path, want: str
    ) -> Iterator[Any]:
        parts = list(node.nodes) if isinstance(node, nodes.Concat) else [node.left, node.right]
        while parts and (known := self._known_text(parts[0], scope, facts)) is not None:
            if not want.startswith(known):
                return
            want, parts = want[len(known) :], parts[1:]
        while parts and (known := self._known_text(parts[-1], scope, facts)) is not None:
            if not want.endswith(known):
                return
            want, parts = want[: len(want) - len(known)], parts[:-1]
        if len(parts) == 1:
            yield from self._suggested(parts[0], scope, facts, path, want)

    def _known_text(self, node: nodes.Expr, scope: Scope, facts: Facts) -> str | None:
        try:
            return self._solver.text(node, scope, facts)
        except (Unknown, Unmatched):
            return None


def _near(value: Any, kind: str | None) -> Iterator[Any]:
    """Values on either side of a constant that an input is compared with."""
    if isinstance(value, bool) or value is None:
        yield value
    elif isinstance(value, (int, float)):
        if kind in ("integer", "number", None):
            yield from (value, value + 1, value - 1)
        elif kind == "string" and isinstance(value, int) and 0 <= value < 1_000:
            yield from ("a" * value, "a" * (value + 1), str(value))
    elif isinstance(value, str):
        if kind in ("string", None):
            yield from (value, value + "a", "a" + value)
        elif kind == "array":
            yield from ([value], [value + "a"])
    elif isinstance(value, (list, tuple)):
        yield from value
