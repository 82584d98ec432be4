"""What of a template is still to be matched, and which inputs that depends on.

The search meets the same rest of the template at the same place of the text many times. If it failed there
once, it fails again, unless an input that the rest depends on has another value: so it remembers, and its
time does not double with each input as that of a backtracking regular expression does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import Facts, Hole, Path
from proton_templates.recovery.variables import Block, Cell, Lazy, Macro, Scope, Turn

EVERYTHING = frozenset({"*"})


@dataclass(frozen=True)
class Body:
    """The statements of a block from one on."""

    nodes: list[nodes.Node]
    index: int = 0


@dataclass(frozen=True)
class Outputs:
    """Texts, and expressions that are rendered, from one on."""

    pieces: tuple[Any, ...]
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
    live: frozenset[str]
    """What it depends on: names of inputs, and of variables with ":" before them; "*" for all."""


@dataclass
class Rests:
    """Makes them, and numbers them."""

    _made: dict[Any, Rest] = field(default_factory=dict)
    _suffixes: dict[tuple[int, int], frozenset[str]] = field(default_factory=dict)
    _used: dict[int, frozenset[str]] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    def made(self, step: Any, then: Rest | None) -> Rest:
        """One more step before a rest."""
        key = (*self._key(step), then.number if then else -1)
        if key in self._made:
            return self._made[key]
        live = self._live(step) | (then.live if then else frozenset())
        if isinstance(step, Restored) and then:
            live = frozenset(self.inputs_of(then.live, step.scope))
        rest = Rest(step, then, len(self._made), EVERYTHING if "*" in live else live)
        self._made[key] = rest  # and so keep alive what is known by its id
        return rest

    def _key(self, step: Any) -> tuple[Any, ...]:
        if isinstance(step, Body):
            return (0, id(step.nodes), step.index)
        if isinstance(step, Outputs):
            return (1, *(each if isinstance(each, str) else id(each) for each in step.pieces[step.index :]))
        if isinstance(step, Restored):
            return (2, id(step.scope))
        if isinstance(step, Turns):
            return (3, id(step.loop), step.path, step.index, id(step.scope))
        if isinstance(step, KnownTurns):
            return (4, id(step.loop), id(step.items), step.index, id(step.scope))
        return (5, id(step.loop), id(step.iterated))

    def _live(self, step: Any) -> frozenset[str]:
        if isinstance(step, Body):
            return self._of_body(step)
        if isinstance(step, Outputs):
            return frozenset().union(
                *(self.used(each) for each in step.pieces[step.index :] if isinstance(each, nodes.Node))
            )
        if isinstance(step, Restored):
            return frozenset()
        used: frozenset[str] = self.used(step.loop) if isinstance(step.loop, nodes.Node) else frozenset()
        if isinstance(step, Turns):
            return used | _root(step.path)
        if isinstance(step, KnownTurns):
            return used.union(*(_of_value(item) for item in step.items[step.index :]))
        return used | self.used(step.iterated)

    def _of_body(self, body: Body) -> frozenset[str]:
        key = (id(body.nodes), body.index)
        if key not in self._suffixes:
            found: frozenset[str] = frozenset()
            for index in range(len(body.nodes) - 1, -1, -1):
                found |= self.used(body.nodes[index])
                self._suffixes[id(body.nodes), index] = found
            self._suffixes[id(body.nodes), len(body.nodes)] = frozenset()
        return self._suffixes[key]

    def used(self, node: nodes.Node) -> frozenset[str]:
        """The inputs and variables that a node names."""
        if id(node) not in self._used:
            self._kept.append(node)
            self._used[id(node)] = frozenset(_named(node))
        return self._used[id(node)]

    def inputs_of(self, live: frozenset[str], scope: Scope) -> Iterator[str]:
        """The inputs in what is used, with the variables replaced by what they stand for."""
        for name in live:
            if not name.startswith(":"):
                yield name
            elif name[1:] in scope:
                value = scope[name[1:]]
                if isinstance(value, Lazy):
                    yield from self.inputs_of(self.used(value.node), value.scope)
                else:
                    yield from _of_value(value)

    def key(self, rest: Rest | None, at: int, open_: Any, scope: Scope, facts: Facts) -> Any:
        """Equal for two points of the search that have the same outcome."""
        live = rest.live if rest else frozenset()
        if open_ is not None:
            live |= frozenset(self.inputs_of(self.used(open_.node), open_.scope))
        inputs = frozenset(self.inputs_of(live, scope)).union(
            *(self.inputs_of(self.used(check.node), check.scope) for check in facts.checks)
        )
        everything = "*" in inputs
        variables = tuple(
            (name, _shown(scope[name[1:]])) for name in sorted(live) if name[:1] == ":" and name[1:] in scope
        )
        return (
            rest.number if rest else -1,
            at,
            open_ and (id(open_.node), open_.start),
            variables,
            _part_of(facts.values, inputs, everything=everything),
            _part_of(facts.lengths, inputs, everything=everything),
            _part_of(facts.longer, inputs, everything=everything),
            tuple((id(check.node), check.want) for check in facts.checks),
            id(facts.cells),
        )


def _part_of(known: Mapping[Path, Any], inputs: frozenset[str], *, everything: bool) -> Any:
    return frozenset(
        (path, repr(value) if isinstance(value, (list, dict, float)) else (type(value), value))
        for path, value in known.items()
        if everything or not path or path[0] in inputs
    )


def _shown(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, Hole)) else id(value)


def _root(path: Path) -> frozenset[str]:
    return frozenset({path[0]}) if path and isinstance(path[0], str) else EVERYTHING


def _of_value(value: Any) -> frozenset[str]:
    if isinstance(value, Hole):
        return _root(value.path)
    if isinstance(value, Turn):
        return _root(value.path) if value.path is not None else frozenset()
    if isinstance(value, (Block, Macro, Cell, Lazy)):
        return EVERYTHING
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
