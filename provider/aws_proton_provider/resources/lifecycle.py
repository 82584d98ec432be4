"""A resource with its verbs, as adapters call them. Check and diff are derived from the declaration."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_proton_provider.core import facts
from aws_proton_provider.core.changes import changes, refused_removals
from aws_proton_provider.core.checking import Checked, Failure, check_inputs, too_many_tags
from aws_proton_provider.core.declaration import Kind, Resource
from aws_proton_provider.core.facts import facts_in, secret_paths
from aws_proton_provider.core.tags import all_tags
from aws_proton_provider.core.values import UNKNOWN, State
from aws_proton_provider.resources.check_context import CheckContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_proton_provider.aws.client import Proton
    from aws_proton_provider.aws.operation import Operation


@dataclasses.dataclass(frozen=True)
class Created:
    """What a create made: the object's id, the whole state, and what the user should be warned of."""

    identifier: str
    state: State
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Diff:
    """What an update would have to do: nothing, an update, or (`replaces` not empty) a new resource."""

    changed: bool
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False


class CustomResource(Resource):
    """A resource with its verbs.

    A subclass gives create, read, update and delete; check and diff have defaults.

    State and inputs are by wire name. A verb that talks to AWS raises `ProtonError`, always one line for a
    person.
    """

    @classmethod
    def check(cls, olds: State, news: State, context: CheckContext) -> Checked:
        """The inputs in normal form, and what is wrong with them. `olds` are the inputs of before, or empty.

        A removal that the API cannot carry out is refused, unless a new resource is made anyway.
        """
        checked = check_inputs(cls, news, olds)
        if checked.failures:
            return checked
        inputs = checked.inputs
        if cls.has_tags():
            inputs["tagsAll"] = all_tags(inputs.get("tags"), context.default_tags, inputs.get(facts.OWNER))
            checked.failures += [] if olds else too_many_tags(inputs)
        elif inputs.get(facts.CREATE_FIRST):
            checked.failures.append(Failure("", _NO_CREATE_FIRST))
        if olds and not cls.diff(olds, inputs).replaces:
            checked.failures += refused_removals(changes(cls, olds, inputs))
        return checked

    @classmethod
    def has_tags(cls) -> bool:
        """Whether its objects have tags, in which it is written whose they are."""
        return any(declared.wire == "tagsAll" for declared in cls.properties)

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """The difference between the state and the wanted inputs."""
        found = changes(cls, state, inputs)
        replaces = tuple(item.declared.wire for item in found if item.declared.replace)
        return Diff(bool(found), replaces)

    @classmethod
    def create(cls, inputs: State, operation: Operation) -> Created:
        """Makes the object, or does with one that exists already what `core/ownership.py` decides."""
        raise NotImplementedError

    @classmethod
    def read(cls, identifier: str, state: State, operation: Operation) -> State | None:
        """The object as AWS has it, None where it does not exist any more."""
        raise NotImplementedError

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, operation: Operation) -> State:
        """Makes the object as `inputs` want it and returns its whole state."""
        raise NotImplementedError

    @classmethod
    def existing(cls, query: State, proton: Proton) -> Iterator[tuple[str, str]]:
        """The ids and names of the account's objects; `query` may hold an `account` and nothing else."""
        raise NotImplementedError

    @classmethod
    def preview_update(cls, state: State, inputs: State) -> State:
        """What is known of the state after an update: the inputs, and outputs that never change."""
        outputs = cls.of_kind(Kind.OUTPUT)
        changing = {item.wire: UNKNOWN for item in outputs if not item.stable}
        stable = {item.wire: state[item.wire] for item in outputs if item.stable and item.wire in state}
        return inputs | changing | stable

    @classmethod
    def delete(cls, identifier: str, state: State, operation: Operation) -> tuple[str, ...]:
        """Removes the object; that it does not exist any more is success.

        Returns what the user should be warned of.
        """
        raise NotImplementedError


def inputs_in(resource: type[Resource], state: State) -> State:
    """The part of a state that a program could have given, so that drift shows in the next preview."""
    wires = {declared.wire for declared in resource.properties if declared.kind is not Kind.OUTPUT}
    return {wire: value for wire, value in state.items() if wire in wires} | facts_in(state)


def repeating_a_secret(resource: type[Resource], state: State) -> tuple[str, ...]:
    """The wire names of what may repeat a secret of a state or of inputs, and so is one, too."""
    given = {path[0] for path in secret_paths(state)}
    return tuple(item.wire for item in resource.properties if item.repeats in given)


_NO_CREATE_FIRST = (
    "delete_before_replace=False is not possible here: old and new are the same object, so that deleting the "
    "old one after a replacement would undo the new one; leave the option out"
)
