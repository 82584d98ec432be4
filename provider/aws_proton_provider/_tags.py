"""Tags: which ones an object shall have, and the calls that make it so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._client import Proton
from ._values import UNKNOWN, Value

OWNER = "pulumi:owner"
"""The tag that says which Pulumi resource made an object: `project/stack/logical name`."""

_AWS = "aws:"
"""Tags that AWS makes itself (`aws:proton:template`): listed, but nobody's to change."""


def effective(own: Value, default: Mapping[str, str], owner: str | None) -> Value:
    """All tags an object shall have: the default ones, over them its own, and its owner."""
    if own is UNKNOWN:
        return UNKNOWN
    return {**default, **(own or {}), **({OWNER: owner} if owner else {})}


def own(everything: Mapping[str, str], default: Mapping[str, str]) -> dict[str, str]:
    """Of an object's tags those that its program would name: neither default ones nor the owner."""
    return {key: value for key, value in everything.items() if key != OWNER and default.get(key) != value}


def wire(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The list of key and value that the API takes."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def of(arn: str, proton: Proton) -> dict[str, str]:
    """The tags an object has, without AWS's own."""
    listed = proton.all_of("list_tags_for_resource", "tags", resourceArn=arn)
    return {tag["key"]: tag["value"] for tag in listed if not tag["key"].startswith(_AWS)}


def bring_to(arn: str, wanted: Mapping[str, Any], proton: Proton) -> None:
    """Makes `wanted` the object's tags, with as few calls as that takes: none, one or two."""
    present = of(arn, proton)
    changed = {key: value for key, value in wanted.items() if present.get(key) != value}
    gone = [key for key in present if key not in wanted]
    if changed:
        proton.call("tag_resource", resourceArn=arn, tags=wire(changed))
    if gone:
        proton.call("untag_resource", resourceArn=arn, tagKeys=gone)
