"""Diff of any resource, derived from its declaration: which properties change. Pure."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Collection, Iterable, Iterator

from aws_proton_provider.core.checking import Failure
from aws_proton_provider.core.declaration import Kind, Property, Resource
from aws_proton_provider.core.facts import IMPORTED, owners_in
from aws_proton_provider.core.tags import with_one_owner
from aws_proton_provider.core.values import State, Value, same


@dataclasses.dataclass(frozen=True)
class Change:
    """A property whose wanted value differs from the one it has."""

    declared: Property
    removed: bool


def changes(resource: type[Resource], old: State, new: State) -> tuple[Change, ...]:
    """The properties in which `new` (wanted inputs) differs from `old` (state, or inputs of before)."""
    found = []
    imported = IMPORTED in old
    owners = (*owners_in(old, new), *((None,) if imported else ()))
    old, new = ({**state, "tagsAll": with_one_owner(state.get("tagsAll"), owners)} for state in (old, new))
    for declared in resource.of_kind(Kind.INPUT, Kind.SETTING, Kind.COMPUTED):
        before, after = old.get(declared.wire, declared.default), new.get(declared.wire)
        if declared.follows or (before is None and after is None):
            continue
        if (
            imported
            and declared.wire not in old
            and declared.kind is Kind.SETTING
            and declared.deploy is None
        ):
            continue  # AWS has no settings to import, and the first ones that a program gives change nothing
        if after is None:
            if before not in (None, declared.cleared, {}, []) and not declared.keep:
                found.append(Change(declared, removed=True))
        elif before is None or not same(before, after):
            found.append(Change(declared, removed=False))
    return tuple(found)


class Effect(enum.Enum):
    """What happens to the value at a path."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclasses.dataclass(frozen=True)
class PathChange:
    """A change for a reviewer: the path of a value (`("spec", "ports", 0)`), and what happens to it."""

    path: tuple[str | int, ...]
    effect: Effect
    replaces: bool = False


def path_changes(
    resource: type[Resource], old: State, new: State, replaces: Collection[str]
) -> Iterator[PathChange]:
    """Where `new` differs from `old`, as deep as possible, computed consequences included.

    `replaces` are the wire names that make a new resource.
    """
    shown = {item.declared.wire for item in changes(resource, old, new)} | set(replaces)
    shown |= {item.wire for item in resource.of_kind(Kind.COMPUTED) if item.follows and item.wire in new}
    owners = owners_in(old, new)
    for declared in resource.properties:
        wire = declared.wire
        if wire in shown:
            before, after = (with_one_owner(state.get(wire), owners) for state in (old, new))
            for path, effect in _differences(before, after, (wire,)):
                yield PathChange(path, effect, wire in replaces)


def _differences(
    before: Value, after: Value, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Effect]]:
    if before is None or after is None:
        effect = Effect.ADD if before is None else Effect.DELETE
        yield from () if before is after else [(path, effect)]
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from _differences(before.get(key), after.get(key), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index, pair in enumerate(itertools.zip_longest(before, after)):
            yield from _differences(*pair, (*path, index))
    elif not same(before, after):
        yield path, Effect.UPDATE


def refused_removals(found: Iterable[Change]) -> list[Failure]:
    """The removals that the API has no way to carry out."""
    return [
        Failure(
            item.declared.wire, f"cannot be removed, since the API cannot unset it: {item.declared.remedy}"
        )
        for item in found
        if item.removed and item.declared.remedy
    ]
