"""From what an expression came to, to the inputs in it: facts are added, or contradict what is known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.expressions import Evaluation
from proton_templates.recovery.facts import ABSENT, Check, Facts, Part, Path, Unknown, bound, known_items
from proton_templates.recovery.inverses import Inverse, exact, suggested
from proton_templates.recovery.limits import Unmatched
from proton_templates.recovery.values import examples, readings
from proton_templates.recovery.variables import Lazy, Scope

MAX_LENGTH = 2_000
"""Items of a list that are read back."""
_COPIED = 100
"""Facts that are copied at the cost of one step."""
_MAX_CANDIDATES = 60
_MAX_DISTINCT = 400
_MAX_MORE_ITEMS = 12


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
        node, scope = self._unfolded(node, scope)
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
            yield from self.bindings(facts, hole.path, _as_declared(value, self.inputs.kind(hole.path)))
            return
        yield from self._composed_equal(*self._unfolded(node, scope), facts, value)

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

    def _unfolded(self, node: nodes.Expr, scope: Scope) -> tuple[nodes.Expr, Scope]:
        """A variable is the expression that it was set to."""
        while isinstance(node, nodes.Name) and isinstance(scope.get(node.name), Lazy):
            lazy = scope[node.name]
            node, scope = lazy.node, lazy.scope
        return node, scope

    # What is tried for an input of which only the consequences are seen.

    def candidates(self, check: Check, facts: Facts, path: Path) -> list[Any]:
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
        schema = self.inputs.at(path)
        if "default" in schema:
            yield schema["default"]
        if self.inputs.may_be_absent(path):
            yield ABSENT
        if self.inputs.kind(path) == "array":
            yield from self._lists(facts, path)
        if isinstance(check.want, str):
            for value in self._suggested(check.node, check.scope, facts, path, check.want):
                yield value
                if isinstance(value, str):
                    yield from (value.lower(), value.upper(), value.capitalize(), value.swapcase())
        kind = self.inputs.kind(path)
        for constant in check.node.find_all(nodes.Const):
            yield from _near(constant.value, kind)
        if isinstance(check.node, nodes.Const):
            yield from _near(check.node.value, kind)
        yield from examples(self.inputs, path)

    def _lists(self, facts: Facts, path: Path) -> Iterator[list[Any]]:
        """The items of a list that are known, with more and more others behind them."""
        items = known_items(facts, self.inputs, path)
        for example in itertools.islice(examples(self.inputs, (*path, 0)), 2):
            filled = [example if item is ABSENT else item for item in items]
            for more in range(_MAX_MORE_ITEMS):
                yield filled + [example] * more

    def _suggested(
        self, node: nodes.Expr, scope: Scope, facts: Facts, path: Path, want: str
    ) -> Iterator[Any]:
        """Values of an input with which an expression may render a text; each still has to be checked."""
        self.evaluation.steps.take()
        node, scope = self._unfolded(node, scope)
        hole = self.evaluation.hole(node, scope, facts)
        if hole is not None:
            if hole.path == path:
                yield from readings(self.inputs, path, want)
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
            arguments = [self.evaluation.value(each, scope, facts) for each in inverse.arguments]
        except (Unknown, Unmatched):
            return
        for value in inverse.candidates(want, arguments):
            yield from self._of_value(inverse.inner, scope, facts, path, value)

    def _of_value(
        self, node: nodes.Expr, scope: Scope, facts: Facts, path: Path, value: Any
    ) -> Iterator[Any]:
        hole = self.evaluation.hole(*self._unfolded(node, scope), facts)
        if hole is None:
            yield from self._suggested(
                node, scope, facts, path, value if isinstance(value, str) else str(value)
            )
        elif hole.path == path:
            yield from _as_declared(value, self.inputs.kind(path))
            if isinstance(value, str):
                yield from readings(self.inputs, path, value)

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
            return self.text(node, scope, facts)
        except (Unknown, Unmatched):
            return None


def _related(one: Path, other: Path) -> bool:
    size = min(len(one), len(other))
    return one[:size] == other[:size]


def _as_declared(value: Any, kind: str | None) -> Iterator[Any]:
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
