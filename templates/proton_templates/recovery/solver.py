"""From what an expression came to, to the inputs in it: facts are added, or contradict what is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.expressions import Evaluation
from proton_templates.recovery.facts import Check, Facts, Unknown, bound
from proton_templates.recovery.inputs import Part, Path
from proton_templates.recovery.inverses import Inverse, exact
from proton_templates.recovery.limits import Unmatched
from proton_templates.recovery.values import readings
from proton_templates.recovery.variables import Lazy, Scope

MAX_LENGTH = 2_000
"""Items of a list that are read back."""
_COPIED = 100
"""Facts that are copied at the cost of one step."""


class Solver:
    """Solves for the inputs in expressions of one template."""

    def __init__(self, evaluation: Evaluation, line_break: str) -> None:
        self.evaluation, self.inputs = evaluation, evaluation.inputs
        self._line_break = line_break

    def text(self, node: nodes.Expr, scope: Scope, facts: Facts) -> str:
        """What an expression renders, with line breaks of filters as plain ones. As `Evaluation.text`."""
        return self.evaluation.text(node, scope, facts).replace(self._line_break, "\n")

    def bind(self, facts: Facts, path: Path, value: Any) -> Facts | None:
        """The facts with one more value, if the schema and all checks agree."""
        self.evaluation.steps.take(1 + len(facts.values) // _COPIED)
        known = bound(facts, self.inputs, path, value)
        return known if known is None or known is facts else self.checked(known, path)

    def bindings(self, facts: Facts, path: Path, values: Iterable[Any]) -> Iterator[Facts]:
        """As `bind`, for each of several values that is possible."""
        for value in values:
            if (known := self.bind(facts, path, value)) is not None:
                yield known

    def bind_length(self, facts: Facts, path: Path, length: int, kind: str = "list") -> Facts | None:
        """The facts with the number of items of a list, or of what else is looped over, if it may be that."""
        if kind == "range":
            return self.bind(facts, path, length)
        schema, is_object = self.inputs.at(path), kind != "list"
        least, most = ("minProperties", "maxProperties") if is_object else ("minItems", "maxItems")
        split = isinstance(path[-1], Part) if path else False
        if not max(schema.get(least, 0), int(split)) <= length <= schema.get(most, MAX_LENGTH):
            return None
        if is_object and self.inputs.members(path) and len(schema.get("required", ())) > length:
            return None
        known = facts.lengths.get(path, length)
        if known != length or length < facts.longer.get(path, 0):
            return None
        return self.checked(facts.with_length(path, length), path)

    def checked(self, facts: Facts, path: Path) -> Facts | None:
        """The facts without the checks that hold now; None if one does not."""
        if not facts.checks:
            return facts
        left = []
        for check in facts.checks:
            waits_for = check.waits_for
            if waits_for is not None and not _related(waits_for, path):
                left.append(check)
                continue
            try:
                if not self._holds(check, facts):
                    return None
            except Unmatched:
                return None
            except Unknown as unknown:
                left.append(check._replace(waits_for=unknown.path))
        return facts._replace(checks=tuple(left))

    def _holds(self, check: Check, facts: Facts) -> bool:
        if isinstance(check.want, bool):
            return self.evaluation.truth(check.node, check.scope, facts) is check.want
        return bool(self.text(check.node, check.scope, facts) == check.want)

    def later(self, node: nodes.Expr, scope: Scope, facts: Facts, *, want: bool | str) -> Iterator[Facts]:
        """The facts with a check that is made when its inputs are known."""
        try:
            if self._holds(Check(node, scope, want), facts):
                yield facts
        except Unknown as unknown:
            yield facts.with_check(Check(node, scope, want, unknown.path))
        except Unmatched:
            pass

    # What an expression renders as a text, or is as a value, and the facts that follow.

    def read(self, node: nodes.Expr, scope: Scope, facts: Facts, text: str) -> Iterator[Facts]:
        """The facts with which an expression renders a text."""
        hole = self.evaluation.hole(node, scope, facts)
        if hole is not None:
            yield from self.bindings(facts, hole.path, readings(self.inputs, hole.path, text))
            return
        node, scope = unfolded(node, scope)
        inverse = exact(node)
        if inverse is not None:
            yield from self._through(inverse, scope, facts, text)
            return
        yield from self.later(node, scope, facts, want=text)

    def equal(self, node: nodes.Expr, scope: Scope, facts: Facts, value: Any) -> Iterator[Facts]:
        """The facts with which an expression has a value."""
        self.evaluation.steps.take()
        try:
            if self.evaluation.value(node, scope, facts) == value:
                yield facts
            return
        except Unmatched:
            return
        except Unknown:
            pass
        hole = self.evaluation.hole(node, scope, facts)
        if hole is not None:
            yield from self.bindings(facts, hole.path, as_declared(value, self.inputs.kind(hole.path)))
            return
        yield from self._composed_equal(*unfolded(node, scope), facts, value)

    def _composed_equal(self, node: nodes.Expr, scope: Scope, facts: Facts, value: Any) -> Iterator[Facts]:
        """Of an expression that is more than an input: its parts, or what it is applied to."""
        if isinstance(node, nodes.List) and isinstance(value, list) and len(value) == len(node.items):
            yield from self._all_equal(list(zip(node.items, value, strict=True)), scope, facts)
            return
        if isinstance(node, nodes.Dict) and isinstance(value, dict) and len(value) == len(node.items):
            try:
                parts = [
                    (pair.value, value[self.evaluation.value(pair.key, scope, facts)]) for pair in node.items
                ]
            except (Unknown, Unmatched, LookupError, TypeError):
                return
            yield from self._all_equal(parts, scope, facts)
            return
        inverse = exact(node)
        if inverse is not None:
            yield from self._through(inverse, scope, facts, value)
            return
        constant = nodes.Const(value, lineno=node.lineno)
        comparison = nodes.Compare(node, [nodes.Operand("eq", constant)], lineno=node.lineno)
        yield from self.later(comparison, scope, facts, want=True)

    def _all_equal(self, parts: list[tuple[Any, Any]], scope: Scope, facts: Facts) -> Iterator[Facts]:
        if not parts:
            yield facts
            return
        (node, value), *others = parts
        for known in self.equal(node, scope, facts, value):
            yield from self._all_equal(others, scope, known)

    def _through(self, inverse: Inverse, scope: Scope, facts: Facts, want: Any) -> Iterator[Facts]:
        try:
            arguments = [self.evaluation.value(each, scope, facts) for each in inverse.arguments]
        except Unknown:
            yield from self.later(
                inverse.node, scope, facts, want=want if isinstance(want, str) else str(want)
            )
            return
        except Unmatched:
            return
        for value in inverse.candidates(want, arguments):
            if inverse.of_text:
                yield from self.read(inverse.inner, scope, facts, str(value))
            else:
                yield from self.equal(inverse.inner, scope, facts, value)


def unfolded(node: nodes.Expr, scope: Scope) -> tuple[nodes.Expr, Scope]:
    """A variable is the expression that it was set to."""
    while isinstance(node, nodes.Name) and isinstance(scope.get(node.name), Lazy):
        lazy = scope[node.name]
        node, scope = lazy.node, lazy.scope
    return node, scope


def _related(one: Path, other: Path) -> bool:
    size = min(len(one), len(other))
    return one[:size] == other[:size]


def as_declared(value: Any, kind: str | None) -> Iterator[Any]:
    """A value that a template compares with, in the type that the schema asks for."""
    if kind == "string" and not isinstance(value, (str, list, dict)):
        yield json.dumps(value) if isinstance(value, bool) else str(value)
    elif kind == "boolean" and value in (0, 1):
        yield bool(value)
    elif kind == "integer" and isinstance(value, float) and value.is_integer():
        yield int(value)
    elif kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        yield value
        yield float(value)
    else:
        yield value
