"""The calls that an environment's create and update make: none whose answer is known from the one before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.resources.environment.resource import Environment
from tests.provider.fake_server import ENVIRONMENT, FakeServer, response

INPUTS = {
    "name": "dev",
    "templateName": "vpc",
    "templateMajorVersion": "1",
    "templateMinorVersion": "0",
    "spec": {},
    "protonServiceRoleArn": "arn:aws:iam::111111111111:role/proton",
    "tagsAll": {},
    "waitForDeployment": True,
}
LIVE = ENVIRONMENT | {
    "protonServiceRoleArn": INPUTS["protonServiceRoleArn"],
    "spec": "proton: EnvironmentSpec\nspec: {}\n",
    "lastAttemptedDeploymentId": "first",
}
IN_PROGRESS = {"environment": LIVE | {"deploymentStatus": "IN_PROGRESS"}}
SUCCEEDED = {"environment": LIVE}
OUTPUTS = {"outputs": [{"key": "Url", "valueString": "https://dev"}]}
STATE = INPUTS | {
    "arn": LIVE["arn"],
    "deploymentStatus": "SUCCEEDED",
    "lastAttemptedDeploymentId": "first",
    "outputs": {"Url": "https://known"},
}


@dataclasses.dataclass
class Script:
    """What the server answers, each to one call; and which calls were made."""

    expected: list[str]
    made: list[str] = dataclasses.field(default_factory=list)


@pytest.fixture
def script(fake_server: FakeServer) -> Callable[..., Script]:
    """`script(("CreateEnvironment", answer), …)` gives the server its answers."""

    def prepare(*answers: tuple[str, dict[str, Any]]) -> Script:
        script = Script([operation for operation, _ in answers])
        left = [answer for _, answer in answers]

        def answer(request: BaseHTTPRequestHandler) -> None:
            script.made.append(request.headers["X-Amz-Target"].rpartition(".")[2])
            response(json.dumps(left.pop(0) if left else {}).encode())(request)

        fake_server.answer = answer
        return script

    return prepare


def test_a_create_reads_the_environment_only_to_see_the_end_of_its_deployment(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("CreateEnvironment", IN_PROGRESS),
        ("GetEnvironment", IN_PROGRESS),
        ("GetEnvironment", SUCCEEDED),
        ("ListEnvironmentOutputs", OUTPUTS),
        ("UntagResource", {}),
    )

    made = Environment.create(INPUTS, Operation(proton, "create"))

    assert calls.made == calls.expected
    assert made.state["deploymentStatus"] == "SUCCEEDED"
    assert made.state["outputs"] == {"Url": "https://dev"}


def test_a_create_that_does_not_wait_takes_the_environment_from_the_answer(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("CreateEnvironment", IN_PROGRESS), ("ListEnvironmentOutputs", {"outputs": []}), ("UntagResource", {})
    )

    made = Environment.create(INPUTS | {"waitForDeployment": False}, Operation(proton, "create"))

    assert calls.made == calls.expected
    assert made.state["deploymentStatus"] == "IN_PROGRESS"


def test_an_answer_that_names_an_earlier_deployments_end_does_not_end_the_wait(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("CreateEnvironment", SUCCEEDED),
        ("GetEnvironment", IN_PROGRESS),
        ("GetEnvironment", SUCCEEDED),
        ("ListEnvironmentOutputs", OUTPUTS),
        ("UntagResource", {}),
    )

    Environment.create(INPUTS, Operation(proton, "create"))

    assert calls.made == calls.expected


def test_an_update_of_metadata_takes_the_environment_from_the_answer(
    script: Callable[..., Script], proton: Proton
) -> None:
    changed = {"environment": LIVE | {"description": "new"}}
    calls = script(
        ("GetEnvironment", SUCCEEDED),
        ("ListTagsForResource", {"tags": []}),
        ("UpdateEnvironment", changed),
    )

    state = Environment.update("dev", STATE, INPUTS | {"description": "new"}, Operation(proton, "update"))

    assert calls.made == calls.expected
    assert (state["description"], state["outputs"]) == ("new", STATE["outputs"])


def test_a_read_takes_the_outputs_of_the_deployment_that_the_state_has_from_the_state(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(("GetEnvironment", SUCCEEDED), ("ListTagsForResource", {"tags": []}))

    state = Environment.read("dev", STATE, Operation(proton, "read"))

    assert calls.made == calls.expected
    assert state is not None
    assert state["outputs"] == STATE["outputs"]


@pytest.mark.parametrize(
    ("live", "state"),
    [
        ({"lastAttemptedDeploymentId": "second"}, {}),
        ({"deploymentStatus": "FAILED"}, {}),
        ({}, {"deploymentStatus": "IN_PROGRESS"}),
        ({"codebuildRoleArn": INPUTS["protonServiceRoleArn"]}, {}),
        ({"protonServiceRoleArn": None, "provisioning": "CUSTOMER_MANAGED"}, {}),
        ({"lastAttemptedDeploymentId": None}, {"lastAttemptedDeploymentId": None}),
    ],
    ids=[
        "deployed since",
        "failed",
        "known before its end",
        "builds notify",
        "its owner notifies",
        "unknown",
    ],
)
def test_a_read_asks_for_outputs_that_may_have_changed(
    script: Callable[..., Script], proton: Proton, live: dict[str, Any], state: dict[str, Any]
) -> None:
    record = {wire: value for wire, value in (LIVE | live).items() if value is not None}
    calls = script(
        ("GetEnvironment", {"environment": record}),
        ("ListEnvironmentOutputs", OUTPUTS),
        ("ListTagsForResource", {"tags": []}),
    )

    found = Environment.read("dev", STATE | state, Operation(proton, "read"))

    assert calls.made == calls.expected
    assert found is not None
    assert found["outputs"] == {"Url": "https://dev"}
