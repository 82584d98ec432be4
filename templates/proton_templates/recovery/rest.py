"""What of a template is still to be matched, and which inputs that depends on.

The search meets the same rest of the template at the same place of the text many times. If it failed there
once, it fails again, unless an input that the rest depends on has another value: so it remembers, and its
time does not double with each input as that of a backtracking regular expression does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import Facts, Hole
from proton_templates.recovery.inputs import Path
from proton_templates.recovery.variables import Block, Cell, Lazy, Macro, Scope, Turn

_EVERYTHING = "*"
_FEW = 4
"""Parts that are known by their own ids, not by that of their list, which may be made for the occasion."""


@dataclass(frozen=True)
class Body:
    """The statements of a block from one on."""

    nodes: list[nodes.Node]
    index: int = 0


@dataclass(frozen=True)
class Outputs:
    """Texts, and expressions that are rendered, from one on."""

    pieces: Sequence[Any]
    index: int = 0


@dataclass(frozen=True)
class Restored:
    """The end of a block with variables of its own."""

    scope: Scope


@dataclass(frozen=True)
class Turns:
    """The turns of a loop over what is not known, from one on."""

    loop: Any
    """A `For` node, or the separator of a `join`."""
    kind: str
    """What it is over: "list", "items", "keys", "values" or "range"."""
    path: Path
    scope: Scope
    index: int = 0
    began_at: Any = None
    """Where the turn before began: a turn that matches nothing is not repeated without end."""
    depth: int = 1


@dataclass(frozen=True)
class KnownTurns:
    """The turns of a loop over known values, from one on."""

    loop: nodes.For
    items: list[Any]
    scope: Scope
    index: int = 0
    depth: int = 1


@dataclass(frozen=True)
class Looped:
    """A loop over an expression that is not yet understood."""

    loop: nodes.For
    iterated: nodes.Expr


@dataclass(frozen=True, eq=False)
class Rest:
    """A linked list of what is to be matched."""

    step: Any
    then: Rest | None
    number: int
    """The same for the same steps."""
    live: int
    """What it depends on: a bit for each name of an input, for each of a variable with ":" before it, and for
    "*", which is all inputs. A set would cost as much memory as the template's length squared."""


@dataclass
class Rests:
    """Makes them, and numbers them."""

    _made: dict[Any, Rest] = field(default_factory=dict)
    _suffixes: dict[tuple[int, int], int] = field(default_factory=dict)
    _used: dict[int, int] = field(default_factory=dict)
    _bits: dict[str, int] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _kept: list[Any] = field(default_factory=list)

    def made(self, step: Any, then: Rest | None) -> Rest:
        """One more step before a rest."""
        key = (*self._key(step), then.number if then else -1)
        if key in self._made:
            return self._made[key]
        live = self._live(step) | (then.live if then else 0)
        if isinstance(step, Restored) and then:
            live = self._inputs_of(then.live, step.scope)
        rest = Rest(step, then, len(self._made), live)
        self._made[key] = rest  # and so keep alive what is known by its id
        return rest

    def _key(self, step: Any) -> tuple[Any, ...]:
        if isinstance(step, Body):
            return (0, id(step.nodes), step.index)
        if isinstance(step, Outputs):
            if len(step.pieces) > _FEW:
                return (1, id(step.pieces), step.index)
            return (2, *(each if isinstance(each, str) else id(each) for each in step.pieces[step.index :]))
        if isinstance(step, (Turns, KnownTurns)):
            over = step.path if isinstance(step, Turns) else id(step.items)
            return (3, id(step.loop), over, step.index, id(step.scope))
        return (4, id(step.scope)) if isinstance(step, Restored) else (5, id(step.loop), id(step.iterated))

    def _live(self, step: Any) -> int:
        if isinstance(step, Body):
            return self._of_rest(step.nodes, step.index)
        if isinstance(step, Outputs):
            return self._of_rest(step.pieces, step.index)
        if isinstance(step, Restored):
            return 0
        used = self.used(step.loop) if isinstance(step.loop, nodes.Node) else 0
        if isinstance(step, Turns):
            return used | self._bits_of(_root(step.path))
        if isinstance(step, KnownTurns):
            return used | self._bits_of(name for item in step.items for name in _of_value(item))
        return used | self.used(step.iterated)

    def _of_rest(self, parts: Sequence[Any], index: int) -> int:
        """What the parts from one on use."""
        if len(parts) <= _FEW:
            return self._union(parts[index:])
        key = (id(parts), index)
        if key not in self._suffixes:
            self._kept.append(parts)
            found = 0
            for place in range(len(parts), -1, -1):
                found |= self._union(parts[place : place + 1])
                self._suffixes[id(parts), place] = found
        return self._suffixes[key]

    def _union(self, parts: Sequence[Any]) -> int:
        found = 0
        for part in parts:
            if isinstance(part, nodes.Node):
                found |= self.used(part)
        return found

    def used(self, node: nodes.Node) -> int:
        """The inputs and variables that a node names."""
        if id(node) not in self._used:
            self._kept.append(node)
            self._used[id(node)] = self._bits_of(_named(node))
        return self._used[id(node)]

    def _bits_of(self, names: Iterable[str]) -> int:
        found = 0
        for name in names:
            if name not in self._bits:
                self._bits[name] = 1 << len(self._bits)
                self._names.append(name)
            found |= self._bits[name]
        return found

    def _names_of(self, bits: int) -> Iterator[str]:
        while bits:
            lowest = bits & -bits
            yield self._names[lowest.bit_length() - 1]
            bits ^= lowest

    def _inputs_of(self, live: int, scope: Scope) -> int:
        """The inputs in what is used, with the variables replaced by what they stand for."""
        variables = self._bits_of(f":{name}" for name in scope)
        found = live
        for name in self._names_of(live & variables):
            found ^= self._bits[name]
            value = scope[name[1:]]
            if isinstance(value, Lazy):
                found |= self._inputs_of(self.used(value.node), value.scope)
            else:
                found |= self._bits_of(_of_value(value))
        return found

    def key(self, rest: Rest | None, at: int, open_: Any, scope: Scope, facts: Facts) -> Any:
        """Equal for two points of the search that have the same outcome."""
        live = rest.live if rest else 0
        if open_ is not None:
            live |= self._inputs_of(self.used(open_.node), open_.scope)
        inputs = self._inputs_of(live, scope)
        for check in facts.checks:
            inputs |= self._inputs_of(self.used(check.node), check.scope)
        variables = live & self._bits_of(f":{name}" for name in scope)
        everything = inputs & self._bits_of(_EVERYTHING)
        bits = self._bits
        return (
            rest.number if rest else -1,
            at,
            open_ and (id(open_.node), open_.start),
            tuple((name, _shown(scope[name[1:]])) for name in self._names_of(variables)),
            frozenset(
                (name, digest)
                for name, digest in facts.digests.items()
                if everything or inputs & bits.get(name, 0) or name == _EVERYTHING
            ),
            tuple((id(check.node), check.want) for check in facts.checks),
            id(facts.cells),
        )


def _shown(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, Hole)) else id(value)


def _root(path: Path) -> frozenset[str]:
    return frozenset({path[0] if path and isinstance(path[0], str) else _EVERYTHING})


def _of_value(value: Any) -> frozenset[str]:
    if isinstance(value, Hole):
        return _root(value.path)
    if isinstance(value, Turn):
        return _root(value.path) if value.path is not None else frozenset()
    if isinstance(value, (Block, Macro, Cell, Lazy)):
        return frozenset({_EVERYTHING})
    if isinstance(value, (list, tuple)):
        return frozenset().union(*map(_of_value, value))
    return frozenset()


def _named(node: nodes.Node) -> Iterator[str]:
    waiting: list[nodes.Node] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (nodes.Getattr, nodes.Getitem)) and _is_inputs(each.node):
            name = each.attr if isinstance(each, nodes.Getattr) else getattr(each.arg, "value", None)
            if isinstance(name, str):
                yield name
                continue
            yield "*"
        elif _is_inputs(each):
            yield "*"
        elif isinstance(each, nodes.Name):
            yield "*" if each.name == "environment" else f":{each.name}"
        elif isinstance(each, nodes.NSRef):
            yield f":{each.name}"
        if (
            isinstance(each, nodes.Getattr)
            and isinstance(each.node, nodes.Name)
            and each.node.name == "environment"
        ):
            continue
        waiting.extend(each.iter_child_nodes())


def _is_inputs(node: nodes.Node) -> bool:
    of, name = getattr(node, "node", None), None
    if isinstance(node, nodes.Getattr):
        name = node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        name = node.arg.value
    return name == "inputs" and isinstance(of, nodes.Name) and of.name == "environment"
