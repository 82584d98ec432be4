"""Which deploymentType an update of an environment has, and which members it may send.

Rule 1: everything that decides either lives in this file; declarations only name their level. Pure.

    changed                                              deploymentType
    ---------------------------------------------------  ---------------------------------
    description; tags and the provider's own settings    NONE
    spec, a role, the connection, a redeploy trigger     CURRENT_VERSION
    templateMinorVersion, up or down, of the same major  MINOR_VERSION
    templateMajorVersion, higher                         MAJOR_VERSION
    templateMajorVersion, lower                          a new environment
    who provisions (roles / connection / repository)     a new environment
    the connection, into another environment account     a new environment

The levels are ordered by reach, so an update has the highest level among its changes, and a member may be
sent at its own level and above: UpdateEnvironment says of CURRENT_VERSION "Don't include minor or major
version parameters when you use this deployment type", and of NONE that only metadata is updated. AWS never
said what happens otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.values import UNKNOWN, State, Value

if TYPE_CHECKING:
    from aws_proton_provider.core.changes import Change
    from aws_proton_provider.core.declaration import Property, Resource


FAILED = ("FAILED", "CANCELLED", "DELETE_FAILED")
"""Values of DeploymentStatus: ends of a deployment other than success."""

BEING_DELETED = ("DELETE_IN_PROGRESS", "DELETE_FAILED")
"""Values of DeploymentStatus: a deletion of the environment was begun."""


_ACCOUNT = "environmentAccountId"


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a set of changes requires of the API.

    `level` is the deploymentType of the update, `UNKNOWN` where a value that is not known yet may raise it,
    and None where nothing changed. `replaces` are the wire names that make a new environment instead.
    """

    level: Level | Value | None
    replaces: tuple[str, ...]


def decide(resource: type[Resource], changes: Iterable[Change], old: State, new: State) -> Decision:
    """The decision for the changes between an environment as it is and as the program wants it."""
    changed = [item.declared for item in changes]
    if not changed:
        return Decision(None, ())
    certain = max((_level(item) for item in changed if new.get(item.wire) is not UNKNOWN), default=Level.NONE)
    possible = max(map(_level, changed))
    replaces = [item.wire for item in changed if item.replace]
    for rule in (_lower_major_version, _other_provisioner, _other_account):
        replaces += rule(resource, old, new)
    return Decision(certain if certain == possible else UNKNOWN, tuple(dict.fromkeys(replaces)))


def members(inputs: Iterable[Property], level: Level, new: State) -> State:
    """The values that an update of this level sends: the whole wanted state, as far as the level allows.

    A member of no level (name, template, repository) is never sent, since it never changes in place.
    """
    return {
        item.wire: new[item.wire]
        for item in inputs
        if item.deploy is not None and item.deploy <= level and new.get(item.wire) is not None
    }


def provisioner(resource: type[Resource], state: State) -> Property | None:
    """The property of a state or of inputs that selects who provisions the environment."""
    given = [item for item in resource.properties if item.provisioner and state.get(item.wire) is not None]
    return min(given, key=lambda item: item.provisioner or 0, default=None)


def _level(item: Property) -> Level:
    return item.deploy or Level.NONE


def _lower_major_version(resource: type[Resource], old: State, new: State) -> list[str]:
    major = next(item.wire for item in resource.properties if item.deploy is Level.MAJOR_VERSION)
    before, after = old.get(major), new.get(major)
    return [major] if before and after and after is not UNKNOWN and int(after) < int(before) else []


def _other_provisioner(resource: type[Resource], old: State, new: State) -> list[str]:
    """An environment never changes to another provisioner.

    UpdateEnvironment has a condition for each pair, such as same-account and cross-account.
    """
    before, after = provisioner(resource, old), provisioner(resource, new)
    return [after.wire] if before and after and before.provisioner != after.provisioner else []


def _other_account(resource: type[Resource], old: State, new: State) -> list[str]:
    """A new connection has to be "created in the same environment account" (UpdateEnvironment)."""
    before, after = old.get(_ACCOUNT), new.get(_ACCOUNT)
    connection = provisioner(resource, new)
    return [connection.wire] if connection and before and after and before != after else []
