"""To whom an object belongs, and what a create does with one that exists already.

Rule 1: everything that decides either lives in this file; the resources only carry it out. Pure.

Three tags record it. `pulumi:owner` names the resource of a program. `pulumi:creating` is there while a
create is in progress, so that the next one recognises what an interrupted one left. `pulumi:incarnation` is a
random text of each create, kept in the state as well: a delete removes only what its own create made, and
nothing that a later create has adopted (a forced replacement that creates before it deletes).

    being created   owner     as the program wants   adopt   what a create does
    -------------   -------   --------------------   -----   --------------------------------------------
    yes             its own   any                    any     completes it, updated to the program
    any             any       any                    yes     adopts it and updates it to the program
    no              its own   yes                    no      keeps it as it is, with a warning; with
                                                             maxDeploymentType it counts as a replacement
    no              its own   no                     no      refuses
    any             another   any                    no      refuses
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence

OWNER_TAG = "pulumi:owner"
CREATING_TAG = "pulumi:creating"
INCARNATION_TAG = "pulumi:incarnation"

BOOKKEEPING = (CREATING_TAG, INCARNATION_TAG)
"""Tags of the provider's own, which no program and no diff ever shows."""

_LONGEST = 256
"""Characters of a tag's value (TagResource)."""


def owner(project: str, stack: str, parents: Sequence[str], name: str) -> str:
    """The value of `pulumi:owner` for a resource: `project/stack/types of its parents/name@hash`.

    The resource's own type is not part of it: the native plugin has another one, and the owner must stay the
    same. The hash distinguishes names that are equal once they are cut to the length of a tag.
    """
    chain = [kind.replace("pulumi-python:dynamic/aws-proton:", "aws-proton:index:") for kind in parents]
    identity = [project, stack, chain, name]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:10]
    # AWS, Tag Editor, "Tag naming limits": letters, numbers, spaces, and . : + = @ _ / - (hyphen).
    text = re.sub(r"[^\w .:/+=@-]", "_", "/".join([project, stack, *chain, name]))
    room = _LONGEST - len(digest) - 1
    if len(text) > room:
        text = f"{text[: room // 2]}..{text[-(room // 2 - 2) :]}"
    return f"{text}@{digest}"


def parents_in(urn: str) -> list[str]:
    """The types of a parent and of its own parents, outermost first, from its URN; none for the stack."""
    # A URN has four parts, divided by two colons each: the stack, the project, the types, and the name.
    chain = urn.split("::", 3)[2].split("$")
    return [kind for kind in chain if kind != "pulumi:pulumi:Stack"]


@dataclasses.dataclass(frozen=True)
class Tags:
    """The tags of an object: those that a user sees, and the values of the provider's own."""

    shown: Mapping[str, str]
    creating: bool = False
    incarnation: str | None = None

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Tags:
        """`tags` without the provider's own, and the values of these."""
        shown = {key: value for key, value in tags.items() if key not in BOOKKEEPING}
        return cls(shown, CREATING_TAG in tags, tags.get(INCARNATION_TAG))

    @property
    def owner(self) -> str | None:
        """The resource that the object belongs to."""
        return self.shown.get(OWNER_TAG)


def belongs(tags: Tags, owners: Collection[str]) -> bool:
    """Whether an object in a state still is the resource's own; one without the tag is.

    A state of 0.1.0 may be one update behind: an update that wrote today's form of the owner, and failed.
    """
    return (
        tags.owner is None
        or tags.owner in owners
        or any(_is_new_form(former, tags.owner) for former in owners if "@" not in former)
    )


def _is_new_form(former: str, now: str) -> bool:
    """Whether `now` is today's form of an owner that 0.1.0 wrote as `project/stack/name`."""
    project, stack, name = (*former.split("/", 2), "", "")[:3]
    text, _, _ = now.rpartition("@")
    return text == former or (text.startswith(f"{project}/{stack}/") and text.endswith(f"/{name}"))


class Verdict(enum.Enum):
    """What a create does with an object that exists already."""

    RESUME = "an earlier create of this resource was interrupted: complete it, updated to the program"
    ADOPT = "the program says adopt=True: update it to the program"
    KEEP = "it is the resource's own, and as the program wants it: keep it"
    REFUSE_REPLACEMENT = "it is the resource's own and complete, and maxDeploymentType allows no replacement"
    REFUSE_DIFFERENT = "it is the resource's own, but not as the program wants it"
    REFUSE_FOREIGN = "it belongs to another resource, or to no Pulumi stack"


@dataclasses.dataclass(frozen=True)
class _Row:
    """A row of the table; None stands for any."""

    verdict: Verdict
    creating: bool | None = None
    own: bool | None = None
    equal: bool | None = None
    adopt: bool | None = None
    limited: bool | None = None


_TABLE = (
    _Row(Verdict.RESUME, creating=True, own=True),
    _Row(Verdict.ADOPT, adopt=True),
    _Row(Verdict.REFUSE_FOREIGN, own=False),
    _Row(Verdict.REFUSE_REPLACEMENT, limited=True),
    _Row(Verdict.KEEP, equal=True),
    _Row(Verdict.REFUSE_DIFFERENT),
)
"""The first row that fits decides."""


def verdict(*, creating: bool, own: bool, equal: bool, adopt: bool, limited: bool) -> Verdict:
    """What a create does with an object that exists already.

    Args:
        creating: It has the tag of a create that has not ended.
        own: Its owner is the resource.
        equal: It is as the program wants it.
        adopt: The program says `adopt=True`.
        limited: A `maxDeploymentType` is set.

    """
    case = {"creating": creating, "own": own, "equal": equal, "adopt": adopt, "limited": limited}
    return next(
        row.verdict
        for row in _TABLE
        if all(getattr(row, name) in (None, value) for name, value in case.items())
    )


REPLACED_FIRST = "a later create has adopted it, as a replacement with deleteBeforeReplace=False does"
"""Why what a replacement created first is not deleted after it."""


def reason_not_to_delete(tags: Tags, incarnation: str | None, owners: Collection[str]) -> str | None:
    """Why a delete must not remove an object, None where it may.

    Args:
        tags: The object's tags now.
        incarnation: The one in the state; None in a state of version 0.1.0.
        owners: The names under which the state's resource is or was the owner.

    """
    if not belongs(tags, owners):
        return f"it belongs to {tags.owner} now"
    if tags.incarnation is not None and tags.incarnation != incarnation:
        return REPLACED_FIRST
    return None
