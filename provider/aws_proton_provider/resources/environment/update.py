"""Updating an environment, or completing a create that did not end."""

from __future__ import annotations

from aws_proton_provider.aws.location import require_gone, require_same
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core.declaration import Resource
from aws_proton_provider.core.errors import NotFound
from aws_proton_provider.core.facts import incarnation_fact
from aws_proton_provider.core.records import state_after, state_begun
from aws_proton_provider.core.tags import tag_changes
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.adoption import require_own
from aws_proton_provider.resources.calls import make
from aws_proton_provider.resources.environment.execute import execute
from aws_proton_provider.resources.environment.plan import (
    AwaitDeployment,
    plan_update,
    present_state,
    refusal_of_update,
    repeats_deployment,
    update_steps,
)
from aws_proton_provider.resources.environment.waits import (
    await_settled,
    is_deploying,
    require_success,
    with_outputs,
)
from aws_proton_provider.resources.tags import end_create, read_tags, tag_calls


def update_environment(
    resource: type[Resource], identifier: str, state: State, inputs: State, operation: Operation
) -> State:
    """Makes the environment as `inputs` want it, waits, and returns its whole state.

    It starts from what AWS has, and not from the state: a process that died may have begun the update.

    Raises:
        NotFound, NotOwned, WrongAccount: it is not there, or not the resource's any more.
        Refused: it takes more than the preview showed.
        DeploymentFailed, TimedOut, Interrupted: the deployment did not succeed.

    """
    proton = operation.proton
    proton.allow_writing()
    try:
        live = await_settled(identifier, inputs, operation)
    except NotFound:
        require_gone(state.get("arn"), proton)
        raise
    require_same(state.get("arn"), live["arn"])
    tags = read_tags(live["arn"], proton)
    require_own(f"environment {identifier}", tags, state, inputs)
    present = present_state(resource, live, state)
    plan = plan_update(resource, present, inputs, redeploy=repeats_deployment(state, inputs))
    refusal = refusal_of_update(plan, inputs)
    if refusal:
        raise refusal
    # A deployment brings the tags that the environment has when it begins; the owner comes last, so that one
    # that fails leaves it as the state has it.
    changes = tag_changes(tags, inputs["tagsAll"])
    tagging, owning = (tag_calls(live["arn"], part) for part in changes.without_and_with_owner())
    steps = (*update_steps(resource, plan, inputs), *owning)
    if is_deploying(state) and AwaitDeployment() not in steps:
        # The state is that of an operation that did not see its end.
        require_success(live, operation)
    make(tagging, proton)
    begun = state_begun(resource, state, inputs)
    live = execute(steps, live, inputs, operation, lambda _: operation.keep(identifier, begun))
    found = with_outputs(resource, live, state, proton)
    if tags.creating:
        end_create(live["arn"], proton)
    return state_after(resource, inputs, found) | incarnation_fact(tags.incarnation)
