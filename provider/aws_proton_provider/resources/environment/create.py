"""Creating an environment, or adopting one that exists already."""

from __future__ import annotations

from collections.abc import Callable

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core.declaration import Resource
from aws_proton_provider.core.errors import Conflict, NotFound, ProtonError, Refused, Unavailable
from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.calls import make
from aws_proton_provider.resources.environment.execute import execute
from aws_proton_provider.resources.environment.plan import create_call, plan_adoption
from aws_proton_provider.resources.environment.waits import (
    await_deployment,
    await_settled,
    get_environment,
    is_deploying,
)
from aws_proton_provider.resources.tags import read_tags


def create_or_adopt(
    resource: type[Resource],
    inputs: State,
    incarnation: str,
    operation: Operation,
    keep: Callable[[State], None],
) -> tuple[State, str | None]:
    """Creates the environment, or adopts one that exists, and waits.

    `keep` gets its record as soon as AWS has it. Returns its record, and what the user should know.

    Raises:
        NotOwned, Refused: one exists that this create must not change.
        DeploymentFailed, TimedOut, Interrupted: the deployment did not succeed.

    """
    try:
        live: State = make([create_call(resource, inputs, incarnation)], operation.proton)["environment"]
    except (Conflict, Refused, Unavailable) as error:
        live, tags = _existing(inputs["name"], operation.proton, error)
        # Its own incarnation: AWS's answer was lost, and botocore repeated the call.
        if tags.incarnation != incarnation:
            adoption = plan_adoption(resource, live, tags, inputs, incarnation)
            if adoption.refusal is None and is_deploying(live):
                live = await_settled(live["name"], inputs, operation)
                adoption = plan_adoption(resource, live, tags, inputs, incarnation)
            if adoption.refusal:
                raise adoption.refusal from None
            return execute(adoption.steps, live, inputs, operation, keep), adoption.warning
    keep(live)
    return await_deployment(live, inputs, operation), None


def _existing(name: str, proton: Proton, error: ProtonError) -> tuple[State, Tags]:
    """The environment that made AWS refuse the create; where there is none, the error is raised as it was."""
    try:
        live = get_environment(name, proton)
        return live, read_tags(live["arn"], proton)
    except NotFound:
        raise error from None
