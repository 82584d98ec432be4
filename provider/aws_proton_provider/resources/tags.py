"""The calls that read and change an object's tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_proton_provider.core.facts import import_facts
from aws_proton_provider.core.ownership import CREATING_TAG, Tags
from aws_proton_provider.core.tags import TagChanges, observed_tags
from aws_proton_provider.core.types import TAG_LIST
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.calls import Call

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton

_AWS = "aws:"
"""The prefix of tags that AWS makes itself (`aws:proton:template`): listed, and nobody can change them."""


def read_tags(arn: str, proton: Proton) -> Tags:
    """The tags of an object, without AWS's own."""
    listed = TAG_LIST.decode(proton.all_of("list_tags_for_resource", "tags", resourceArn=arn))
    return Tags.of({key: value for key, value in listed.items() if not key.startswith(_AWS)})


def observed(tags: Tags, state: State) -> State:
    """The tags of an object as properties; of one that no state holds yet, what its import has to know."""
    return observed_tags(tags, state) | ({} if "arn" in state else import_facts(tags))


def tag_calls(arn: str, changes: TagChanges) -> tuple[Call, ...]:
    """The calls that set and remove tags, as few as that takes: none, one or two."""
    tagging = Call("tag_resource", {"resourceArn": arn, "tags": TAG_LIST.encode(changes.set)})
    untagging = Call("untag_resource", {"resourceArn": arn, "tagKeys": list(changes.remove)})
    return (*((tagging,) if changes.set else ()), *((untagging,) if changes.remove else ()))


def end_create(arn: str, proton: Proton) -> None:
    """Removes the tag of a create in progress: the last call of a create."""
    proton.call("untag_resource", resourceArn=arn, tagKeys=[CREATING_TAG])
