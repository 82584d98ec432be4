"""What a recovery comes to: the inputs, how well they are proven, and the spec to write down."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import yaml


class Agreement(Enum):
    """How the text that the recovered inputs render agrees with the deployed one."""

    TEXT = "text"
    """Byte for byte."""
    DOCUMENT = "document"
    """The same CloudFormation document: other line ends, spaces, comments, or JSON written otherwise."""
    NONE = "none"
    """No inputs were found."""


@dataclass(frozen=True)
class Recovery:
    """The inputs that a deployed text was rendered with, as far as it shows them."""

    inputs: dict[str, Any] | None
    """Complete, with the defaults of the schema; None if nothing was found that renders the deployed text."""
    agreement: Agreement
    without_trace: list[str] = field(default_factory=list)
    """Paths of inputs that the text does not depend on. They have their default, are absent, or are in
    `missing`."""
    alternatives: list[dict[str, Any]] = field(default_factory=list)
    """A few of the other inputs that render the same text; empty if the text leaves no choice but in what
    leaves no trace."""
    difference: str = ""
    """Where the best attempt ended, if nothing was found: a sentence with line and a piece of both texts."""
    missing: list[str] = field(default_factory=list)
    """Paths of required inputs without trace and default. Their values in `inputs` only fit the schema; the
    user's cannot be known, and has to be given (`known`)."""
    complete: bool = True
    """False if the search ended at its limit, so that there may be other inputs, or inputs at all."""

    @property
    def spec(self) -> str:
        """The environment spec: every input is written out, also one that equals its default today.

        So the spec renders the same when a later version of the template has another default. Empty if
        nothing was found.
        """
        return "" if self.inputs is None else spec_text(self.inputs)

    @property
    def undecided(self) -> list[str]:
        """The inputs, by name, in which the alternatives differ from what was recovered."""
        found = self.inputs or {}
        names = {name: None for other in self.alternatives for name in [*found, *other]}
        absent = object()
        return [
            name
            for name in names
            if any(
                not identical(found.get(name, absent), other.get(name, absent)) for other in self.alternatives
            )
        ]


def identical(one: Any, other: Any) -> bool:
    """Equality that tells 1, 1.0 and true apart, as their texts do, and the order of members."""
    return repr(one) == repr(other)


def spec_text(inputs: dict[str, Any]) -> str:
    """A spec in YAML whose strings are quoted wherever YAML would read them as something else."""
    return yaml.dump(
        {"proton": "EnvironmentSpec", "spec": inputs},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
    )


class _Dumper(yaml.SafeDumper):
    """Without anchors, which a spec written by hand does not have."""

    def ignore_aliases(self, _: Any) -> bool:
        return True
