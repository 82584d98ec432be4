"""Tags: which ones an object shall have, and the calls that make it so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from aws_proton_provider.core.ownership import CREATING_TAG, INCARNATION_TAG, OWNER_TAG, Tags
from aws_proton_provider.core.values import UNKNOWN, State, Value

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton

_AWS = "aws:"
"""Tags that AWS makes itself (`aws:proton:template`): listed, but nobody's to change."""


def effective(own: Value, default: Mapping[str, str], owner: str | None) -> Value:
    """All tags an object shall have: the default ones, over them its own, and its owner."""
    if own is UNKNOWN:
        return UNKNOWN
    return {**default, **(own or {}), **({OWNER_TAG: owner} if owner else {})}


def with_one_owner(tags: Value, owners: Collection[str]) -> Value:
    """`tags` in which all names of one owner are the same: a new name alone is no change."""
    if not isinstance(tags, dict) or tags.get(OWNER_TAG) not in owners:
        return tags
    return {**tags, OWNER_TAG: "this resource"}


def differing(present: Tags, wanted: Value) -> tuple[str, ...]:
    """`("tags",)` where the tags besides the owner are not as `wanted`, as far as these are known."""
    shown, given = (
        {key: value for key, value in tags.items() if key != OWNER_TAG} if isinstance(tags, Mapping) else None
        for tags in (present.shown, wanted)
    )
    return () if given is None or shown == given else ("tags",)


def wire(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The list of key and value that the API takes."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def of_create(inputs: State, incarnation: str) -> list[dict[str, str]]:
    """The tags with which a create makes its object."""
    return wire(inputs["tagsAll"] | {CREATING_TAG: "true", INCARNATION_TAG: incarnation})


def of(arn: str, proton: Proton) -> Tags:
    """The tags an object has, without AWS's own."""
    listed = proton.all_of("list_tags_for_resource", "tags", resourceArn=arn)
    return Tags.of({tag["key"]: tag["value"] for tag in listed if not tag["key"].startswith(_AWS)})


def observed(arn: str, state: State, proton: Proton) -> State:
    """`tagsAll` and `tags` as AWS has them: to the program's own belong those that nobody gave."""
    everything = dict(of(arn, proton).shown)
    own, known = state.get("tags") or {}, state.get("tagsAll") or {}
    found = {key: value for key, value in everything.items() if key in own or key not in known}
    return {"tagsAll": everything, **({"tags": found} if found or "tags" in state else {})}


def bring_to(
    arn: str, wanted: Mapping[str, Any], present: Tags, proton: Proton, *, incarnation: str | None = None
) -> None:
    """Makes `wanted` the object's tags, with as few calls as that takes: none, one or two.

    With `incarnation` the object becomes that create's.
    """
    changed = {key: value for key, value in wanted.items() if present.shown.get(key) != value}
    changed |= {INCARNATION_TAG: incarnation} if incarnation else {}
    gone = [key for key in present.shown if key not in wanted]
    if changed:
        proton.call("tag_resource", resourceArn=arn, tags=wire(changed))
    if gone:
        proton.call("untag_resource", resourceArn=arn, tagKeys=gone)


def end_create(arn: str, proton: Proton) -> None:
    """Says that the create of an object has ended: its last act."""
    proton.call("untag_resource", resourceArn=arn, tagKeys=[CREATING_TAG])
