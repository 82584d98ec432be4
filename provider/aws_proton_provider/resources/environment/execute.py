"""Carries out the steps of a plan. What they are is decided in `plan.py`."""

from __future__ import annotations

from collections.abc import Iterable

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.calls import Call, make
from aws_proton_provider.resources.environment.plan import AwaitDeployment, Step
from aws_proton_provider.resources.environment.waits import await_deployment, await_removal


def execute(steps: Iterable[Step], live: State, inputs: State, proton: Proton) -> State:
    """Carries out the steps, one after another, for an environment whose record is `live`.

    Returns the record after the last one, as the answers have it.

    Raises:
        ProtonError: of a call; the steps after it are not carried out.
        DeploymentFailed, TimedOut: of a wait.

    """
    for step in steps:
        if isinstance(step, Call):
            live = make([step], proton).get("environment", live)
        elif isinstance(step, AwaitDeployment):
            live = await_deployment(live, inputs, step.verb, proton)
        else:
            await_removal(live["name"], inputs, proton)
    return live
