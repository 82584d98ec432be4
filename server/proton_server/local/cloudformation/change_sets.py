"""Change sets: what an update would do, before it is done. `aws cloudformation deploy` works through them.

Pure, and coarser than AWS's: whether a change replaces a resource shows only in the update itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow

from proton_server.local.cloudformation.parameters import shown_parameters
from proton_server.local.cloudformation.references import references
from proton_server.local.cloudformation.targets import Target


@dataclass(frozen=True)
class Change:
    """One resource that a change set adds, modifies or removes."""

    action: str
    logical_resource_id: str
    resource_type: str


@dataclass
class ChangeSet:
    """A change set, with the attributes that moto's serialiser reads."""

    change_set_id: str
    change_set_name: str
    change_set_type: str
    stack_id: str
    stack_name: str
    target: Target
    changes: list[Change]
    tags: dict[str, str]
    description: str | None = None
    notification_arns: list[str] = field(default_factory=list)
    role_arn: str | None = None
    creation_time: datetime = field(default_factory=utcnow)
    status: str = "CREATE_COMPLETE"
    execution_status: str = "AVAILABLE"
    status_reason: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as DescribeChangeSet shows them."""
        shown = shown_parameters(self.target.template.parameters, self.target.values)
        return {each["ParameterKey"]: each["ParameterValue"] for each in shown}

    @property
    def change_set_id_or_name(self) -> tuple[str, str]:
        """What a request may call it."""
        return self.change_set_id, self.change_set_name

    def refuse(self) -> None:
        """Mark a change set that changes nothing, in the words that AWS's tools look for."""
        self.status, self.execution_status = "FAILED", "UNAVAILABLE"
        self.status_reason = (
            "The submitted information didn't contain changes. "
            "Submit different information to create a change set."
        )


def changes(old: Target | None, new: Target) -> list[Change]:
    """What deploying `new` over `old` adds, modifies and removes."""
    before = old.template.resources if old else {}
    after = new.template.resources
    found = [Change("Add", name, after[name]["Type"]) for name in after if name not in before]
    if old:
        found += [
            Change("Modify", name, after[name]["Type"])
            for name in after
            if name in before and _signature(old, name) != _signature(new, name)
        ]
    return found + [Change("Remove", name, before[name]["Type"]) for name in before if name not in after]


def _signature(target: Target, name: str) -> Any:
    """All that can change a resource: its definition, the parameters it mentions, and the mappings."""
    definition = target.template.resources[name]
    mentioned = {reference.name for reference in references(definition)}
    values = {key: value for key, value in target.values.items() if key in mentioned}
    return definition, values, target.template.mappings, target.template.conditions
