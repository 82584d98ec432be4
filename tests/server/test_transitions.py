"""What the result of a step changes: every status of a deployment, and every state that a step can find."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from proton_server.engine.transitions import (
    AT_REST,
    ENDINGS,
    PAUSES,
    RESTORED,
    STEPS,
    StepResult,
    Transition,
    after_step,
    after_too_many_errors,
)
from proton_server.provisioning import Progress, State

TARGET = {"templateName": "t", "templateMajorVersion": "1", "templateMinorVersion": "0", "spec": "s"}
NOW = 1_000_000.0
DAY = 24 * 60 * 60


def row(status: str = "IN_PROGRESS", phase: str = "begun", *, age: float = 10, **more: Any) -> Any:
    """A deployment's row."""
    message = {"deploymentStatusMessage": more.pop("message")} if "message" in more else {}
    record = {"deploymentStatus": status, "targetState": {"environment": TARGET}, **message}
    return SimpleNamespace(
        **{
            "id": "d",
            "record": record,
            "phase": phase,
            "created_at": NOW - age,
            "notified": {},
            **more,
        }
    )


def after(deployment: Any, progress: Progress, *, step: tuple[str, str] | None = None) -> Transition:
    """The transition after the step of the row, or of the status and phase that it had before."""
    made = STEPS[step or (deployment.record["deploymentStatus"], deployment.phase)]
    return after_step(deployment, StepResult(made, progress, {}), NOW)


def test_every_state_ends_a_deployment_or_has_a_pause() -> None:
    for status, endings in ENDINGS.items():
        assert set(endings) | set(PAUSES) == set(State)
        # What has not begun is cancelled at once, and is what pauses otherwise.
        unbegun = {State.PREPARING, State.BLOCKED} if status == "CANCELLING" else set()
        assert set(endings) & set(PAUSES) == unbegun


def test_every_status_that_is_not_final_has_a_step_in_every_phase_it_can_reach() -> None:
    for status, phase in STEPS:
        assert (status, STEPS[status, phase].next_phase) in STEPS
    assert {status for status, _ in STEPS} == set(ENDINGS)
    # A cancellation may come in any phase of a deployment.
    assert {phase for status, phase in STEPS if status == "IN_PROGRESS"} < {
        phase for status, phase in STEPS if status == "CANCELLING"
    }
    assert {"SUCCEEDED", "FAILED", "CANCELLED", "DELETE_FAILED"} == AT_REST


def test_success_applies_the_target_to_the_environment() -> None:
    outputs, resources = [{"key": "a", "valueString": "b"}], [{"name": "stack"}]

    transition = after(row(), Progress(State.SUCCEEDED, "well", outputs, resources))

    shown = {"deploymentStatus": "SUCCEEDED", "deploymentStatusMessage": "well"}
    assert transition == Transition(
        None,
        record={**shown, "lastModifiedAt": NOW, "completedAt": NOW},
        columns={"outputs": outputs},
        environment_record={
            **shown,
            **TARGET,
            "lastDeploymentSucceededAt": NOW,
            "lastSucceededDeploymentId": "d",
        },
        environment_columns={
            "outputs": outputs,
            "provisioned_resources": resources,
            "provisioned": True,
        },
    )


@pytest.mark.parametrize(("state", "columns"), [(State.FAILED, {}), (State.REFUSED, {"provisioned": False})])
def test_a_failure_leaves_the_environment_at_its_version_and_spec(
    state: State, columns: dict[str, Any]
) -> None:
    transition = after(row(), Progress(state, "no"))

    shown = {"deploymentStatus": "FAILED", "deploymentStatusMessage": "no"}
    assert (transition.environment_record, transition.environment_columns) == (shown, columns)
    assert transition.delay is None


def test_a_deletion_that_succeeded_deletes_the_environment() -> None:
    transition = after(row("DELETE_IN_PROGRESS"), Progress(State.SUCCEEDED))

    assert (transition.deletes_environment, transition.environment_record) == (True, {})
    assert transition.record["deploymentStatus"] == "DELETE_COMPLETE"


def test_a_cancelled_deployment_has_the_message_of_aws() -> None:
    transition = after(row("CANCELLING", "cancelled"), Progress(State.ROLLED_BACK, "rolled back"))

    assert transition.record["deploymentStatus"] == "CANCELLED"
    assert transition.record["deploymentStatusMessage"] == "User initiated cancellation."


def test_a_cancellation_that_came_during_the_step_is_acted_on_without_delay() -> None:
    transition = after(row("CANCELLING"), Progress(State.RUNNING), step=("IN_PROGRESS", "begun"))

    assert (transition.delay, transition.columns) == (0.0, {"phase": "begun"})


def test_the_first_step_notes_that_something_may_exist_and_the_next_follows_without_delay() -> None:
    transition = after(row(phase="new"), Progress(State.RUNNING))

    assert (transition.delay, transition.columns) == (0.0, {"phase": "begun"})
    assert transition.environment_columns == {"provisioned": True}


def test_what_has_begun_and_is_watched_is_left_to_the_watch_unless_it_is_to_be_cancelled() -> None:
    begun = Progress(State.WATCHED, "Creating.")

    assert after(row(phase="new"), begun).delay == 30.0
    assert after(row("CANCELLING", "new"), begun).delay == 0.0


@pytest.mark.parametrize("state", [State.PREPARING, State.BLOCKED])
def test_a_cancellation_of_what_waits_for_something_else_ends_it(state: State) -> None:
    transition = after(row("CANCELLING", "new"), Progress(state, "Waiting for somebody's update."))

    assert (transition.delay, transition.record["deploymentStatus"]) == (None, "CANCELLED")
    assert transition.record["deploymentStatusMessage"] == "User initiated cancellation."


@pytest.mark.parametrize("state", [State.PREPARING, State.BLOCKED, State.OUT_OF_REACH])
def test_a_step_that_began_nothing_is_made_again(state: State) -> None:
    transition = after(row(phase="new"), Progress(state, "Waiting."))

    assert (transition.columns, transition.environment_columns) == ({}, {})
    assert transition.record == transition.environment_record == {"deploymentStatusMessage": "Waiting."}


@pytest.mark.parametrize(
    ("state", "age", "pause"),
    [
        (State.RUNNING, 0, 0.1),
        (State.RUNNING, 20, 2.0),
        (State.RUNNING, 3600, 5.0),
        (State.WATCHED, 20, 30.0),
        (State.BLOCKED, 20, 30.0),
        (State.OUT_OF_REACH, 0, 1.0),
        (State.WAITING, 3600, 60.0),
    ],
)
def test_the_pause_grows_with_the_age_of_the_deployment(state: State, age: float, pause: float) -> None:
    assert after(row(age=age), Progress(state, "m")).delay == pause


@pytest.mark.parametrize("state", [State.RUNNING, State.PREPARING, State.OUT_OF_REACH])
def test_after_a_day_a_deployment_fails_and_says_what_it_waited_for(state: State) -> None:
    transition = after(row(age=DAY + 1), Progress(state, "Waiting."))

    assert transition.record["deploymentStatus"] == "FAILED"
    assert transition.record["deploymentStatusMessage"] == (
        "The deployment did not end within 24 hours. Waiting."
    )


def test_people_may_take_longer_than_a_day() -> None:
    assert after(row(age=DAY + 1), Progress(State.WAITING, "Waiting.")).delay == 60.0


def test_what_could_not_be_looked_at_keeps_the_message_before() -> None:
    assert after(row(message="Waiting for a merge."), Progress(State.WAITING)).record == {}
    assert after(row(message="Waiting for AWS."), Progress(State.RUNNING)).record == {
        "deploymentStatusMessage": None
    }


def test_a_notification_during_the_step_is_taken_into_account_by_the_next() -> None:
    deployment = row(notified={"status": "FAILED"})

    assert after(deployment, Progress(State.SUCCEEDED)) == Transition(delay=0.0)


@pytest.mark.parametrize(
    ("status", "ending"),
    [("IN_PROGRESS", "FAILED"), ("CANCELLING", "FAILED"), ("DELETE_IN_PROGRESS", "DELETE_FAILED")],
)
def test_steps_that_fail_too_often_end_the_deployment(status: str, ending: str) -> None:
    transition = after_too_many_errors(row(status), NOW)

    assert (transition.delay, transition.record["deploymentStatus"]) == (None, ending)
    assert transition.record["deploymentStatusMessage"] == (
        "The server failed at this deployment too many times in a row; its log says why."
    )


@pytest.mark.parametrize("status", ["IN_PROGRESS", "CANCELLING", "DELETE_IN_PROGRESS"])
def test_a_restored_deployment_is_resumed_and_then_goes_on_as_one_that_has_begun(status: str) -> None:
    restored = row(status, RESTORED)

    assert after(restored, Progress(State.RUNNING)).columns == {"phase": "begun"}
    assert after(restored, Progress(State.OUT_OF_REACH, "Waiting")).columns == {}


def test_the_deadline_of_a_restored_deployment_begins_with_the_restore() -> None:
    old = row(age=3 * DAY)
    restored = row(age=3 * DAY)
    restored.record["lastModifiedAt"] = NOW - 60

    assert after(old, Progress(State.RUNNING)).delay is None
    assert after(restored, Progress(State.RUNNING)).delay is not None
