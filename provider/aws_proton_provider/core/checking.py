"""Check of any resource, derived from its declaration: inputs in normal form, and what is wrong. Pure."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable

import pydantic

from aws_proton_provider.core import facts
from aws_proton_provider.core.declaration import Kind, Resource, validation_reason
from aws_proton_provider.core.facts import facts_in
from aws_proton_provider.core.ownership import BOOKKEEPING
from aws_proton_provider.core.values import State, has_unknown, normalised

_MOST_TAGS = 50
"""Of one object, the provider's own included and AWS's not (TagResource)."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an input is not valid: `wire` names the top-level property, `reason` says the rest in one line.

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


def check_inputs(resource: type[Resource], news: State, olds: State) -> Checked:
    """The program's inputs in normal form with defaults filled in, and what is wrong with them.

    `olds` are the inputs of before, which a name of the provider's choosing is taken from.

    Values that hold an unknown anywhere are passed on untouched: the update checks again, when they are
    known.
    """
    inputs = facts_in(news)
    given = normalised({wire: value for wire, value in news.items() if wire not in inputs})
    # Pulumi also checks its own old inputs, which have the computed ones.
    accepted = {item.wire for item in resource.of_kind(Kind.INPUT, Kind.SETTING, Kind.COMPUTED)}
    failures = [_no_such(resource, wire) for wire in given if wire not in accepted]
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


def too_many_tags(inputs: State) -> list[Failure]:
    """Why the tags of all sources together are too many."""
    tags = inputs["tagsAll"]
    count = len(tags) + len(BOOKKEEPING) if isinstance(tags, dict) else 0
    if count <= _MOST_TAGS:
        return []
    reason = f"{count} tags with the default tags and the provider's own, but AWS allows {_MOST_TAGS}"
    return [Failure("tags", reason)]


def _no_such(resource: type[Resource], wire: str) -> Failure:
    known = [item.wire for item in resource.properties if item.from_program]
    near = difflib.get_close_matches(wire, known, n=1)
    return Failure(wire, f"no such property{f'; did you mean {near[0]}?' if near else ''}")


def _reasons(error: pydantic.ValidationError) -> Iterable[str]:
    for found in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in found["loc"])
        message = validation_reason(found)
        yield f"{path}: {message}" if path else message
