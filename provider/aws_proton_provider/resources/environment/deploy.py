"""Bringing an environment from what AWS has to what the program wants, and the record that tells of it."""

from __future__ import annotations

import dataclasses

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import spec
from aws_proton_provider.core import state as _record
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.errors import AccessDenied
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.values import State
from aws_proton_provider.resources import connection_lookup
from aws_proton_provider.resources.environment.deployment_type import Decision, decide, members
from aws_proton_provider.resources.lifecycle import Change, CustomResource, changes

Resource = type[CustomResource]
"""The declaration of Environment, which imports this module."""


@dataclasses.dataclass(frozen=True)
class Gap:
    """What lies between an environment as AWS has it and as the program wants it."""

    changes: tuple[Change, ...]
    decision: Decision

    @property
    def differing(self) -> tuple[str, ...]:
        """The inputs in which the two differ."""
        return tuple(item.declared.wire for item in self.changes if item.declared.kind is Kind.INPUT)

    @property
    def level(self) -> Level:
        """The deploymentType that closes it."""
        known = self.decision.level
        return known if isinstance(known, Level) else Level.NONE

    def beyond(self, allowed: Level) -> tuple[str, ...]:
        """The inputs for which it takes more than an update of this level; none where that is enough."""
        if self.decision.replaces:
            return self.decision.replaces
        reaching = (item.declared for item in self.changes if item.declared.deploy is not None)
        return tuple(declared.wire for declared in reaching if (declared.deploy or Level.NONE) > allowed)


def gap(resource: Resource, present: State, inputs: State) -> Gap:
    """The gap between an environment as it is and `inputs`."""
    found = tuple(changes(resource, present, inputs))
    return Gap(found, decide((item.declared for item in found), present, inputs))


def present(resource: Resource, live: State, state: State, tags: Tags | None = None) -> State:
    """A live environment as a state; the provider's own settings, and without `tags` these, are `state`'s."""
    shown = {} if tags is None else {"tagsAll": dict(tags.shown)}
    return _record.kept(resource, state) | properties(resource, live) | shown


def create(resource: Resource, inputs: State, tags: list[dict[str, str]], proton: Proton) -> None:
    """Asks AWS to create the environment."""
    sent = {item.wire: inputs[item.wire] for item in resource.of_kind(Kind.INPUT) if item.wire in inputs}
    proton.call("create_environment", **_wire(sent), tags=tags)


def close(resource: Resource, found: Gap, inputs: State, proton: Proton, *, at_least: Level) -> bool:
    """Updates the environment with what lies in the gap; whether that deploys it."""
    level = max(found.level, at_least)
    if level > Level.NONE or found.differing:
        cleared = {item.declared.wire: item.declared.cleared for item in found.changes if item.removed}
        sent = members(resource.of_kind(Kind.INPUT), level, inputs | cleared)
        proton.call("update_environment", name=inputs["name"], deploymentType=level.name, **_wire(sent))
    return level > Level.NONE


def properties(resource: Resource, live: State) -> State:
    """The properties that GetEnvironment's record tells."""
    found = _record.properties(resource, live)
    if "spec" not in live:
        return found
    try:
        return found | {"spec": spec.inputs_of(live["spec"])}
    except ValueError:
        # No program says it, so it shows as a difference, and the next update puts it right.
        return found | {"spec": live["spec"]}


def answer(resource: Resource, live: State, proton: Proton) -> State:
    """The properties of a live environment, with its outputs."""
    listed = proton.all_of("list_environment_outputs", "outputs", environmentName=live["name"])
    return properties(resource, live) | {
        "outputs": {item["key"]: item["valueString"] for item in listed if item.keys() >= _OUTPUT}
    }


_OUTPUT = {"key", "valueString"}
"""The model requires neither."""


def connected(found: State, proton: Proton) -> State:
    """The properties without a connection that was deleted: AWS goes on naming it, but it leads nowhere."""
    identifier = found.get("environmentAccountConnectionId")
    try:
        gone = identifier is not None and connection_lookup.find(identifier, proton) is None
    except AccessDenied:
        return found
    dropped = "environmentAccountConnectionId" if gone else None
    return {wire: value for wire, value in found.items() if wire != dropped}


def _wire(sent: State) -> State:
    """The members as the API takes them: the spec as text."""
    return sent | {"spec": spec.document(sent["spec"])} if "spec" in sent else sent
