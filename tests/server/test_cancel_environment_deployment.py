"""CancelEnvironmentDeployment over HTTP: its three outcomes, and each refusal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bundles import TEMPLATE, bundle, spec
from tests.refusals import refused
from tests.server.environments import create, stack_status
from tests.servers import LocalServer
from tests.waiting import ended, eventually


def test_a_cancelled_update_returns_to_the_previous_spec(slow: LocalServer, slow_template: str) -> None:
    proton = slow.client("proton")
    before = ended(proton, create(proton, slow_template)["name"])
    name = before["name"]
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="never"))
    eventually(lambda: stack_status(slow, name) == "UPDATE_IN_PROGRESS")

    reply = proton.cancel_environment_deployment(environmentName=name)["environment"]
    again = proton.cancel_environment_deployment(environmentName=name)["environment"]
    after = ended(proton, name)

    assert (reply["deploymentStatus"], reply["spec"]) == ("CANCELLING", before["spec"])
    assert again == reply
    assert (after["deploymentStatus"], after["deploymentStatusMessage"]) == (
        "CANCELLED",
        "User initiated cancellation.",
    )
    assert after["spec"] == before["spec"]
    assert stack_status(slow, name) == "UPDATE_ROLLBACK_COMPLETE"
    deployment = proton.get_deployment(id=after["lastAttemptedDeploymentId"])["deployment"]
    assert deployment["deploymentStatus"] == "CANCELLED"
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="later"))
    assert ended(proton, name)["spec"] == spec(title="later")


def test_an_update_that_ends_before_its_cancellation_succeeds(
    slow: LocalServer, published_template: Callable[..., str], tmp_path: Path
) -> None:
    # Nothing changes for CloudFormation, so the update is over before anything can be cancelled.
    proton = slow.client("proton")
    name = published_template(bundle(tmp_path / "b", template=TEMPLATE.split("Outputs")[0]), server=slow)
    environment = ended(proton, create(proton, name)["name"])["name"]
    proton.update_environment(name=environment, deploymentType="CURRENT_VERSION")

    with suppress(proton.exceptions.ConflictException):  # it may have ended already
        proton.cancel_environment_deployment(environmentName=environment)

    assert ended(proton, environment)["deploymentStatus"] == "SUCCEEDED"


def test_an_update_that_fails_by_itself_and_cannot_be_cancelled_fails(
    slow: LocalServer, published_template: Callable[..., str], tmp_path: Path
) -> None:
    # The update is refused at the call: there is nothing to cancel, and nothing was rolled back.
    proton = slow.client("proton")
    template = TEMPLATE.replace("!Ref Topic", "!Ref {{ 'Nothing' if environment.inputs.fifo else 'Topic' }}")
    name = published_template(bundle(tmp_path / "b", template=template), server=slow)
    environment = ended(proton, create(proton, name)["name"])["name"]
    proton.update_environment(name=environment, deploymentType="CURRENT_VERSION", spec=spec(fifo=True))

    with suppress(proton.exceptions.ConflictException):  # it may have ended already
        proton.cancel_environment_deployment(environmentName=environment)

    assert ended(proton, environment)["deploymentStatus"] == "FAILED"


def test_only_an_update_in_progress_can_be_cancelled(proton: Any, template: str) -> None:
    name = ended(proton, create(proton, template)["name"])["name"]

    with refused(
        "ConflictException", f"Environment {name} is SUCCEEDED and has no update in progress to cancel"
    ):
        proton.cancel_environment_deployment(environmentName=name)
    with refused("ResourceNotFoundException", "Environment not found: missing"):
        proton.cancel_environment_deployment(environmentName="missing")
