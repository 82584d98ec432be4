"""What the variables of a template may stand for, besides plain values and inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from proton_templates.recovery.facts import Facts, Unknown
from proton_templates.recovery.inputs import Path
from proton_templates.recovery.limits import Unmatched, Unsupported

Scope = Mapping[str, Any]
"""The variables that are set at one point of a template."""


@dataclass(frozen=True, eq=False)
class Lazy:
    """A variable that is set to an expression whose value is not known yet."""

    node: nodes.Expr
    scope: Scope


@dataclass(frozen=True, eq=False)
class Block:
    """A variable that is set to the text of a block."""

    body: list[nodes.Node]
    scope: Scope


@dataclass(frozen=True, eq=False)
class Macro:
    """A macro of the template."""

    node: nodes.Macro


@dataclass(frozen=True, eq=False)
class Cell:
    """A `namespace()` of the template; its members are in the facts."""

    number: int


@dataclass(frozen=True, eq=False)
class Turn:
    """`loop`, in one turn of a loop."""

    index: int
    length: int | None
    """None for a list of which not even the length is known: that at `path`."""
    path: Path | None = None
    items: list[Any] | None = None
    depth: int = 1

    def member(self, key: str, facts: Facts, undefined: Callable[..., Any]) -> Any:
        """`loop.index` and the like. Raises Unknown, where it depends on the length of the list."""
        at_once = {
            "index": self.index + 1,
            "index0": self.index,
            "first": self.index == 0,
            "depth": self.depth,
            "depth0": self.depth - 1,
        }
        if key in at_once:
            return at_once[key]
        if self._goes_on(facts) and key == "last":
            return False
        length = self._length(facts)
        later = {
            "length": length,
            "last": self.index == length - 1,
            "revindex": length - self.index,
            "revindex0": length - self.index - 1,
        }
        if key in later:
            return later[key]
        if key in ("previtem", "nextitem") and self.items is not None:
            at = self.index - 1 if key == "previtem" else self.index + 1
            return self.items[at] if 0 <= at < length else undefined(name=key)
        raise Unsupported(f"a loop uses loop.{key}")

    def _goes_on(self, facts: Facts) -> bool:
        return self.path is not None and facts.longer.get(self.path, 0) > self.index + 1

    def _length(self, facts: Facts) -> int:
        if self.length is not None:
            return self.length
        if self.path is None:
            raise Unmatched
        if self.path not in facts.lengths:
            raise Unknown(self.path, length=True)
        return facts.lengths[self.path]
