"""One point of the search: what is left of the template, a place in the text, what is known of the inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

from jinja2 import nodes

from proton_templates.recovery.facts import Facts
from proton_templates.recovery.rest import Rest, Restored, Rests
from proton_templates.recovery.variables import Scope


class Open(NamedTuple):
    """An expression whose text begins at a place, and ends where what follows it is found."""

    node: nodes.Expr
    scope: Scope
    start: int


class Point(NamedTuple):
    """One point of the search."""

    rest: Rest | None
    at: int
    open: Open | None
    scope: Scope
    facts: Facts
    trail: Any = None
    """The points that the search remembers on the way here, last first: (key, those before)."""


def before(rests: Rests, point: Point, step: Any) -> Point:
    """The point with one more step before what is left."""
    return point._replace(rest=rests.made(step, point.rest))


def within(rests: Rests, point: Point, step: Any, scope: Scope) -> Point:
    """The same, for a step with variables of its own."""
    back = rests.made(Restored(point.scope), point.rest)
    return point._replace(scope=scope, rest=rests.made(step, back))
