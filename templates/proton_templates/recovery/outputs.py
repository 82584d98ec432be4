"""The texts of a template, and its expressions, met in the deployed text.

An expression whose value is not known stays open until what follows it is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import Hole, Unknown
from proton_templates.recovery.limits import Unsupported
from proton_templates.recovery.loops import branches, over
from proton_templates.recovery.points import Open, Point, before, within
from proton_templates.recovery.rest import Body, Outputs, Rests, Turns
from proton_templates.recovery.solver import Solver
from proton_templates.recovery.texts import Text
from proton_templates.recovery.values import ends
from proton_templates.recovery.variables import Block, Lazy, Macro

_TEXT_FILTERS = {"string", "lower", "upper", "trim", "title", "capitalize", "replace", "join"}
_LINE_FILTERS = {"tojson", "indent", "wordwrap", "pprint"}


class Outputting:
    """The steps of a search that match what a template puts out.

    With `one_line`, no value has a line break in it. One that has may imitate the lines of the template: two
    items of a list may be one, with the template's own text in it.
    """

    def __init__(self, solver: Solver, text: Text, rests: Rests, line_break: str, *, one_line: bool) -> None:
        self._solver, self._text, self._rests = solver, text, rests
        self._line_break, self._one_line = line_break, one_line

    def _literal(self, literal: str, point: Point) -> Any:
        if not literal:
            return point
        if point.open is None:
            end = self._text.after(literal, point.at)
            return point._replace(at=end) if end >= 0 else None
        return self._closings(literal, point, point.open)

    def _closings(self, literal: str, point: Point, opened: Open) -> Iterator[Point]:
        """The places of what follows an open expression, nearest first."""
        start = opened.start
        last = self._last_end(opened)
        while True:
            begin, end = self._text.find(literal, start, last)
            if begin < 0:
                return
            yield from self.closed(point, begin, end)
            start = begin + 1

    def _last_end(self, opened: Open) -> int:
        """Where an open expression ends at the latest."""
        length = len(self._text.text)
        if self._one_line and not _has_lines(opened.node):
            end = self._text.text.find("\n", opened.start)
            return end if end >= 0 else length
        return length

    def closed(self, point: Point, end: int, at: int) -> Iterator[Point]:
        """With the text of the open expression known."""
        opened = point.open
        if opened is None:
            return
        text: str | None = self._text.text[opened.start : end]
        if "\n" in (text or ""):
            if self._one_line and not _has_lines(opened.node):
                return
            if _makes_blocks(opened.node):
                text = _dedented(text or "", self._text.indent(opened.start))
        if text is None:
            return
        self._solver.evaluation.steps.take(characters=len(text))
        for facts in self._solver.read(opened.node, opened.scope, point.facts, text):
            yield point._replace(open=None, at=at, facts=facts)

    def output(self, piece: Any, point: Point) -> Any:
        """What follows a text or an expression that is put out. Raises Unsupported and Unmatched."""
        if isinstance(piece, str):
            return self._literal(piece, point)
        if isinstance(piece, nodes.TemplateData):
            return self._literal(piece.data, point)
        if isinstance(piece, nodes.Call) and (macro := self._macro(piece, point)):
            return self._inlined(piece, macro, point)
        try:
            text = self._solver.evaluation.text(piece, point.scope, point.facts)
        except Unknown:
            return self._unknown(piece, point)
        if self._line_break in text:
            place = point.open.start if point.open else point.at
            text = text.replace(self._line_break, "\n" + self._text.indent(place))
        return self._literal(text, point)

    def _unknown(self, node: nodes.Expr, point: Point) -> Any:
        """Renders an expression whose value is not known."""
        solver, scope, facts = self._solver, point.scope, point.facts
        if isinstance(node, nodes.Name):
            variable = scope.get(node.name)
            if isinstance(variable, Lazy):
                return within(self._rests, point, Outputs((variable.node,)), variable.scope)
            if isinstance(variable, Block):
                return within(self._rests, point, Body(variable.body), variable.scope)
        if (ways := branches(solver, node, scope, facts)) is not None:
            return (
                point._replace(facts=known, rest=self._rests.made(Outputs((each,)), point.rest))
                for each, known in ways
            )
        if isinstance(node, nodes.Concat) or (isinstance(node, nodes.Add) and self._is_text(node, point)):
            parts = node.nodes if isinstance(node, nodes.Concat) else [node.left, node.right]
            return before(self._rests, point, Outputs(parts))
        if (joined := self._joined(node, point)) is not None:
            return joined
        return self._opened(node, point)

    def _is_text(self, node: nodes.Expr, point: Point) -> bool:
        """Whether `+` puts texts together: one of its operands is a text."""
        if isinstance(node, nodes.Add):
            return self._is_text(node.left, point) or self._is_text(node.right, point)
        if isinstance(node, nodes.Const):
            return isinstance(node.value, str)
        if isinstance(node, nodes.Filter):
            return node.name in _TEXT_FILTERS
        try:
            found = self._solver.evaluation.symbol(node, point.scope, point.facts)
        except Unknown:
            return False
        if isinstance(found, Hole):
            return self._solver.inputs.kind(found.path) == "string"
        return isinstance(found, str)

    def _joined(self, node: nodes.Expr, point: Point) -> Point | None:
        """A list whose items are put together, as a loop over it."""
        if isinstance(node, nodes.Filter) and node.name == "join" and node.node and len(node.args) < 2:
            listed, separator = node.node, (node.args or [option.value for option in node.kwargs])[:1]
            if node.kwargs and node.kwargs[0].key != "d":
                return None
        elif (
            isinstance(node, nodes.Call)
            and isinstance(node.node, nodes.Getattr)
            and node.node.attr == "join"
            and len(node.args) == 1
        ):
            listed, separator = node.args[0], [node.node.node]
        else:
            return None
        found = over(self._solver, listed, point.scope, point.facts)
        if found is None or found.kind == "range":
            return None
        between = self._solver.evaluation.text(separator[0], point.scope, point.facts) if separator else ""
        turns = Turns(between, found.kind, found.path, point.scope)
        return before(self._rests, point, turns)

    def _opened(self, node: nodes.Expr, point: Point) -> Any:
        if point.open is not None:
            return self._split(node, point)
        hole = self._solver.evaluation.hole(node, point.scope, point.facts)
        if hole is not None:
            possible = ends(self._solver.inputs, hole.path, self._text.text, point.at)
            if possible is not None:
                return self._ended(point._replace(open=Open(node, point.scope, point.at)), possible)
        return point._replace(open=Open(node, point.scope, point.at))

    def _ended(self, point: Point, possible: list[int]) -> Iterator[Point]:
        for end in possible:
            yield from self.closed(point, end, end)

    def _split(self, node: nodes.Expr, point: Point) -> Iterator[Point]:
        """Two open expressions beside each other: the first may end anywhere."""
        opened = point.open
        if opened is None:
            return
        for end in range(opened.start, self._last_end(opened) + 1):
            self._solver.evaluation.steps.take()
            for closed in self.closed(point, end, end):
                # It may be the same input, and known by now.
                yield before(self._rests, closed, Outputs((node,)))

    def _macro(self, call: nodes.Call, point: Point) -> Macro | None:
        if isinstance(call.node, nodes.Name):
            found = point.scope.get(call.node.name)
            return found if isinstance(found, Macro) else None
        return None

    def _inlined(self, call: nodes.Call, macro: Macro, point: Point) -> Point:
        """A macro's body, in the place of its call."""
        node = macro.node
        names = [argument.name for argument in node.args]
        given = dict(zip(names, call.args, strict=False)) | {each.key: each.value for each in call.kwargs}
        if len(call.args) > len(names) or not given.keys() <= {*names} or call.dyn_args or call.dyn_kwargs:
            raise Unsupported(f"line {call.lineno} calls a macro with further arguments")
        defaults = dict(zip(names[len(names) - len(node.defaults) :], node.defaults, strict=True))
        scope = dict(point.scope)
        for name in names:
            if name in given:
                scope[name] = Lazy(given[name], point.scope)
            elif name in defaults:
                scope[name] = Lazy(defaults[name], point.scope)
            else:
                scope[name] = self._solver.evaluation.sandbox.undefined(name=name)
        return within(self._rests, point, Body(node.body), scope)


def _filters(node: nodes.Expr) -> list[str]:
    names = [each.name for each in node.find_all(nodes.Filter)]
    return [*names, node.name] if isinstance(node, nodes.Filter) else names


def _makes_blocks(node: nodes.Expr) -> bool:
    return any(name.startswith("proton_cfn_") for name in _filters(node))


def _has_lines(node: nodes.Expr) -> bool:
    """Whether an expression is made to render several lines, whatever its inputs are."""
    return _makes_blocks(node) or not _LINE_FILTERS.isdisjoint(_filters(node))


def _dedented(text: str, indent: str) -> str | None:
    """The text that a filter made, before it was continued at the column of its first line."""
    first, *others = text.split("\n")
    if not all(line.startswith(indent) for line in others):
        return None
    return "\n".join([first, *(line[len(indent) :] for line in others)])
