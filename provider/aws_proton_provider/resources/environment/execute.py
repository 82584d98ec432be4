"""Carries out the steps of a plan. What they are is decided in `plan.py`."""

from __future__ import annotations

from collections.abc import Iterable

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.calls import Call, make
from aws_proton_provider.resources.environment.plan import AwaitDeployment, Step
from aws_proton_provider.resources.environment.waits import await_deployment, await_removal


def execute(steps: Iterable[Step], inputs: State, proton: Proton) -> None:
    """Carries out the steps for the environment of `inputs`, one after another.

    Raises:
        ProtonError: of a call; the steps after it are not carried out.
        DeploymentFailed, TimedOut: of a wait.

    """
    for step in steps:
        if isinstance(step, Call):
            make([step], proton)
        elif isinstance(step, AwaitDeployment):
            await_deployment(inputs["name"], inputs, step.verb, proton)
        else:
            await_removal(inputs["name"], inputs, proton)
