"""Diff of any resource, derived from its declaration: which properties change. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from aws_proton_provider.core.checking import Failure
from aws_proton_provider.core.declaration import Kind, Property, Resource
from aws_proton_provider.core.facts import owners_in
from aws_proton_provider.core.tags import with_one_owner
from aws_proton_provider.core.values import State, same


@dataclasses.dataclass(frozen=True)
class Change:
    """A property whose wanted value differs from the one it has."""

    declared: Property
    removed: bool


def changes(resource: type[Resource], old: State, new: State) -> tuple[Change, ...]:
    """The properties in which `new` (wanted inputs) differs from `old` (state, or inputs of before)."""
    found = []
    owners = owners_in(old, new)
    old, new = ({**state, "tagsAll": with_one_owner(state.get("tagsAll"), owners)} for state in (old, new))
    for declared in resource.properties:
        before, after = old.get(declared.wire), new.get(declared.wire)
        if declared.kind is Kind.OUTPUT or declared.follows:
            continue
        if after is None:
            if before not in (None, declared.cleared, {}, []) and not declared.keep:
                found.append(Change(declared, removed=True))
        elif before is None or not same(before, after):
            found.append(Change(declared, removed=False))
    return tuple(found)


def refused_removals(found: Iterable[Change]) -> list[Failure]:
    """The removals that the API has no way to carry out."""
    return [
        Failure(
            item.declared.wire, f"cannot be removed, since the API cannot unset it: {item.declared.remedy}"
        )
        for item in found
        if item.removed and item.declared.remedy
    ]
