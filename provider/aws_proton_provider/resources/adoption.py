"""What a create finds in its place, in words: why it refuses, and what a reviewer should know. Pure.

`_ownership` decides; check and create of every resource with tags say it with these sentences.
"""

from __future__ import annotations

import dataclasses

from aws_proton_provider.core import facts
from aws_proton_provider.core.errors import NotOwned, Refused
from aws_proton_provider.core.ownership import Tags, Verdict, belongs, taken_over, verdict
from aws_proton_provider.core.values import State


@dataclasses.dataclass(frozen=True)
class Meeting:
    """An object that a create meets under its name.

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

    def objection(self) -> str | None:
        """Why the create refuses; None where it goes on."""
        found = self.verdict
        if found is Verdict.REFUSE_FOREIGN:
            whose = self.tags.owner or "nobody that Pulumi knows"
            return (
                f"{self.title} exists already and belongs to {whose}: choose another name, or take it over "
                "with adopt=True"
            )
        if found is Verdict.REFUSE_REPLACEMENT:
            return (
                f"{self.title} exists already and is finished, so that creating it means replacing it, but "
                f"maxDeploymentType allows {self.inputs[facts.LIMIT]} at most: take the limit away, or keep "
                "what exists with adopt=True"
            )
        if found is Verdict.REFUSE_DIFFERENT:
            return (
                f"{self.title} exists already and is this resource's own, but differs from the program in "
                f"{', '.join(self.differing)}: bring it to the program with adopt=True, or, if it was to be "
                "replaced, leave deleteBeforeReplace at its default"
            )
        return None

    def remark(self) -> str | None:
        """What a reviewer should know of a create that goes on."""
        found = self.verdict
        if found is Verdict.GO_ON:
            return f"{self.title} was left by a create that broke off: this one goes on with it"
        if found is Verdict.TAKE_OVER:
            whose = "" if self.own else f" from {self.tags.owner or 'nobody that Pulumi knows'}"
            changed = f", and is changed in {', '.join(self.differing)}" if self.differing else ""
            return f"{self.title} exists already and is taken over{whose}, since adopt=True{changed}"
        if found is Verdict.ADOPT:
            return (
                f"{self.title} exists already, as the program wants it, and is kept as it is: nothing was "
                "made anew, which a replacement does only with deleteBeforeReplace"
            )
        return None

    def require_consent(self) -> None:
        """Makes sure that the create may go on.

        Raises:
            NotOwned, Refused: the object is another's, or not as the program wants it.

        """
        objection = self.objection()
        if objection:
            raise (Refused if self.own else NotOwned)(objection)


def left_alone(title: str, tags: Tags, state: State) -> str | None:
    """What a delete says of an object that it may not remove; None where it may."""
    reason = taken_over(tags, state.get(facts.INCARNATION), facts.owners(state))
    return f"{title} was not deleted: {reason}" if reason else None


def require_own(title: str, tags: Tags, *states: State) -> None:
    """Makes sure that an object which an update is about to change still is the resource's own.

    Raises:
        NotOwned: it has another owner by now.

    """
    if not belongs(tags, facts.owners(*states)):
        raise NotOwned(
            f"{title} belongs to {tags.owner} now: nothing was changed; let go of it with `pulumi state "
            "delete`, or take it back with a new resource and adopt=True"
        )
