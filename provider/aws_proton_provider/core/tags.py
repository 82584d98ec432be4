"""Which tags an object shall have, and which of them have to change. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from aws_proton_provider.core.ownership import CREATING_TAG, INCARNATION_TAG, OWNER_TAG, Tags
from aws_proton_provider.core.values import UNKNOWN, State, Value


@dataclasses.dataclass(frozen=True)
class TagChanges:
    """The tags to set and the keys to remove, so that an object has the wanted tags."""

    set: Mapping[str, str]
    remove: tuple[str, ...]

    def without_and_with_owner(self) -> tuple[TagChanges, TagChanges]:
        """The changes of all tags but the owner, and that of the owner."""
        owner = {key: value for key, value in self.set.items() if key == OWNER_TAG}
        others = {key: value for key, value in self.set.items() if key != OWNER_TAG}
        removed = tuple(key for key in self.remove if key != OWNER_TAG)
        return TagChanges(others, removed), TagChanges(owner, ())


def all_tags(own: Value, default: Mapping[str, str], owner: str | None) -> Value:
    """All tags that an object shall have: the default ones, over them its own, and its owner."""
    if own is UNKNOWN:
        return UNKNOWN
    return {**default, **(own or {}), **({OWNER_TAG: owner} if owner else {})}


def with_one_owner(tags: Value, owners: Collection[str | None]) -> Value:
    """`tags` in which all names of one owner are the same: a new name alone is no change.

    With None among the owners, so is no owner.
    """
    if not isinstance(tags, dict) or tags.get(OWNER_TAG) not in owners:
        return tags
    return {**tags, OWNER_TAG: "this resource"}


def differing_tags(present: Tags, wanted: Value) -> tuple[str, ...]:
    """`("tags",)` where the tags besides the owner are not as `wanted`, as far as these are known."""
    shown, given = (
        {key: value for key, value in tags.items() if key != OWNER_TAG} if isinstance(tags, Mapping) else None
        for tags in (present.shown, wanted)
    )
    return () if given is None or shown == given else ("tags",)


def tag_changes(present: Tags, wanted: Mapping[str, str], incarnation: str | None = None) -> TagChanges:
    """What makes `wanted` an object's tags. With `incarnation` the object becomes that create's."""
    changed = {key: value for key, value in wanted.items() if present.shown.get(key) != value}
    changed |= {INCARNATION_TAG: incarnation} if incarnation else {}
    return TagChanges(changed, tuple(key for key in present.shown if key not in wanted))


def tags_of_create(wanted: Mapping[str, str], incarnation: str) -> dict[str, str]:
    """The tags with which a create makes its object: the wanted ones and the provider's own."""
    return {**wanted, CREATING_TAG: "true", INCARNATION_TAG: incarnation}


def observed_tags(present: Tags, state: State) -> State:
    """`tagsAll` and `tags` of an object as AWS has them: tags that nobody gave count as the program's own."""
    everything = dict(present.shown)
    own, known = state.get("tags") or {}, state.get("tagsAll") or {}
    given = (key for key in everything if key in own or key not in known)
    found = {key: everything[key] for key in given if key != OWNER_TAG}
    return {"tagsAll": everything, **({"tags": found} if found or "tags" in state else {})}
