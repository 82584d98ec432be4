"""Facts: what a state holds beside the properties, in keys that begin with `__`.

Pulumi never shows them. Some come from the program, by the SDK's classes; some from `check`; one from create.
They pass through check, and no diff compares them. States keep them, so their meaning must never change.
"""

from __future__ import annotations

from aws_proton_provider.core.errors import InvalidInput
from aws_proton_provider.core.ownership import OWNER_TAG, Tags, owner, parents_in
from aws_proton_provider.core.values import State

HIDDEN = "__"

OWNER = "__owner"
"""From the program: the object's owner (`core/ownership.py`). In a state of 0.1.0: `project/stack/name`."""

FORMER_OWNER = "__formerOwner"
"""From the program: the owner as 0.1.0 wrote it, where that was unique."""

NAME = "__name"
"""From the program: the resource's name there."""

SECRETS = "__secrets"
"""From the program: the paths of the inputs that are secret (`["spec", "password"]`), since Pulumi's dynamic
server gets every value in plain text."""

SECRET_SPEC = "__secretSpec"  # noqa: S105 - a name
"""What 0.1.0 wrote for `SECRETS`: whether the spec holds a secret."""

CREATE_FIRST = "__createFirst"
"""From the program: it sets `delete_before_replace=False`."""

FAILED_DEPLOYMENT = "__failedDeployment"
"""From check: the id of the last deployment, which failed. It is a change by itself: an update deploys."""

LIMIT = "__maxDeploymentType"
"""From check: the highest deploymentType allowed, by the resource or else by the stack."""

INCARNATION = "__incarnation"
"""From create: a random text that only the object of this create has in its tags."""

IMPORTED = "__imported"
"""From the read of an import: the owner in the object's tags, empty where there was none."""

VERSION = "__version"
"""From check: the version of the facts, of which none means 1."""

_NEWEST = 1
"""The version of the facts that this provider writes, and the newest that it reads."""


def facts_in(state: State) -> State:
    """The facts in a state or in inputs."""
    return {key: value for key, value in state.items() if key.startswith(HIDDEN)}


def owners_in(*states: State) -> tuple[str, ...]:
    """All names under which the resource is or was the owner, from states and inputs."""
    known = (state.get(fact) for state in states for fact in (OWNER, FORMER_OWNER, IMPORTED))
    return tuple(dict.fromkeys(owner for owner in known if owner))


def secret_paths(state: State) -> list[list[str]]:
    """The paths of the secret inputs, the whole spec in a state of 0.1.0 that says so."""
    return list(state.get(SECRETS) or ([["spec"]] if state.get(SECRET_SPEC) else []))


def program_facts(urn: str, secrets: list[list[str]]) -> State:
    """What the program's URN and secrets say, as `adapters/dynamic.py` finds it in the program itself."""
    beginning, project, _, name = urn.split("::", 3)
    stack, (*parents, _) = beginning.removeprefix("urn:pulumi:"), parents_in(urn)
    former = {} if parents else {FORMER_OWNER: f"{project}/{stack}/{name}"}
    # In one order: the wire has none, and inputs that only differ in it would be written to every state anew.
    return {NAME: name, OWNER: owner(project, stack, parents, name), SECRETS: sorted(secrets), **former}


def version_fact() -> State:
    """The fact of the version that this provider writes."""
    return {VERSION: _NEWEST}


def require_readable(title: str, *states: State) -> None:
    """Makes sure that this provider knows all facts in the states of the resource `title`.

    Raises:
        InvalidInput: a newer one wrote them.

    """
    newest = max((int(state.get(VERSION, 1)) for state in states), default=1)
    if newest > _NEWEST:
        raise InvalidInput(
            f"the state of {title} was written by a newer version of this provider (facts of version "
            f"{newest}; this one reads {_NEWEST} at most): use that version, or a newer one"
        )


def imported(state: State) -> State:
    """The state of an object that is imported, or only read."""
    return {IMPORTED: "", **state}


def import_facts(tags: Tags) -> State:
    """The facts of an object that is imported: whose it was and of which create, so that it is taken over."""
    return {IMPORTED: tags.shown.get(OWNER_TAG, ""), **incarnation_fact(tags.incarnation)}


def incarnation_fact(known: str | None) -> State:
    """The fact of an incarnation, if there is one."""
    return {INCARNATION: known} if known else {}
