"""Reading an environment, once or until a deployment has ended."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.aws.waiting import wait_until
from aws_proton_provider.core.declaration import Resource
from aws_proton_provider.core.errors import (
    AccessDenied,
    DeploymentFailed,
    Interrupted,
    NotFound,
    ProtonError,
    Refused,
)
from aws_proton_provider.core.provisioning import Provisioner
from aws_proton_provider.core.records import from_record
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.connection_lookup import find_connection_of_refresh
from aws_proton_provider.resources.environment.deployment_type import FAILED, provisioner
from aws_proton_provider.resources.environment.listing import watch_of

_T = TypeVar("_T")

_TIMEOUT = "90m"
_DEPLOYING = ("IN_PROGRESS", "CANCELLING")
_DELETING = ("DELETE_IN_PROGRESS",)
_KNOWN = (*_DEPLOYING, "SUCCEEDED", *FAILED, *_DELETING, "DELETE_COMPLETE")
"""Values of DeploymentStatus."""

_SHOWN = ("deploymentStatus", "deploymentStatusMessage")
"""The members of an environment whose changes are shown."""


def get_environment(name: str, proton: Proton) -> State:
    """GetEnvironment's record.

    Raises:
        NotFound: there is none of this name.

    """
    environment: State = proton.call("get_environment", name=name)["environment"]
    return environment


def is_deploying(environment: State) -> bool:
    """Whether a deployment of the environment is in progress."""
    return environment.get("deploymentStatus") in _DEPLOYING


def with_outputs(resource: type[Resource], live: State, state: State, proton: Proton) -> State:
    """The properties of a live environment, with its outputs."""
    return from_record(resource, live) | {"outputs": outputs_of(resource, live, state, proton)}


def outputs_of(resource: type[Resource], live: State, state: State, proton: Proton) -> Mapping[str, str]:
    """The outputs of a live environment: where the state has them, these."""
    if _has_outputs(resource, live, state):
        known: Mapping[str, str] = state["outputs"]
        return known
    listed = proton.all_of("list_environment_outputs", "outputs", environmentName=live["name"])
    outputs: Mapping[str, str] = from_record(resource, {"outputs": listed})["outputs"]
    return outputs


def _has_outputs(resource: type[Resource], live: State, state: State) -> bool:
    """Whether the outputs in a state are those that the live environment still has.

    They are those of the last deployment that succeeded, except where whoever provisions may report others.
    """
    deployment = ("lastAttemptedDeploymentId", "deploymentStatus")
    given = [item for item in resource.properties if item.provisioner and item.wire in live]
    return (
        bool(given)
        and not any(item.notifies for item in given)
        and "outputs" in state
        and all(live.get(wire) == state.get(wire) for wire in deployment)
        and live.get("lastAttemptedDeploymentId") is not None
        and live["deploymentStatus"] == "SUCCEEDED"
    )


def without_deleted_connection(resource: type[Resource], found: State, operation: Operation) -> State:
    """The properties without a connection that was deleted: AWS goes on naming it, but it does not exist."""
    given = provisioner(resource, found)
    if given is None or given.provisioner is not Provisioner.ENVIRONMENT_ACCOUNT:
        return found
    try:
        connection = find_connection_of_refresh(found[given.wire], found, operation, reader=found["name"])
    except AccessDenied:
        return found
    return found if connection else {wire: value for wire, value in found.items() if wire != given.wire}


def await_settled(name: str, inputs: State, operation: Operation) -> State:
    """The environment once no deployment is in progress.

    Raises:
        NotFound: it does not exist any more; says what to do.
        TimedOut: the operation's time has passed.
        Interrupted: the user ended it.

    """
    wait = _Wait(name, f"the deployment before this {operation.verb}", inputs, operation)
    try:
        return wait.until(lambda: _ended(wait), _DEPLOYING)
    except NotFound:
        raise NotFound(
            f"environment {name} does not exist any more: run `pulumi up --refresh`, which creates it again"
        ) from None


def await_deployment(live: State, inputs: State, operation: Operation) -> State:
    """Waits for the deployment just begun, unless the program says `waitForDeployment=False`.

    `live` is the environment in the answer to what began it; returns it after the deployment.

    Raises:
        DeploymentFailed: it ended without success; with AWS's message.
        TimedOut: the operation's time has passed.
        Interrupted: the user ended it.
        Refused: its status is one that the provider does not know.

    """
    if not inputs.get("waitForDeployment", True):
        return live
    wait = _Wait(live["name"], f"the deployment of this {operation.verb}", inputs, operation)
    begins = live if is_deploying(live) else None
    try:
        environment = wait.until(lambda: _ended(wait), _DEPLOYING, begins)
    except Interrupted as interruption:
        if inputs.get("cancelOnInterrupt"):
            raise _cancelled(live["name"], interruption, operation) from None
        raise
    require_success(environment, operation)
    return environment


def _cancelled(name: str, interruption: Interrupted, operation: Operation) -> Interrupted:
    """Cancels the deployment that an interrupted operation waited for; returns what the user should know."""
    try:
        operation.proton.call("cancel_environment_deployment", environmentName=name)
    except ProtonError as error:
        return Interrupted(f"{interruption} (it could not be cancelled as cancelOnInterrupt says: {error})")
    return Interrupted(
        f"environment {name}: the deployment of this {operation.verb} was not awaited, since Pulumi was "
        "interrupted: it is being cancelled, as cancelOnInterrupt says; run `pulumi up` again to deploy"
    )


def require_success(environment: State, operation: Operation) -> None:
    """Makes sure that a deployment that was awaited has succeeded.

    Raises:
        DeploymentFailed: it has not; with AWS's message.
        Refused: its status is one that the provider does not know.

    """
    _require_known(environment)
    if environment["deploymentStatus"] != "SUCCEEDED":
        forgotten = operation.verb == "create" and not operation.keeps_failed
        raise _failed(environment, (_FORGOTTEN if forgotten else _AGAIN).format(name=environment["name"]))


def await_removal(name: str, inputs: State, operation: Operation) -> None:
    """Waits until the environment, whose deletion has begun, does not exist any more.

    Raises:
        DeploymentFailed: its deletion failed; with AWS's message.
        TimedOut: the operation's time has passed.
        Interrupted: the user ended it.
        Refused: its status is one that the provider does not know.

    """
    wait = _Wait(name, "its deletion", inputs, operation)

    def removed() -> bool | None:
        try:
            environment = wait.look()
        except NotFound:
            return True
        if environment["deploymentStatus"] == "DELETE_FAILED":
            raise _failed(environment, "fix the cause and run the command again")
        _require_known(environment)
        return environment["deploymentStatus"] == "DELETE_COMPLETE" or None

    wait.until(removed, _DELETING, {"deploymentStatus": _DELETING[0]})


_AGAIN = "fix the cause and run `pulumi up` again, which deploys this environment again"
_FORGOTTEN = (
    "fix the cause and run `pulumi up` again, which adopts this environment. Until then it is not "
    "in Pulumi's state, and `pulumi destroy` does not delete it; to delete it, run `aws proton "
    "delete-environment --name {name}`"
)
"""What to do after a failed deployment: where Pulumi keeps the environment in its state, and where not."""


class _Wait:
    """A wait for an environment, which shows each change of its status in the operation's status line.

    Args:
        name: The environment's.
        event: What is waited for.
        inputs: The operation's, with its `timeouts`.
        operation: Which waits.

    """

    def __init__(self, name: str, event: str, inputs: State, operation: Operation) -> None:
        self._name, self._operation = name, operation
        self._what, self._seconds = f"environment {name}: {event}", operation.patience(inputs, _TIMEOUT)
        self._seen: State = {}

    def until(
        self, look: Callable[[], _T | None], going_on: Collection[str], begins: State | None = None
    ) -> _T:
        """What `look` answers once it does, asked when the status is none of those `going_on` any more.

        `begins` is the environment as the answer to what began this has it.

        Raises:
            TimedOut, Interrupted: as `wait_until`.

        """
        if begins:
            self._show(begins)
        operation, watch = self._operation, watch_of(self._operation.proton)
        with watch.wait(self._name, operation.interrupted) as wait:

            def sleep(ends: float) -> None:
                while summary := watch.sleep(wait, self._seen, ends):
                    self._show(summary)
                    if summary["deploymentStatus"] not in going_on:
                        return

            def looks() -> Iterator[_T | None]:
                if begins:
                    yield None  # it has only just begun
                while True:
                    yield look()

            ask: Callable[[], _T | None] = functools.partial(next, looks())
            return wait_until(ask, self._seconds, self._what, operation, sleep=sleep)

    def look(self) -> State:
        """The environment.

        Raises:
            NotFound: it does not exist.

        """
        environment = get_environment(self._name, self._operation.proton)
        self._show(environment)
        return environment

    def _show(self, environment: State) -> None:
        seen = {member: environment.get(member) for member in _SHOWN}
        # What had ended before this wait began is no news: only an update or a deletion asks for it.
        is_news = bool(self._seen) or environment["deploymentStatus"] in (*_DEPLOYING, *_DELETING)
        if seen != self._seen:
            self._seen = seen
            if is_news:
                self._operation.status(": ".join(str(value) for value in seen.values() if value))


def _ended(wait: _Wait) -> State | None:
    """The environment, None while a deployment is in progress."""
    environment = wait.look()
    return None if is_deploying(environment) else environment


def _require_known(environment: State) -> None:
    """Makes sure that the status is a known one: a new one could mean any outcome, or none yet.

    Before an update or a deletion it is not asked: there the server itself refuses what is not possible.

    Raises:
        Refused: it is not.

    """
    status = environment["deploymentStatus"]
    if status not in _KNOWN:
        raise Refused(
            f"environment {environment['name']} has the deploymentStatus {status}, which this version of the "
            "provider does not know, so it cannot tell whether the deployment has ended: check it with "
            f"`aws proton get-environment --name {environment['name']}`, or use a newer version"
        )


def _failed(environment: State, advice: str) -> DeploymentFailed:
    message = environment.get("deploymentStatusMessage") or "AWS gives no reason"
    return DeploymentFailed(
        f"environment {environment['name']}: {environment['deploymentStatus']}: {message} ({advice})"
    )
