"""Why a create refuses an object that exists already, or what a reviewer should know of its adoption.

`core/ownership.py` decides; check and create of every resource with tags report it in these sentences. Pure.
"""

from __future__ import annotations

import dataclasses

from aws_proton_provider.core import facts
from aws_proton_provider.core.checking import Failure
from aws_proton_provider.core.errors import NotOwned, ProtonError, Refused
from aws_proton_provider.core.facts import owners_in
from aws_proton_provider.core.ownership import Tags, Verdict, belongs, reason_not_to_delete, verdict
from aws_proton_provider.core.values import State

_NO_STACK = "no Pulumi stack"


@dataclasses.dataclass(frozen=True)
class Existing:
    """An object that exists already under the name, or for the purpose, of one to be created.

    Args:
        title: Names it ("environment dev").
        tags: Its tags.
        differing: In which inputs it differs from the program.
        inputs: What the program wants.
        owners: Under which names the resource is or was an owner.

    """

    title: str
    tags: Tags
    differing: tuple[str, ...]
    inputs: State
    owners: tuple[str, ...]

    @property
    def own(self) -> bool:
        """Whether the object is the resource's own."""
        return self.tags.owner in self.owners

    @property
    def verdict(self) -> Verdict:
        """What the create does with it."""
        return verdict(
            creating=self.tags.creating,
            own=self.own,
            equal=not self.differing,
            adopt=self.inputs.get("adopt") is True,
            limited=facts.LIMIT in self.inputs,
        )

    def refusal(self) -> ProtonError | None:
        """Why the create refuses; None where it adopts the object."""
        found = self.verdict
        if found is Verdict.REFUSE_FOREIGN:
            return NotOwned(
                f"{self.title} exists already and belongs to {self.tags.owner or _NO_STACK}: choose another "
                "name, or adopt it with adopt=True"
            )
        if found is Verdict.REFUSE_REPLACEMENT:
            return Refused(
                f"{self.title} exists already and is complete, so that creating it means replacing it, but "
                f"maxDeploymentType allows {self.inputs[facts.LIMIT]} at most: remove the limit, or keep the "
                "existing one with adopt=True"
            )
        if found is Verdict.REFUSE_DIFFERENT:
            return Refused(
                f"{self.title} exists already and is this resource's own, but differs from the program in "
                f"{', '.join(self.differing)}: update it to the program with adopt=True, or, if it was to be "
                "replaced, leave deleteBeforeReplace at its default"
            )
        return None

    def warning(self) -> str | None:
        """What a reviewer should know of a create that adopts the object."""
        found = self.verdict
        if found is Verdict.RESUME:
            return f"{self.title} was left by a create that was interrupted, and is adopted"
        if found is Verdict.ADOPT:
            whose = "" if self.own else f" from {self.tags.owner or _NO_STACK}"
            changed = f", and is changed in {', '.join(self.differing)}" if self.differing else ""
            return f"{self.title} exists already and is adopted{whose}, because of adopt=True{changed}"
        if found is Verdict.KEEP:
            return (
                f"{self.title} exists already, as the program wants it, and is kept as it is: it was not "
                "created again, which a replacement does only with deleteBeforeReplace"
            )
        return None


def preview_failures(existing: Existing) -> list[Failure]:
    """Why a create will refuse what exists, as far as a check can know.

    Whether an object of its own exists because it is about to be replaced, a check cannot know.
    """
    refusal = None if existing.verdict is Verdict.REFUSE_DIFFERENT else existing.refusal()
    return [Failure("", str(refusal))] if refusal else []


def preview_warnings(existing: Existing) -> list[str]:
    """What a preview says of a create that adopts what exists.

    Of a complete object of its own it says nothing, unless the create is known to come first.
    """
    kept = existing.verdict is Verdict.KEEP and not existing.inputs.get(facts.CREATE_FIRST)
    warning = None if kept else existing.warning()
    return [warning] if warning else []


def reason_to_keep(title: str, tags: Tags, state: State) -> str | None:
    """What a delete says of an object that it must not remove; None where it may."""
    reason = reason_not_to_delete(tags, state.get(facts.INCARNATION), owners_in(state))
    return f"{title} was not deleted: {reason}" if reason else None


def require_own(title: str, tags: Tags, *states: State) -> None:
    """Makes sure that an object which an update is about to change still is the resource's own.

    Raises:
        NotOwned: it has another owner by now.

    """
    if not belongs(tags, owners_in(*states)):
        raise NotOwned(
            f"{title} belongs to {tags.owner} now: nothing was changed; remove it from this stack with "
            "`pulumi state delete`, or adopt it again with a new resource and adopt=True"
        )
