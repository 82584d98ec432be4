"""Which deploymentType an update of an environment has, and which members may travel with it.

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
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.values import UNKNOWN, State, Value

if TYPE_CHECKING:
    from aws_proton_provider.core.declaration import Property


FAILED = ("FAILED", "CANCELLED", "DELETE_FAILED")
"""Values of DeploymentStatus: ends of a deployment that are not what was asked for."""

BEING_DELETED = ("DELETE_IN_PROGRESS", "DELETE_FAILED")
"""Values of DeploymentStatus: somebody wants the environment to be gone."""

METHODS: Mapping[str, str] = {
    "environmentAccountConnectionId": "through an environment account connection",
    "provisioningRepository": "by pull requests to a repository",
    "protonServiceRoleArn": "in this account",
    "codebuildRoleArn": "in this account",
}
"""The member that says who provisions, in the order in which it decides. A same-account environment can never
be turned into a cross-account one, nor the reverse, and neither into a self-managed one (UpdateEnvironment's
conditions)."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a set of changes asks of the API.

    `level` is the deploymentType of the update, `UNKNOWN` where a value that is not known yet may raise it,
    and None where nothing changed. `replaces` are the wire names that make a new environment instead.
    """

    level: Level | Value | None
    replaces: tuple[str, ...]


UNDECIDED = Decision(None, ())
"""Nothing changes, or everything is new."""


def decide(changed: Iterable[Property], old: State, new: State) -> Decision:
    """The decision for `changed` properties between the environment as it is and as it shall be."""
    changed = tuple(changed)
    if not changed:
        return UNDECIDED
    certain = max((_level(item) for item in changed if new.get(item.wire) is not UNKNOWN), default=Level.NONE)
    possible = max(_level(item) for item in changed)
    replaces = [item.wire for item in changed if item.replace]
    for rule in (_lower_major, _other_method, _other_account):
        wire = rule(old, new)
        replaces += [wire] if wire and wire not in replaces else []
    return Decision(certain if certain == possible else UNKNOWN, tuple(replaces))


def members(inputs: Iterable[Property], level: Level, new: State) -> State:
    """What an update of this level sends: the whole wanted state, as far as it may travel.

    A member of no level (name, template, repository) never travels, since it never changes in place.
    """
    return {
        item.wire: new[item.wire]
        for item in inputs
        if item.deploy is not None and item.deploy <= level and new.get(item.wire) is not None
    }


def _level(item: Property) -> Level:
    return item.deploy or Level.NONE


def _lower_major(old: State, new: State) -> str | None:
    before, after = old.get("templateMajorVersion"), new.get("templateMajorVersion")
    if not before or not after or after is UNKNOWN or int(after) >= int(before):
        return None
    return "templateMajorVersion"


def _other_method(old: State, new: State) -> str | None:
    before, after = _method(old), _method(new)
    return after if before and after and METHODS[before] != METHODS[after] else None


def _other_account(old: State, new: State) -> str | None:
    """A new connection has to be "created in the same environment account" (UpdateEnvironment)."""
    before, after = old.get("environmentAccountId"), new.get("environmentAccountId")
    return "environmentAccountConnectionId" if before and after and before != after else None


def _method(inputs: State) -> str | None:
    return next((wire for wire in METHODS if inputs.get(wire) is not None), None)
