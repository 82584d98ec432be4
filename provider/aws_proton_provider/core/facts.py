"""Facts: what travels in a state beside the properties, in keys that begin with `__`.

Pulumi never shows them. Some only the program knows, and an SDK's class passes them along; some `check` finds
out; one a create decides. They pass through check, and no diff compares them. A state keeps them, so none may
ever mean something else.
"""

from __future__ import annotations

from aws_proton_provider.core.values import State

HIDDEN = "__"

OWNER = "__owner"
"""From the program: whose an object is (`_ownership.owner`). In a state of 0.1.0: `project/stack/name`."""

FORMER_OWNER = "__formerOwner"
"""From the program: the owner as 0.1.0 wrote it, where no other resource can have had the same."""

NAME = "__name"
"""From the program: the resource's name there."""

SECRETS = "__secrets"
"""From the program: the paths of the inputs that are secret (`["spec", "password"]`), since Pulumi's dynamic
server gets every value in plain text."""

SECRET_SPEC = "__secretSpec"  # noqa: S105 - a name
"""What 0.1.0 wrote for `SECRETS`: whether the spec holds a secret."""

CREATE_FIRST = "__createFirst"
"""From the program: it says `delete_before_replace=False`."""

FAILED_DEPLOYMENT = "__failedDeployment"
"""From check: the id of the last deployment, which failed. It is a change by itself: an update deploys."""

LIMIT = "__maxDeploymentType"
"""From check: the furthest-reaching deploymentType allowed, by the resource or else by the stack."""

INCARNATION = "__incarnation"
"""From create: the text that tells this create's object from every other create's."""


def facts_in(state: State) -> State:
    """The facts in a state or in inputs."""
    return {key: value for key, value in state.items() if key.startswith(HIDDEN)}


def owners_in(*states: State) -> tuple[str, ...]:
    """All names under which the resource is or was the owner, by what states and inputs know."""
    known = (state.get(fact) for state in states for fact in (OWNER, FORMER_OWNER))
    return tuple(dict.fromkeys(owner for owner in known if owner))


def secret_paths(state: State) -> list[list[str]]:
    """The paths of the secret inputs, the whole spec in a state of 0.1.0 that says so."""
    return list(state.get(SECRETS) or ([["spec"]] if state.get(SECRET_SPEC) else []))


def incarnation_fact(known: str | None) -> State:
    """The fact of an incarnation, if there is one."""
    return {INCARNATION: known} if known else {}
