"""Whose an object is, and what a create does with one that it meets.

Rule 1: everything that decides either lives in this file; the resources only carry it out. Pure.

Three tags say it. `pulumi:owner` names the resource of a program. `pulumi:creating` is there while a create
is at work, so that the next one knows what a broken-off one left. `pulumi:incarnation` is a text of its own
for each create, kept in the state as well: a delete removes only what its own create made, and nothing that a
later create has taken over (a forced replacement that creates before it deletes).

    being created   owner     as the program wants   adopt   what a create does
    -------------   -------   --------------------   -----   --------------------------------------------
    yes             its own   any                    any     goes on with it, to what the program says now
    any             any       any                    yes     takes it over and brings it to the program
    no              its own   yes                    no      takes it over as it is, with a warning; with
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
"""Tags of the provider's own, which neither the program nor a diff ever sees."""

_LONGEST = 256
"""Characters of a tag's value (TagResource)."""


def owner(project: str, stack: str, parents: Sequence[str], name: str) -> str:
    """The value of `pulumi:owner` for a resource: `project/stack/types of its parents/name@hash`.

    The resource's own type is not part of it: it is another one behind the native plugin, and nothing may
    change with that. The hash keeps names apart that read the same once they are cut to what a tag may hold.
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
    """The tags of an object: those that a user sees, and what the provider noted in its own."""

    shown: Mapping[str, str]
    creating: bool = False
    incarnation: str | None = None

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Tags:
        """`tags` taken apart."""
        shown = {key: value for key, value in tags.items() if key not in BOOKKEEPING}
        return cls(shown, CREATING_TAG in tags, tags.get(INCARNATION_TAG))

    @property
    def owner(self) -> str | None:
        """The resource that the object belongs to."""
        return self.shown.get(OWNER_TAG)


def belongs(tags: Tags, owners: Collection[str]) -> bool:
    """Whether an object that a state knows still is the resource's own; one that lost the tag is.

    A state of 0.1.0 may be one update behind: that wrote the owner's form of today and then could not end.
    """
    return (
        tags.owner is None
        or tags.owner in owners
        or any(_renewed(former, tags.owner) for former in owners if "@" not in former)
    )


def _renewed(former: str, now: str) -> bool:
    """Whether `now` is the form of today of an owner as 0.1.0 wrote it (`project/stack/name`)."""
    project, stack, name = (*former.split("/", 2), "", "")[:3]
    text, _, _ = now.rpartition("@")
    return text == former or (text.startswith(f"{project}/{stack}/") and text.endswith(f"/{name}"))


class Verdict(enum.Enum):
    """What a create does with an object that it meets."""

    GO_ON = "an earlier create of this resource broke off here: finish it, whatever the program says by now"
    TAKE_OVER = "the program adopts it: bring it to what the program says"
    ADOPT = "it is the resource's own, and as the program wants it: keep it"
    REFUSE_REPLACEMENT = "it is the resource's own and finished, and maxDeploymentType allows no replacement"
    REFUSE_DIFFERENT = "it is the resource's own, but not as the program wants it"
    REFUSE_FOREIGN = "it belongs to another resource, or to nobody"


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
    _Row(Verdict.GO_ON, creating=True, own=True),
    _Row(Verdict.TAKE_OVER, adopt=True),
    _Row(Verdict.REFUSE_FOREIGN, own=False),
    _Row(Verdict.REFUSE_REPLACEMENT, limited=True),
    _Row(Verdict.ADOPT, equal=True),
    _Row(Verdict.REFUSE_DIFFERENT),
)
"""The first row that fits decides."""


def verdict(*, creating: bool, own: bool, equal: bool, adopt: bool, limited: bool) -> Verdict:
    """What a create does with an object that it meets.

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


def taken_over(tags: Tags, incarnation: str | None, owners: Collection[str]) -> str | None:
    """Why a delete has to leave an object alone, None where it may remove it.

    Args:
        tags: What the object has now.
        incarnation: What the state knows of its create; None in a state of version 0.1.0.
        owners: Under which names the state's resource is or was the owner.

    """
    if not belongs(tags, owners):
        return f"it belongs to {tags.owner} now"
    if tags.incarnation is not None and tags.incarnation != incarnation:
        return "a later create has taken it over, as a replacement with deleteBeforeReplace=False does"
    return None
