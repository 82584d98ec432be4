"""Looking at an environment until what was begun with it has ended."""

from __future__ import annotations

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.waiting import patience, wait_until
from aws_proton_provider.core.errors import DeploymentFailed, NotFound, Refused
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.environment.deployment_type import FAILED

_PATIENCE = "90m"
_DEPLOYING = ("IN_PROGRESS", "CANCELLING")
_KNOWN = (*_DEPLOYING, "SUCCEEDED", *FAILED, "DELETE_IN_PROGRESS", "DELETE_COMPLETE")
"""Values of DeploymentStatus."""


def look(name: str, proton: Proton) -> State:
    """GetEnvironment's record.

    Raises:
        NotFound: there is none of this name.

    """
    environment: State = proton.call("get_environment", name=name)["environment"]
    return environment


def settled(name: str, inputs: State, verb: str, proton: Proton) -> State:
    """The environment once no deployment is in progress.

    Raises:
        NotFound: it is gone; says what to do.
        TimedOut: the verb's timeout passed.

    """
    before = f"environment {name}: the deployment before this {verb}"
    try:
        return wait_until(lambda: _ended(name, proton), patience(inputs, verb, _PATIENCE), before, verb)
    except NotFound:
        raise NotFound(
            f"environment {name} does not exist any more: run `pulumi up --refresh`, which creates it again"
        ) from None


def await_deployment(name: str, inputs: State, verb: str, proton: Proton) -> None:
    """Waits for the deployment just begun, unless the program does not want to.

    Raises:
        DeploymentFailed: it ended otherwise than asked for, with what AWS said.
        TimedOut: the verb's timeout passed.
        Refused: its status is one that the provider does not know.

    """
    if not inputs.get("waitForDeployment", True):
        return
    environment = wait_until(
        lambda: _ended(name, proton),
        patience(inputs, verb, _PATIENCE),
        f"environment {name}: the deployment of this {verb}",
        verb,
    )
    _require_known(environment)
    if environment["deploymentStatus"] != "SUCCEEDED":
        raise _failed(environment, _ADVICE[verb].format(name=name))


def await_removal(name: str, inputs: State, proton: Proton) -> None:
    """Waits until the environment is gone.

    Raises:
        DeploymentFailed: its deletion failed, with what AWS said.
        TimedOut: the timeout of `delete` passed.
        Refused: its status is one that the provider does not know.

    """

    def gone() -> bool | None:
        try:
            environment = look(name, proton)
        except NotFound:
            return True
        if environment["deploymentStatus"] == "DELETE_FAILED":
            raise _failed(environment, "fix the cause and run the command again")
        _require_known(environment)
        return environment["deploymentStatus"] == "DELETE_COMPLETE" or None

    wait_until(gone, patience(inputs, "delete", _PATIENCE), f"environment {name}: its deletion", "delete")


_ADVICE = {
    "create": "fix the cause and run `pulumi up` again, which goes on with this environment. Until then "
    "Pulumi does not know of it, and `pulumi destroy` leaves it; to delete it, `aws proton "
    "delete-environment --name {name}`",
    "update": "fix the cause and run `pulumi up` again, which goes on with this environment",
}
"""What to do after a failed deployment of a create or update."""


def _ended(name: str, proton: Proton) -> State | None:
    """The environment, None while a deployment is in progress."""
    environment = look(name, proton)
    return None if environment["deploymentStatus"] in _DEPLOYING else environment


def _require_known(environment: State) -> None:
    """Makes sure that the status can be judged: one that is new could mean any outcome, or none yet.

    Before an update or a deletion it is not asked: there the server itself refuses what cannot be.

    Raises:
        Refused: it cannot.

    """
    status = environment["deploymentStatus"]
    if status not in _KNOWN:
        raise Refused(
            f"environment {environment['name']} has the deploymentStatus {status}, which this version of the "
            "provider does not know, so that it cannot say whether what was begun has ended: look at it with "
            f"`aws proton get-environment --name {environment['name']}`, or use a newer version"
        )


def _failed(environment: State, advice: str) -> DeploymentFailed:
    said = environment.get("deploymentStatusMessage") or "AWS gives no reason"
    return DeploymentFailed(
        f"environment {environment['name']}: {environment['deploymentStatus']}: {said} ({advice})"
    )
