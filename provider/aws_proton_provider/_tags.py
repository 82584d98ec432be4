"""Tags: which ones an object shall have, whose it is by them, and the calls that make it so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._errors import NotOwned
from ._values import UNKNOWN, State, Value

if TYPE_CHECKING:
    from ._client import Proton

OWNER = "pulumi:owner"
"""The tag that says which Pulumi resource made an object: `project/stack/logical name`."""

_AWS = "aws:"
"""Tags that AWS makes itself (`aws:proton:template`): listed, but nobody's to change."""


def effective(own: Value, default: Mapping[str, str], owner: str | None) -> Value:
    """All tags an object shall have: the default ones, over them its own, and its owner."""
    if own is UNKNOWN:
        return UNKNOWN
    return {**default, **(own or {}), **({OWNER: owner} if owner else {})}


def wire(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The list of key and value that the API takes."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def of(arn: str, proton: Proton) -> dict[str, str]:
    """The tags an object has, without AWS's own."""
    listed = proton.all_of("list_tags_for_resource", "tags", resourceArn=arn)
    return {tag["key"]: tag["value"] for tag in listed if not tag["key"].startswith(_AWS)}


def observed(arn: str, state: State, proton: Proton) -> State:
    """`tagsAll` and `tags` as AWS has them: to the program's own belong those that nobody gave."""
    everything = of(arn, proton)
    own, known = state.get("tags") or {}, state.get("tagsAll") or {}
    found = {key: value for key, value in everything.items() if key in own or key not in known}
    return {"tagsAll": everything, **({"tags": found} if found or "tags" in state else {})}


def bring_to(arn: str, wanted: Mapping[str, Any], proton: Proton) -> None:
    """Makes `wanted` the object's tags, with as few calls as that takes: none, one or two."""
    present = of(arn, proton)
    changed = {key: value for key, value in wanted.items() if present.get(key) != value}
    gone = [key for key in present if key not in wanted]
    if changed:
        proton.call("tag_resource", resourceArn=arn, tags=wire(changed))
    if gone:
        proton.call("untag_resource", resourceArn=arn, tagKeys=gone)


def owned(arn: str, owner: str | None, proton: Proton) -> bool:
    """Whether an object is the resource's own."""
    return owner is not None and of(arn, proton).get(OWNER) == owner


def require_owner(title: str, arn: str, owner: str | None, proton: Proton) -> None:
    """Makes sure that an existing object is the resource's own; `title` names it ("environment dev").

    Raises:
        NotOwned: it is somebody else's; says whose, and how to hand it over.

    """
    found = of(arn, proton).get(OWNER)
    if owner is None or found != owner:
        raise NotOwned(
            f"{title} exists already and belongs to {found or 'nobody that Pulumi knows'}: choose another "
            f"name, or hand it to this resource with `aws proton tag-resource --resource-arn {arn} --tags "
            f"key={OWNER},value={owner or 'PROJECT/STACK/NAME'}` and run `pulumi up` again"
        )
