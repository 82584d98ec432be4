"""What an update of an environment does, and what a create does with an environment that exists already.

Both are values, decided from what AWS has and what the program wants; check, diff, create and update use the
same ones, and `execute.py` carries them out. Pure.
"""

from __future__ import annotations

import dataclasses

from aws_proton_provider.core import facts
from aws_proton_provider.core.changes import Change, changes
from aws_proton_provider.core.declaration import Kind, Resource
from aws_proton_provider.core.errors import ProtonError, Refused
from aws_proton_provider.core.facts import owners_in
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.ownership import Tags, Verdict
from aws_proton_provider.core.records import from_record, to_create_request, to_request, without_record
from aws_proton_provider.core.tags import differing_tags, tag_changes
from aws_proton_provider.core.values import UNKNOWN, State, Value
from aws_proton_provider.resources.adoption import Existing
from aws_proton_provider.resources.calls import Call
from aws_proton_provider.resources.environment.deployment_type import BEING_DELETED, decide, members
from aws_proton_provider.resources.tags import tag_calls


@dataclasses.dataclass(frozen=True)
class AwaitDeployment:
    """Waits for the deployment that was begun."""


@dataclasses.dataclass(frozen=True)
class AwaitRemoval:
    """Waits until the environment does not exist any more."""


Step = Call | AwaitDeployment | AwaitRemoval


@dataclasses.dataclass(frozen=True)
class Plan:
    """What turns an environment as it is into the one that the program wants.

    Args:
        changes: The properties that change.
        level: The deploymentType; `UNKNOWN` where a value that is not known yet may raise it, and None where
            nothing is to be done.
        replaces: The wire names that make a new environment instead.
        sent: The properties that UpdateEnvironment is sent, as the program has them; None for no call.

    """

    changes: tuple[Change, ...] = ()
    level: Level | Value | None = None
    replaces: tuple[str, ...] = ()
    sent: State | None = None

    @property
    def differing(self) -> tuple[str, ...]:
        """The inputs in which the environment differs from the program."""
        return tuple(item.declared.wire for item in self.changes if item.declared.kind is Kind.INPUT)

    def beyond(self, allowed: Level) -> tuple[str, ...]:
        """The inputs that take more than an update of this level; none where that is enough."""
        if self.replaces:
            return self.replaces
        changed = (item.declared for item in self.changes)
        return tuple(item.wire for item in changed if (item.deploy or Level.NONE) > allowed)


def plan_update(resource: type[Resource], present: State, inputs: State, *, redeploy: bool = False) -> Plan:
    """The plan that turns an environment into what `inputs` want.

    Args:
        resource: The declaration of Environment.
        present: The environment as it is: its state, its inputs of before, or `present_state`.
        inputs: The wanted inputs; some may be unknown.
        redeploy: Whether it is deployed even if nothing changed, since its last deployment failed.

    """
    found = changes(resource, present, inputs)
    decision = decide(resource, found, present, inputs)
    level = decision.level
    if redeploy and level is not UNKNOWN:
        level = max(level or Level.NONE, Level.CURRENT_VERSION)
    plan = Plan(found, level, decision.replaces)
    certain = level if isinstance(level, Level) else Level.NONE
    if certain is Level.NONE and not plan.differing:
        return plan
    cleared = {item.declared.wire: item.declared.cleared for item in found if item.removed}
    sent = members(resource.of_kind(Kind.INPUT), certain, inputs | cleared)
    return dataclasses.replace(plan, sent=sent)


def repeats_deployment(state: State, inputs: State) -> bool:
    """Whether `check` saw a deployment that failed, and no update of this state has repeated it since."""
    return inputs.get(facts.FAILED_DEPLOYMENT) not in (None, state.get(facts.FAILED_DEPLOYMENT))


def refusal_of_update(plan: Plan, inputs: State) -> ProtonError | None:
    """Why an update does not carry out its plan: it takes more than the preview showed."""
    beyond = plan.beyond(Level[inputs.get("deploymentType") or "MAJOR_VERSION"])
    if not beyond:
        return None
    return Refused(
        f"environment {inputs['name']} differs from Pulumi's state in {', '.join(beyond)}, and needs more "
        "than the preview showed: run `pulumi refresh`, and then a new preview"
    )


def update_steps(resource: type[Resource], plan: Plan, inputs: State) -> tuple[Step, ...]:
    """What carries out a plan; no step where nothing is to be done."""
    if plan.sent is None:
        return ()
    level = plan.level if isinstance(plan.level, Level) else Level.NONE
    sent = to_request(resource.of_kind(Kind.INPUT), plan.sent)
    call = Call("update_environment", {"name": inputs["name"], "deploymentType": level.name, **sent})
    return (call, AwaitDeployment()) if level > Level.NONE else (call,)


def create_call(resource: type[Resource], inputs: State, incarnation: str) -> Call:
    """The call that creates an environment."""
    return Call("create_environment", to_create_request(resource, inputs, incarnation))


@dataclasses.dataclass(frozen=True)
class Adoption:
    """What a create does with an environment that exists already: why it refuses, or its steps."""

    refusal: ProtonError | None = None
    steps: tuple[Step, ...] = ()
    warning: str | None = None


def plan_adoption(
    resource: type[Resource], live: State, tags: Tags, inputs: State, incarnation: str
) -> Adoption:
    """What a create does with a live environment of its name.

    One whose deletion was begun, or that an interrupted create left and that cannot become what the program
    wants, is deleted first: no state ever held it.
    """
    owners, status = owners_in(inputs), live["deploymentStatus"]
    deletion = Call("delete_environment", {"name": live["name"]})
    recreation: tuple[Step, ...] = (
        *(() if status == "DELETE_IN_PROGRESS" else (deletion,)),
        AwaitRemoval(),
        create_call(resource, inputs, incarnation),
        AwaitDeployment(),
    )
    if tags.owner in owners and status in BEING_DELETED:
        return Adoption(steps=recreation)
    plan = plan_update(
        resource, present_state(resource, live, inputs), inputs, redeploy=status != "SUCCEEDED"
    )
    existing = existing_environment(plan, live, tags, inputs, owners)
    refusal = existing.refusal() or _refusal_of_adoption(existing, plan, inputs)
    if refusal:
        return Adoption(refusal)
    if plan.replaces:
        return Adoption(steps=recreation)
    tagging = tag_calls(live["arn"], tag_changes(tags, inputs["tagsAll"], incarnation))
    return Adoption(None, (*tagging, *update_steps(resource, plan, inputs)), existing.warning())


def existing_environment(
    plan: Plan, live: State, tags: Tags, inputs: State, owners: tuple[str, ...]
) -> Existing:
    """A live environment of the name of one to be created."""
    differing = (*plan.differing, *differing_tags(tags, inputs.get("tagsAll")))
    return Existing(f"environment {live['name']}", tags, differing, inputs, owners)


def present_state(resource: type[Resource], live: State, state: State, tags: Tags | None = None) -> State:
    """A live environment as a state; the provider's own settings, and without `tags` these, are `state`'s."""
    shown = {} if tags is None else {"tagsAll": dict(tags.shown)}
    return without_record(resource, state) | from_record(resource, live) | shown


def _refusal_of_adoption(existing: Existing, plan: Plan, inputs: State) -> ProtonError | None:
    if existing.verdict is not Verdict.ADOPT:
        return None
    beyond = plan.beyond(Level[inputs.get("deploymentType") or inputs.get(facts.LIMIT) or "MAJOR_VERSION"])
    if not beyond:
        return None
    need = "a new environment" if plan.replaces else "more than the preview or maxDeploymentType allow"
    return Refused(
        f"{existing.title} cannot be adopted: it differs from the program in {', '.join(beyond)}, which "
        f"needs {need}"
    )
