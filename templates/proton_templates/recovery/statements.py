"""The statements of a template: what each does to the search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.conditions import assumed
from proton_templates.recovery.facts import Unknown
from proton_templates.recovery.limits import Unmatched, Unsupported
from proton_templates.recovery.loops import assigned
from proton_templates.recovery.points import Point, before, within
from proton_templates.recovery.rest import Body, Looped, Outputs, Rests
from proton_templates.recovery.solver import Solver
from proton_templates.recovery.variables import Block, Cell, Lazy, Macro


class Statements:
    """The steps of a search that carry out statements."""

    def __init__(self, solver: Solver, rests: Rests) -> None:
        self._solver, self._rests = solver, rests
        self._filtered: dict[int, nodes.Filter] = {}
        self._carried_out: Mapping[type[nodes.Node], Callable[[Any, Point], Any]] = {
            nodes.Output: lambda node, point: before(rests, point, Outputs(node.nodes)),
            nodes.If: self._condition,
            nodes.For: self._loop,
            nodes.Assign: self._assignment,
            nodes.AssignBlock: self._block_assignment,
            nodes.Macro: lambda node, point: point._replace(scope={**point.scope, node.name: Macro(node)}),
            nodes.With: self._with,
            nodes.Scope: lambda node, point: within(rests, point, Body(node.body), point.scope),
            nodes.Block: lambda node, point: within(rests, point, Body(node.body), point.scope),
            nodes.FilterBlock: self._filter,
        }

    def statement(self, node: nodes.Node, point: Point) -> Any:
        """What follows a statement. Raises Unsupported and Unmatched."""
        carry_out = self._carried_out.get(type(node))
        if carry_out is None:
            raise _unsupported(node)
        return carry_out(node, point)

    def _condition(self, node: nodes.If, point: Point) -> Iterator[Point]:
        conditions = [(node.test, node.body), *((each.test, each.body) for each in node.elif_)]
        return self._ways(conditions, node.else_, point)

    def _loop(self, node: Any, point: Point) -> Point:
        if node.recursive:
            raise Unsupported(f"line {node.lineno} has a recursive loop")
        return before(self._rests, point, Looped(node, node.iter))

    def _with(self, node: nodes.With, point: Point) -> Point:
        scope = dict(point.scope)
        for target, value in zip(node.targets, node.values, strict=True):
            scope |= assigned(target, Lazy(value, point.scope))
        return within(self._rests, point, Body(node.body), scope)

    def _block_assignment(self, node: nodes.AssignBlock, point: Point) -> Point:
        if node.filter is not None or not isinstance(node.target, nodes.Name):
            raise _unsupported(node)
        return point._replace(scope={**point.scope, node.target.name: Block(node.body, point.scope)})

    def _filter(self, node: nodes.FilterBlock, point: Point) -> Point:
        """A block through a filter, as the filter of what the block puts together."""
        if not all(isinstance(each, nodes.Output) for each in node.body):
            raise _unsupported(node)
        parts = [part for each in node.body if isinstance(each, nodes.Output) for part in each.nodes]
        if id(node) not in self._filtered:
            whole = nodes.Concat(parts, lineno=node.lineno)
            options = (getattr(node.filter, name) for name in node.filter.fields[1:])
            self._filtered[id(node)] = nodes.Filter(whole, *options, lineno=node.lineno)
        return before(self._rests, point, Outputs((self._filtered[id(node)],)))

    def _ways(self, conditions: list[Any], otherwise: list[nodes.Node], point: Point) -> Iterator[Point]:
        if not conditions:
            yield before(self._rests, point, Body(otherwise))
            return
        (test, body), *others = conditions
        for facts in assumed(self._solver, test, point.scope, point.facts, truth=True):
            yield point._replace(facts=facts, rest=self._rests.made(Body(body), point.rest))
        for facts in assumed(self._solver, test, point.scope, point.facts, truth=False):
            yield from self._ways(others, otherwise, point._replace(facts=facts))

    def _assignment(self, node: Any, point: Point) -> Point:
        value: Any = Lazy(node.node, point.scope)
        if isinstance(node.node, nodes.Call) and getattr(node.node.node, "name", "") == "namespace":
            cells = dict(point.facts.cells or {})
            cell = Cell(len(cells))
            cells[cell.number] = {each.key: Lazy(each.value, point.scope) for each in node.node.kwargs}
            return point._replace(
                scope={**point.scope, **assigned(node.target, cell)},
                facts=point.facts._replace(cells=cells),
            )
        with suppress(Unknown):
            value = self._solver.evaluation.symbol(node.node, point.scope, point.facts)
        if isinstance(node.target, nodes.NSRef):
            changed = point.scope.get(node.target.name)
            if not isinstance(changed, Cell):
                raise Unmatched
            cells = dict(point.facts.cells or {})
            cells[changed.number] = {**cells[changed.number], node.target.attr: value}
            return point._replace(facts=point.facts._replace(cells=cells))
        return point._replace(scope={**point.scope, **assigned(node.target, value)})


def _unsupported(node: nodes.Node) -> Unsupported:
    return Unsupported(f"line {node.lineno} uses the statement {type(node).__name__}")
