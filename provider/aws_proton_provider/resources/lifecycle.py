"""Check and diff of any resource, derived from its declaration.

Pure: what they need from outside is handed to them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pydantic

from aws_proton_provider.core import facts
from aws_proton_provider.core.declaration import Kind, Property, Resource, complaint
from aws_proton_provider.core.ownership import BOOKKEEPING, Tags, Verdict
from aws_proton_provider.core.values import State, has_unknown, normalised, same
from aws_proton_provider.resources import tags
from aws_proton_provider.resources.adoption import Meeting

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton

_MOST_TAGS = 50
"""Of one object, the provider's own included and AWS's not (TagResource)."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an input cannot be: `wire` names the top-level property, `reason` says the rest in one line.

    An empty `wire` is about the whole resource.
    """

    wire: str
    reason: str

    @property
    def sentence(self) -> str:
        """The failure for a person, with its property and never with its value."""
        named = not self.wire or self.reason.startswith((f"{self.wire}.", f"{self.wire}["))
        return self.reason if named else f"{self.wire}: {self.reason}"


@dataclasses.dataclass
class Checked:
    """What `check` found: the inputs in normal form, what is wrong, and what a reviewer should know."""

    inputs: State
    failures: list[Failure] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Created:
    """What a create made: the object's id, the whole state, and what the user should be warned of."""

    identifier: str
    state: State
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Change:
    """A property whose wanted value differs from the one it has."""

    declared: Property
    removed: bool


@dataclasses.dataclass(frozen=True)
class Diff:
    """What an update would have to do: nothing, an update, or (`replaces` not empty) a new resource."""

    changed: bool
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False


class Service(Protocol):
    """What `check` may ask of the service. None: it may not be seen, or nobody answers.

    Listings are asked for once for all resources of a preview.
    """

    def environments(self) -> Mapping[str, State] | None:
        """The environments of the account by name, as ListEnvironments has them."""

    def environment(self, name: str) -> tuple[State, Tags] | None:
        """An environment as it is at this moment, and its tags; None where there is none, too."""

    def template(self, name: str) -> State | None:
        """An environment template as ListEnvironmentTemplates has it, empty where there is none."""

    def minor_versions(self, template: str, major: str) -> list[State] | None:
        """The versions under a major one: minorVersion, status and, once known, recommendedMinorVersion."""

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        """The OpenAPI 3.0 schema of a version's inputs."""

    def connections(self) -> list[State] | None:
        """The environment account connections addressed to this account; None where they may not be seen."""

    def used_by(self, connection: State) -> str | None:
        """The environment that uses a connection."""

    def requested(self) -> list[State] | None:
        """The environment account connections that this account has requested."""

    def tags_of(self, arn: str) -> Tags | None:
        """The tags of an object, as they are at this moment."""

    def is_owner(self, owner: str, *former: str) -> tuple[str, ...]:
        """All names under which a resource was seen as an owner in this preview; adds `former` ones."""


@dataclasses.dataclass(frozen=True)
class CheckContext:
    """What `check` needs from outside the program: the stack's configuration, and the service.

    `service` is None where it cannot be asked, since the account to ask in is still to be made.
    """

    default_tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    max_deployment_type: str | None = None
    service: Service | None = None


class CustomResource(Resource):
    """A resource with its verbs.

    A subclass gives create, read, update and delete; check and diff have defaults.

    State and inputs are by wire name. A verb that talks to AWS raises `ProtonError`, always one line for a
    person.
    """

    @classmethod
    def check(cls, olds: State, news: State, surroundings: CheckContext) -> Checked:
        """The inputs in normal form, and what is wrong with them. `olds` are the inputs of before, or empty.

        A removal that the API cannot carry out is refused, unless a new resource is made anyway.
        """
        checked = check(cls, news, olds)
        if checked.failures:
            return checked
        inputs = checked.inputs
        if any(declared.wire == "tagsAll" for declared in cls.properties):
            inputs["tagsAll"] = tags.effective(
                inputs.get("tags"), surroundings.default_tags, inputs.get(facts.OWNER)
            )
            checked.failures += [] if olds else _too_many_tags(inputs)
        elif inputs.get(facts.CREATE_FIRST):
            checked.failures.append(Failure("", _NO_CREATE_FIRST))
        if olds and not cls.diff(olds, inputs).replaces:
            checked.failures += refused_removals(changes(cls, olds, inputs))
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """What lies between the state and the wanted inputs."""
        found = changes(cls, state, inputs)
        replaces = tuple(item.declared.wire for item in found if item.declared.replace)
        return Diff(bool(found), replaces)

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> Created:
        """Makes the object, or does with one that exists already what `_ownership` decides."""
        raise NotImplementedError

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """The object as AWS has it, None where it is gone."""
        raise NotImplementedError

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Makes the object as `inputs` want it and returns its whole state."""
        raise NotImplementedError

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> tuple[str, ...]:
        """Removes the object; one that is gone already is removed.

        Returns what the user should be warned of.
        """
        raise NotImplementedError


def inputs_in(resource: type[Resource], state: State) -> State:
    """The part of a state that a program could have given, so that drift shows in the next preview."""
    wires = {declared.wire for declared in resource.properties if declared.kind is not Kind.OUTPUT}
    return {wire: value for wire, value in state.items() if wire in wires} | facts.of(state)


def check(resource: type[Resource], news: State, olds: State) -> Checked:
    """The program's inputs in normal form with defaults filled in, and what is wrong with them.

    `olds` are the inputs of before, which a name of the provider's choosing is taken from.

    Values that hold an unknown anywhere are passed on untouched: the update checks again, when they are
    known.
    """
    inputs = facts.of(news)
    given = normalised({wire: value for wire, value in news.items() if wire not in inputs})
    failures = [_no_such(resource, wire) for wire in given if wire not in _accepted(resource)]
    for declared in resource.of_kind(Kind.INPUT, Kind.SETTING):
        value = given.get(declared.wire, declared.default)
        if value is None and declared.autonamed:
            value = olds.get(declared.wire, news.get(facts.NAME))
        if value is None:
            failures += (
                [Failure(declared.wire, "is required")] if declared.required or declared.autonamed else []
            )
        elif has_unknown(value):
            inputs[declared.wire] = value
        else:
            try:
                inputs[declared.wire] = declared.validated(value)
            except pydantic.ValidationError as error:
                inputs[declared.wire] = value
                failures += [Failure(declared.wire, reason) for reason in _reasons(error)]
    return Checked(inputs, failures)


def changes(resource: type[Resource], old: State, new: State) -> list[Change]:
    """The properties in which `new` (wanted inputs) differs from `old` (state, or inputs of before)."""
    found = []
    owners = facts.owners(old, new)
    old, new = (
        {**state, "tagsAll": tags.with_one_owner(state.get("tagsAll"), owners)} for state in (old, new)
    )
    for declared in resource.properties:
        before, after = old.get(declared.wire), new.get(declared.wire)
        if declared.kind is Kind.OUTPUT or declared.follows:
            continue
        if after is None:
            if before not in (None, declared.cleared, {}, []) and not declared.keep:
                found.append(Change(declared, removed=True))
        elif before is None or not same(before, after):
            found.append(Change(declared, removed=False))
    return found


def objections(meeting: Meeting) -> list[Failure]:
    """Why a create will refuse what it meets, as far as a check can know.

    Whether an object of its own stands there because it is about to be replaced, nobody tells it.
    """
    reason = None if meeting.verdict is Verdict.REFUSE_DIFFERENT else meeting.objection()
    return [Failure("", reason)] if reason else []


def remarks(meeting: Meeting) -> list[str]:
    """What a preview says of a create that goes on with what it meets.

    Of an object of its own that is finished it says nothing, unless the create is known to come first.
    """
    kept = meeting.verdict is Verdict.ADOPT and not meeting.inputs.get(facts.CREATE_FIRST)
    remark = None if kept else meeting.remark()
    return [remark] if remark else []


def refused_removals(found: Iterable[Change]) -> list[Failure]:
    """The removals that the API has no way to carry out."""
    return [
        Failure(
            item.declared.wire, f"cannot be removed, since the API cannot unset it: {item.declared.remedy}"
        )
        for item in found
        if item.removed and item.declared.remedy
    ]


_NO_CREATE_FIRST = (
    "delete_before_replace=False is not possible here: old and new are the same object, so that deleting the "
    "old one after a replacement would undo the new one; leave the option out"
)


def _too_many_tags(inputs: State) -> list[Failure]:
    count = len(inputs["tagsAll"]) + len(BOOKKEEPING) if isinstance(inputs["tagsAll"], dict) else 0
    if count <= _MOST_TAGS:
        return []
    return [
        Failure(
            "tags", f"come to {count}, with the default ones and the provider's own: AWS allows {_MOST_TAGS}"
        )
    ]


def _accepted(resource: type[Resource]) -> set[str]:
    """The wire names an input may have.

    Computed ones come back to us when Pulumi checks its own old inputs.
    """
    return {declared.wire for declared in resource.of_kind(Kind.INPUT, Kind.SETTING, Kind.COMPUTED)}


def _no_such(resource: type[Resource], wire: str) -> Failure:
    known = [item.wire for item in resource.properties if item.from_program]
    near = difflib.get_close_matches(wire, known, n=1)
    return Failure(wire, f"no such property{f'; did you mean {near[0]}?' if near else ''}")


def _reasons(error: pydantic.ValidationError) -> Iterable[str]:
    for fault in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in fault["loc"])
        message = complaint(fault)
        yield f"{path}: {message}" if path else message
