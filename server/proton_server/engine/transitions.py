"""How a deployment moves: every status it can have, what is done in it, and what the result changes.

Rule: everything that decides this is here, in three tables and a pure function: `STEPS` has what is done
next, `ENDINGS` how a deployment ends, `PAUSES` when one that has not ended is looked at again; `after_step`
reads them and returns what is to be written, as a value. No database, no AWS, no clock here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from proton_server.provisioning import Progress, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import sqlalchemy as sa

    from proton_server.provisioning import Provisioner, Work


RESTORED = "restored"
"""The phase of a deployment in progress once its database was restored from a backup."""


class Step(NamedTuple):
    """What is done with a deployment."""

    call: Callable[[Provisioner, Work], Progress]
    next_phase: str
    """The phase of the deployment afterwards, if it is in progress."""


STEPS: Mapping[tuple[str, str], Step] = {
    ("IN_PROGRESS", "new"): Step(lambda method, work: method.start(work), "begun"),
    ("IN_PROGRESS", "begun"): Step(lambda method, work: method.observe(work), "begun"),
    # A cancelled deployment is started all the same: it may have begun before a crash.
    ("CANCELLING", "new"): Step(lambda method, work: method.start(work), "begun"),
    ("CANCELLING", "begun"): Step(lambda method, work: method.cancel(work), "cancelled"),
    ("CANCELLING", "cancelled"): Step(lambda method, work: method.observe(work), "cancelled"),
    ("DELETE_IN_PROGRESS", "new"): Step(lambda method, work: method.remove(work), "begun"),
    ("DELETE_IN_PROGRESS", "begun"): Step(lambda method, work: method.observe_removal(work), "begun"),
    # In progress when the backup was made from which the database was restored: AWS may be further.
    ("IN_PROGRESS", RESTORED): Step(lambda method, work: method.resume(work), "begun"),
    ("CANCELLING", RESTORED): Step(lambda method, work: method.resume(work), "begun"),
    ("DELETE_IN_PROGRESS", RESTORED): Step(lambda method, work: method.resume_removal(work), "begun"),
}
"""Status and phase of a deployment → the next step."""

ENDINGS: Mapping[str, Mapping[State, str]] = {
    "IN_PROGRESS": {
        State.SUCCEEDED: "SUCCEEDED",
        State.FAILED: "FAILED",
        State.REFUSED: "FAILED",
        State.ROLLED_BACK: "FAILED",
        State.CANCELLED: "CANCELLED",
    },
    "CANCELLING": {
        State.SUCCEEDED: "SUCCEEDED",
        State.FAILED: "FAILED",
        State.REFUSED: "FAILED",
        State.ROLLED_BACK: "CANCELLED",
        State.CANCELLED: "CANCELLED",
        # Nothing of it has begun: what it waits for goes on without it.
        State.PREPARING: "CANCELLED",
        State.BLOCKED: "CANCELLED",
    },
    "DELETE_IN_PROGRESS": {
        State.SUCCEEDED: "DELETE_COMPLETE",
        State.FAILED: "DELETE_FAILED",
        State.REFUSED: "DELETE_FAILED",
        State.ROLLED_BACK: "DELETE_FAILED",
        State.CANCELLED: "DELETE_FAILED",
    },
}
"""Status of a deployment and state of its progress → final status. Other states are those in progress."""

PAUSES: Mapping[State, tuple[float, float]] = {
    State.PREPARING: (0.1, 5.0),
    State.RUNNING: (0.1, 5.0),
    State.BLOCKED: (30.0, 60.0),
    State.WATCHED: (30.0, 60.0),  # the process that watches may have ended
    State.OUT_OF_REACH: (1.0, 60.0),
    State.OUT_OF_SIGHT: (30.0, 60.0),
    State.WAITING: (0.1, 60.0),  # a hosting service limits the number of requests
}
"""State of the progress → seconds until the next step, at least and at most."""

_SAME_STEP = (State.PREPARING, State.BLOCKED, State.OUT_OF_REACH, State.OUT_OF_SIGHT)
"""States after which the same step is made again."""

AT_REST = frozenset(status for endings in ENDINGS.values() for status in endings.values()) - {
    "DELETE_COMPLETE"
}
"""Statuses of an environment in which an update or the deletion may start.

An update after a failed deletion may be what makes the next one possible: another role, a new connection.
"""

_CANCELLED_MESSAGE = "User initiated cancellation."  # AWS's own words
_GIVEN_UP_MESSAGE = "The server failed at this deployment too many times in a row; its log says why."
_LATE_MESSAGE = "The deployment did not end within 24 hours."
_DEADLINE_SECONDS = 24 * 60 * 60
"""For what machines do. AWS does not document how long it waits for people, so they have no deadline."""


class StepResult(NamedTuple):
    """A step that was made, and what came of it."""

    step: Step
    progress: Progress
    notified: dict[str, Any]
    """The notifications that the step knew of."""
    engine: str = ""
    """The template engine, which names the provisioning method."""


@dataclass(frozen=True)
class Transition:
    """What a step changes in the database."""

    delay: float | None
    """Seconds until the next step; None: the deployment has ended."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """Members of the deployment's record."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Other columns of the deployment's row."""
    environment_record: Mapping[str, Any] = field(default_factory=dict)
    environment_columns: Mapping[str, Any] = field(default_factory=dict)
    deletes_environment: bool = False


def after_step(row: sa.Row[Any], result: StepResult, now: float) -> Transition:
    """What the result of a step changes.

    Args:
        row: of the deployment, fresh: a cancellation or a notification may have come during the step.
        result: of the step.
        now: epoch seconds.

    """
    if row.notified != result.notified:
        return Transition(delay=0.0)  # the next step takes the notification into account
    status, progress = row.record["deploymentStatus"], result.progress
    ending, message = ENDINGS[status].get(progress.state), progress.message
    # One of a restored database may be older than the deadline, and was modified by that.
    since = max(row.created_at, row.record.get("lastModifiedAt", 0.0))
    is_late = now - since > _DEADLINE_SECONDS and progress.state is not State.WAITING
    if ending is None and is_late:
        ending, message = ENDINGS[status][State.FAILED], f"{_LATE_MESSAGE} {message}".strip()
    if ending is None:
        return _in_progress(row, result, now)
    if (status, ending) == ("CANCELLING", "CANCELLED"):
        message = _CANCELLED_MESSAGE
    return _ended(row, progress, ending, message, now)


def after_too_many_errors(row: sa.Row[Any], now: float) -> Transition:
    """The end of a deployment whose steps raised too often."""
    failed = ENDINGS[row.record["deploymentStatus"]][State.FAILED]
    return _ended(row, Progress(State.FAILED), failed, _GIVEN_UP_MESSAGE, now)


def _in_progress(row: sa.Row[Any], result: StepResult, now: float) -> Transition:
    progress = result.progress
    shortest, longest = PAUSES[progress.state]
    pause = min(longest, max(shortest, (now - row.created_at) / 10))
    shown = _new_message(row, progress)
    if progress.state in _SAME_STEP:
        return Transition(pause, record=shown, environment_record=shown)
    phase = result.step.next_phase
    # A new phase that nobody watches, and a cancellation that came in the middle of the step.
    is_unwatched = phase != row.phase and progress.state is not State.WATCHED
    at_once = is_unwatched or (row.record["deploymentStatus"], phase) == ("CANCELLING", "begun")
    return Transition(
        0.0 if at_once else pause,
        record=shown,
        columns={"phase": phase},
        environment_record=shown,
        environment_columns={"provisioned": True} if row.phase == "new" else {},
    )


def _new_message(row: sa.Row[Any], progress: Progress) -> dict[str, Any]:
    """The members that show what is being waited for, if that has changed."""
    message = progress.message or None
    if row.record.get("deploymentStatusMessage") == message:
        return {}
    if progress.state is State.WAITING and message is None:
        return {}  # it could not be looked at, and what was seen last may still be true
    return {"deploymentStatusMessage": message}


def _ended(row: sa.Row[Any], progress: Progress, ending: str, message: str, now: float) -> Transition:
    shown = {"deploymentStatus": ending, "deploymentStatusMessage": message or None}
    record = {**shown, "lastModifiedAt": now, "completedAt": now}
    columns = {"outputs": progress.outputs}
    if ending == "DELETE_COMPLETE":
        return Transition(None, record, columns, deletes_environment=True)
    if ending == "SUCCEEDED":
        succeeded = {"lastDeploymentSucceededAt": now, "lastSucceededDeploymentId": row.id}
        return Transition(
            None,
            record,
            columns,
            environment_record={**shown, **succeeded, **row.record["targetState"]["environment"]},
            environment_columns={
                "outputs": progress.outputs,
                "provisioned_resources": progress.resources,
                "provisioned": True,
            },
        )
    return Transition(
        None,
        record,
        columns,
        environment_record=shown,
        environment_columns={"provisioned": False} if progress.state is State.REFUSED else {},
    )
