"""Carries out the steps of a plan. What they are is decided in `plan.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.calls import Call, make
from aws_proton_provider.resources.environment.plan import AwaitDeployment, Step
from aws_proton_provider.resources.environment.waits import await_deployment, await_removal


def execute(
    steps: Iterable[Step], live: State, inputs: State, operation: Operation, keep: Callable[[State], None]
) -> State:
    """Carries out the steps, one after another, for an environment whose record is `live`.

    `keep` gets the record after each call, so that a later failure does not lose it.

    Returns the record after the last step, as the answers have it.

    Raises:
        ProtonError: of a call; the steps after it are not carried out.
        DeploymentFailed, TimedOut, Interrupted: of a wait.

    """
    for step in steps:
        if isinstance(step, Call):
            live = make([step], operation.proton).get("environment", live)
            keep(live)
        elif isinstance(step, AwaitDeployment):
            live = await_deployment(live, inputs, operation)
        else:
            await_removal(live["name"], inputs, operation)
    return live
