"""Check and diff of any resource, derived from its declaration. Pure: what they need from outside is handed to them."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pydantic

from ._declare import Kind, Property, Resource
from ._values import State, has_unknown, normalised, same

if TYPE_CHECKING:
    from ._client import Proton

HIDDEN = "__"
"""Keys that begin so are facts an adapter keeps beside the properties; they pass through, and Pulumi never shows them."""

OWNER = "__owner"
"""The fact that says whose an object is: `project/stack/logical name`."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an input cannot be: `wire` names the top-level property, `reason` says the rest in one line."""

    wire: str
    reason: str


@dataclasses.dataclass
class Checked:
    """What `check` found: the inputs in normal form, what is wrong with them, and what a reviewer should know."""

    inputs: State
    failures: list[Failure] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Change:
    """A property whose wanted value differs from the one it has."""

    declared: Property
    removed: bool


@dataclasses.dataclass(frozen=True)
class Diff:
    """What an update would have to do: nothing, an update, or (`replaces` not empty) a new resource."""

    changed: bool
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False


class Templates(Protocol):
    """What `check` may ask of the service about environment templates. None: not there, or not to be seen (yet)."""

    def recommended_minor(self, template: str, major: str) -> str | None:
        """The recommended minor version of a major version."""

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        """The OpenAPI 3.0 schema of a version's inputs."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What `check` needs from outside. `templates` is None where the service cannot be asked (yet)."""

    default_tags: Mapping[str, str]
    templates: Templates | None


class CustomResource(Resource):
    """A resource with its verbs. A subclass gives create, read, update and delete; check and diff have defaults.

    State and inputs are by wire name. A verb that talks to AWS raises `ProtonError`, always one line for a person.
    """

    @classmethod
    def check(cls, olds: State, news: State, surroundings: Surroundings) -> Checked:  # noqa: ARG003
        """The inputs in normal form, and what is wrong with them. `olds` are the inputs of before, or empty."""
        return check(cls, news)

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """What lies between the state and the wanted inputs."""
        found = changes(cls, state, inputs)
        replaces = tuple(item.declared.wire for item in found if item.declared.replace)
        return Diff(bool(found), replaces)

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> tuple[str, State]:
        """Makes the object, or goes on with one that an earlier, broken-off create of the same owner left."""
        raise NotImplementedError

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """The object as AWS has it, None where it is gone."""
        raise NotImplementedError

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Makes the object as `inputs` want it and returns its whole state."""
        raise NotImplementedError

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> None:
        """Removes the object; one that is gone already is removed."""
        raise NotImplementedError


def inputs_in(resource: type[Resource], state: State) -> State:
    """The part of a state that a program could have given, so that drift shows in the next preview."""
    wires = {declared.wire for declared in resource.properties if declared.kind is not Kind.OUTPUT}
    return {wire: value for wire, value in state.items() if wire in wires or wire.startswith(HIDDEN)}


def check(resource: type[Resource], news: State) -> Checked:
    """The program's inputs in normal form with defaults filled in, and what is wrong with them.

    Values that hold an unknown anywhere are passed on untouched: the update checks again, when they are known.
    """
    inputs = {wire: value for wire, value in news.items() if wire.startswith(HIDDEN)}
    given = normalised({wire: value for wire, value in news.items() if not wire.startswith(HIDDEN)})
    failures = [_no_such(resource, wire) for wire in given if wire not in _accepted(resource)]
    for declared in resource.of_kind(Kind.INPUT, Kind.SETTING):
        value = given.get(declared.wire, declared.default)
        if value is None:
            failures += [Failure(declared.wire, "is required")] if declared.required else []
        elif has_unknown(value):
            inputs[declared.wire] = value
        else:
            try:
                inputs[declared.wire] = declared.validated(value)
            except pydantic.ValidationError as error:
                inputs[declared.wire] = value
                failures += [Failure(declared.wire, reason) for reason in _reasons(error)]
    return Checked(inputs, failures)


def changes(resource: type[Resource], old: State, new: State) -> list[Change]:
    """The properties in which `new` (wanted inputs) differs from `old` (state, or inputs of before)."""
    found = []
    for declared in resource.properties:
        before, after = old.get(declared.wire), new.get(declared.wire)
        if declared.kind is Kind.OUTPUT or declared.follows:
            continue
        if after is None:
            if before not in (None, declared.cleared, {}, []) and not declared.keep:
                found.append(Change(declared, removed=True))
        elif before is None or not same(before, after):
            found.append(Change(declared, removed=False))
    return found


def refused_removals(found: Iterable[Change]) -> list[Failure]:
    """The removals that the API has no way to carry out."""
    return [
        Failure(item.declared.wire, f"cannot be removed, since the API cannot unset it: {item.declared.way_out}")
        for item in found
        if item.removed and item.declared.way_out
    ]


def _accepted(resource: type[Resource]) -> set[str]:
    """The wire names an input may have. Computed ones come back to us when Pulumi checks its own old inputs."""
    return {declared.wire for declared in resource.of_kind(Kind.INPUT, Kind.SETTING, Kind.COMPUTED)}


def _no_such(resource: type[Resource], wire: str) -> Failure:
    near = difflib.get_close_matches(wire, [item.wire for item in resource.properties if item.from_program], n=1)
    return Failure(wire, f"no such property{f'; did you mean {near[0]}?' if near else ''}")


def _reasons(error: pydantic.ValidationError) -> Iterable[str]:
    for fault in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        yield f"{path}: {message}" if path else message
