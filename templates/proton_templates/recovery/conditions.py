"""What follows for the inputs from the way that a condition of the template went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import ABSENT, Facts, Unknown
from proton_templates.recovery.limits import Unmatched
from proton_templates.recovery.solver import MAX_LENGTH, Solver
from proton_templates.recovery.variables import Scope


def assumed(solver: Solver, node: nodes.Expr, scope: Scope, facts: Facts, *, truth: bool) -> Iterator[Facts]:
    """The facts with which a condition is true, or false; one for each way in which it can be.

    Where a condition says less than what an input is, it becomes a check.
    """
    try:
        if solver.evaluation.truth(node, scope, facts) is truth:
            yield facts
    except Unmatched:
        return
    except Unknown:
        assume: Callable[..., Iterator[Facts]] = _ASSUMED.get(type(node), _input)
        yield from assume(solver, node, scope, facts, truth=truth)


def _input(solver: Solver, node: nodes.Expr, scope: Scope, facts: Facts, *, truth: bool) -> Iterator[Facts]:
    hole = solver.evaluation.hole(node, scope, facts)
    if hole is None or solver.inputs.kind(hole.path) != "boolean":
        yield from solver.later(node, scope, facts, want=truth)
        return
    values = [truth]
    if not truth and solver.inputs.at(hole.path).get("nullable") is True:
        values.append(None)  # type: ignore[arg-type]
    yield from solver.bindings(facts, hole.path, values)


def _not(solver: Solver, node: nodes.Not, scope: Scope, facts: Facts, *, truth: bool) -> Iterator[Facts]:
    yield from assumed(solver, node.node, scope, facts, truth=not truth)


def _either(solver: Solver, node: Any, scope: Scope, facts: Facts, *, truth: bool) -> Iterator[Facts]:
    """Of `and` and `or`: both sides, or one of them, which leaves open what the other would be."""
    if isinstance(node, nodes.And) == truth:
        for left in assumed(solver, node.left, scope, facts, truth=truth):
            yield from assumed(solver, node.right, scope, left, truth=truth)
        return
    yield from assumed(solver, node.left, scope, facts, truth=truth)
    for left in assumed(solver, node.left, scope, facts, truth=not truth):
        yield from assumed(solver, node.right, scope, left, truth=truth)


def _compared(
    solver: Solver, node: nodes.Compare, scope: Scope, facts: Facts, *, truth: bool
) -> Iterator[Facts]:
    """Of `==` and `in`: the input that is equal to something; of others a check."""
    operand = node.ops[0]
    asked = None if len(node.ops) > 1 else _EQUALITIES.get((operand.op, truth))
    found = asked(solver, node.expr, operand.expr, scope, facts) if asked else None
    if found is None:
        yield from solver.later(node, scope, facts, want=truth)
    else:
        yield from found


def _equal(
    solver: Solver, left: nodes.Expr, right: nodes.Expr, scope: Scope, facts: Facts
) -> Iterator[Facts] | None:
    for inner, other in ((left, right), (right, left)):
        hole = solver.evaluation.hole(inner, scope, facts)
        if hole is not None and (values := _value(solver, other, scope, facts)):
            return solver.bindings(facts, hole.path, _equal_values(values[0]))
    return None


def _among(
    solver: Solver, left: nodes.Expr, right: nodes.Expr, scope: Scope, facts: Facts
) -> Iterator[Facts] | None:
    hole = solver.evaluation.hole(left, scope, facts)
    values = _value(solver, right, scope, facts)
    if hole is None or not values or not isinstance(values[0], (list, tuple)):
        return None
    return solver.bindings(facts, hole.path, values[0])


def _value(solver: Solver, node: nodes.Expr, scope: Scope, facts: Facts) -> list[Any]:
    """The value of an expression, in a list; an empty one if it is not known."""
    try:
        return [solver.evaluation.value(node, scope, facts)]
    except (Unknown, Unmatched):
        return []


def _equal_values(value: Any) -> Iterator[Any]:
    """What Python calls equal, and JSON and the text that is rendered tell apart."""
    yield value
    if isinstance(value, bool):
        yield int(value)
    elif isinstance(value, int):
        yield float(value)
        if value in (0, 1):
            yield bool(value)
    elif isinstance(value, float) and value.is_integer():
        yield int(value)


def _tested(solver: Solver, node: nodes.Test, scope: Scope, facts: Facts, *, truth: bool) -> Iterator[Facts]:
    """Of `is defined`: the input that is absent; of others a check."""
    absent = truth == (node.name == "undefined") if node.name in ("defined", "undefined") else False
    hole = solver.evaluation.hole(node.node, scope, facts) if absent else None
    if hole is None:
        yield from solver.later(node, scope, facts, want=truth)
        return
    last = hole.path[-1] if hole.path else None
    if isinstance(last, int):
        for length in range(min(last + 1, MAX_LENGTH)):
            if (known := solver.bind_length(facts, hole.path[:-1], length)) is not None:
                yield known
    for cut in range(len(hole.path), 0, -1):
        if solver.inputs.may_be_absent(hole.path[:cut]):
            yield from solver.bindings(facts, hole.path[:cut], [ABSENT])


_ASSUMED: Mapping[type[nodes.Node], Callable[..., Iterator[Facts]]] = {
    nodes.Not: _not,
    nodes.And: _either,
    nodes.Or: _either,
    nodes.Compare: _compared,
    nodes.Test: _tested,
}
_EQUALITIES: Mapping[tuple[str, bool], Callable[..., Iterator[Facts] | None]] = {
    ("eq", True): _equal,
    ("ne", False): _equal,
    ("in", True): _among,
    ("notin", False): _among,
}
