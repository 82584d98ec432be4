"""What a loop of a template is over, where the values are not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jinja2 import nodes

from proton_templates.recovery.conditions import assumed
from proton_templates.recovery.facts import Facts, Hole, Unknown, value_at
from proton_templates.recovery.inputs import Part, Path
from proton_templates.recovery.limits import Unmatched
from proton_templates.recovery.solver import MAX_LENGTH, Solver
from proton_templates.recovery.variables import Lazy, Scope

_IN_ORDER = {"list", "sort", "unique"}
"""Filters after which the items are those of the input; rendering shows whether the order is."""
_MEMBERS = {"items": "items", "dictsort": "items", "keys": "keys", "values": "values", "range": "range"}
MAX_GUESSED_LENGTH = 30
"""Items of a list of which only the consequences are seen."""


class Over(NamedTuple):
    """The input that a loop is over: a "list", the "items", "keys" or "values" of an object, a "range"."""

    kind: str
    path: Path


def over(solver: Solver, node: nodes.Expr, scope: Scope, facts: Facts) -> Over | None:
    """What an expression is over; None if that cannot be said."""
    while isinstance(node, nodes.Name) and isinstance(scope.get(node.name), Lazy):
        lazy = scope[node.name]
        node, scope = lazy.node, lazy.scope
    name, of = _applied(node)
    if name in _IN_ORDER:
        return over(solver, of, scope, facts)
    hole = solver.evaluation.hole(node if name is None else of, scope, facts)
    if hole is None:
        return None
    if name is None:
        declared = solver.inputs.kind(hole.path)
        return Over("keys" if declared == "object" else "list", hole.path) if declared != "string" else None
    if name == "split" and isinstance(node, nodes.Call):
        return _split(solver, node, hole, scope, facts)
    kind = _MEMBERS.get(name)
    return Over(kind, hole.path) if kind else None


def _split(solver: Solver, node: nodes.Call, hole: Hole, scope: Scope, facts: Facts) -> Over | None:
    if len(node.args) > 1:
        return None
    try:
        separator = solver.evaluation.value(node.args[0], scope, facts) if node.args else None
    except (Unknown, Unmatched):
        return None
    return Over("list", (*hole.path, Part("split", separator)))


def _applied(node: nodes.Expr) -> tuple[str | None, Any]:
    """The name of a filter, a method or `range`, and what it is applied to."""
    if isinstance(node, nodes.Filter):
        return (node.name, node.node) if not node.args or node.name != "dictsort" else (None, None)
    if isinstance(node, nodes.Call):
        if isinstance(node.node, nodes.Getattr):
            return node.node.attr, node.node.node
        if (
            isinstance(node.node, nodes.Name)
            and node.node.name in _IN_ORDER | {"range"}
            and len(node.args) == 1
        ):
            return node.node.name, node.args[0]
    return None, None


def branches(
    solver: Solver, node: nodes.Expr, scope: Scope, facts: Facts
) -> Iterator[tuple[nodes.Expr, Facts]] | None:
    """The expressions that one with a condition in it may come down to; None if it has none."""
    if isinstance(node, nodes.CondExpr):
        return _conditional(solver, node, scope, facts)
    if isinstance(node, nodes.Filter) and node.name in ("default", "d") and node.node is not None:
        return _default(solver, node, node.node, scope, facts)
    if isinstance(node, (nodes.Or, nodes.And)):
        return _either(solver, node, scope, facts)
    return None


def _conditional(
    solver: Solver, node: nodes.CondExpr, scope: Scope, facts: Facts
) -> Iterator[tuple[nodes.Expr, Facts]]:
    for known in assumed(solver, node.test, scope, facts, truth=True):
        yield node.expr1, known
    if node.expr2 is not None:
        for known in assumed(solver, node.test, scope, facts, truth=False):
            yield node.expr2, known


def _default(
    solver: Solver, node: nodes.Filter, of: nodes.Expr, scope: Scope, facts: Facts
) -> Iterator[tuple[nodes.Expr, Facts]]:
    given = nodes.Test(of, "defined", [], [], None, None, lineno=node.lineno)
    other: nodes.Expr = node.args[0] if node.args else nodes.Const("", lineno=node.lineno)
    options: Mapping[Any, nodes.Expr] = {option.key: option.value for option in node.kwargs}
    other = options.get("default_value", other)
    also_false = node.args[1] if len(node.args) > 1 else options.get("boolean")
    for known in assumed(solver, given, scope, facts, truth=False):
        yield other, known
    for known in assumed(solver, given, scope, facts, truth=True):
        if isinstance(also_false, nodes.Const) and also_false.value:
            for true in assumed(solver, of, scope, known, truth=True):
                yield of, true
            for false in assumed(solver, of, scope, known, truth=False):
                yield other, false
        else:
            yield of, known


def _either(solver: Solver, node: Any, scope: Scope, facts: Facts) -> Iterator[tuple[nodes.Expr, Facts]]:
    first = isinstance(node, nodes.Or)
    for known in assumed(solver, node.left, scope, facts, truth=first):
        yield node.left, known
    for known in assumed(solver, node.left, scope, facts, truth=not first):
        yield node.right, known


def known_length(solver: Solver, kind: str, path: Path, facts: Facts) -> int | None:
    """How many turns a loop has over an input, if that is known."""
    if kind == "range":
        try:
            count = value_at(facts, solver.inputs, path)
        except Unknown:
            return None
        return max(count, 0) if isinstance(count, int) else -1
    if (length := facts.lengths.get(path)) is not None:
        return length
    try:
        value = value_at(facts, solver.inputs, path)
    except (Unknown, Unmatched):
        return None
    return len(value) if isinstance(value, (list, dict, str)) else -1


def may_go_on(solver: Solver, kind: str, path: Path, length: int) -> bool:
    """Whether the schema allows more than so many turns."""
    schema = solver.inputs.at(path)
    if (
        kind in ("items", "keys", "values")
        and solver.inputs.members(path)
        and not solver.inputs.is_open(path)
    ):
        return length < len(solver.inputs.members(path))
    keyword = "maximum" if kind == "range" else "maxItems" if kind == "list" else "maxProperties"
    return bool(length < min(schema.get(keyword, MAX_LENGTH), MAX_LENGTH))


def variables(target: nodes.Node, kind: str, path: Path, index: int) -> dict[str, Any]:
    """The variables of one turn."""
    key, value = Hole((*path, Part("key", index))), Hole((*path, Part("value", index)))
    item: Any = {
        "list": Hole((*path, index)),
        "items": (key, value),
        "keys": key,
        "values": value,
        "range": index,
    }[kind]
    return assigned(target, item)


def assigned(target: nodes.Node, value: Any) -> dict[str, Any]:
    """The variables that `for target in …` and `set target = …` give values to."""
    if isinstance(target, nodes.Name):
        return {target.name: value}
    if isinstance(target, nodes.Tuple):
        parts: list[Any]
        if isinstance(value, (list, tuple)):
            parts = list(value)
        elif isinstance(value, Hole):
            parts = [Hole((*value.path, index)) for index in range(len(target.items))]
        elif isinstance(value, Lazy):
            parts = [
                Lazy(nodes.Getitem(value.node, nodes.Const(index), "load", lineno=target.lineno), value.scope)
                for index in range(len(target.items))
            ]
        else:
            raise Unmatched
        if len(parts) != len(target.items):
            raise Unmatched
        made: dict[str, Any] = {}
        for each, part in zip(target.items, parts, strict=True):
            made |= assigned(each, part)
        return made
    raise Unmatched


def uses(loop: nodes.For, *names: str) -> bool:
    """Whether a loop's body names one of these members of `loop`."""
    return any(
        isinstance(each.node, nodes.Name) and each.node.name == "loop" and each.attr in names
        for part in loop.body
        for each in ([part] if isinstance(part, nodes.Getattr) else []) + list(part.find_all(nodes.Getattr))
    )
