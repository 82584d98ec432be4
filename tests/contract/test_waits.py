"""Many operations that wait at once, against a live server whose deployments take seconds."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.aws.operation import Operation, Verb
from aws_proton_provider.core.errors import DeploymentFailed, Interrupted
from aws_proton_provider.resources.environment.waits import await_deployment, await_removal
from tests.bundles import bundle
from tests.contract.conftest import SCHEMA, TEMPLATE
from tests.engine.project import calls
from tests.names import ACCOUNT, REGION, SERVICE_ROLE
from tests.servers import LocalServer, publisher

MANY = 50
SHORTEST_PAUSE = 0.2
"""Seconds between two listings, at least."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server on which every stack operation takes four seconds."""
    server = LocalServer(tmp_path_factory.mktemp("server"), ("--deploy-seconds", "4"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def template(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template whose stack fails on demand, once it is being created."""
    late = TEMPLATE.replace("DisplayName: !GetAtt Nothing.Arn", "TopicNam: misspelt")
    return publisher(server)(bundle(tmp_path_factory.mktemp("bundle") / "b", schema=SCHEMA, template=late))


@pytest.fixture
def proton(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Proton:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    config = {"aws-proton:region": REGION, "aws-proton:endpoint": server.url}
    return Proton(target(Configuration.of_stack(config), None))


@pytest.fixture
def create(proton: Proton, template: str) -> Callable[..., dict[str, Any]]:
    """Begins an environment's first deployment; returns the answer's record."""

    def environment(name: str, title: str = "news", *, fails: bool = False) -> dict[str, Any]:
        record: dict[str, Any] = proton.call(
            "create_environment",
            name=name,
            templateName=template,
            templateMajorVersion="1",
            spec=f"proton: EnvironmentSpec\nspec: {{title: {title}, fails: {str(fails).lower()}}}\n",
            protonServiceRoleArn=SERVICE_ROLE,
        )["environment"]
        return record

    return environment


def _updated(proton: Proton, name: str) -> dict[str, Any]:
    record: dict[str, Any] = proton.call(
        "update_environment",
        name=name,
        deploymentType="CURRENT_VERSION",
        spec="proton: EnvironmentSpec\nspec: {title: other}\n",
    )["environment"]
    return record


def test_fifty_waits_cost_a_listing_a_tick_and_one_call_each(
    server: LocalServer, proton: Proton, create: Callable[..., dict[str, Any]]
) -> None:
    shown: dict[str, list[str]] = {f"e{number}": [] for number in range(MANY)}
    live = [create(name) for name in shown]
    before, begun = len(calls(server)), time.monotonic()

    def wait(environment: dict[str, Any]) -> dict[str, Any]:
        operation = Operation(proton, "create", status=shown[environment["name"]].append)
        return await_deployment(environment, {}, operation)

    with ThreadPoolExecutor(MANY) as threads:
        ended = list(threads.map(wait, live))

    ticks = (time.monotonic() - begun) / SHORTEST_PAUSE + 1
    made = Counter(calls(server)[before:])
    assert {environment["deploymentStatus"] for environment in ended} == {"SUCCEEDED"}
    assert made.keys() == {"ListEnvironments", "GetEnvironment"}
    assert made["GetEnvironment"] >= MANY
    # One call a tick, of the listing or by the last one alone; and one for each at its end.
    assert made.total() <= MANY + ticks
    # In between is what CloudFormation was at.
    for lines in shown.values():
        assert (lines[0], lines[-1]) == ("IN_PROGRESS", "SUCCEEDED")
        assert all(line.startswith("IN_PROGRESS: Creating") for line in lines[1:-1])


def test_a_removal_and_a_failure_are_seen_among_others_that_wait(
    proton: Proton, create: Callable[..., dict[str, Any]]
) -> None:
    def waited(verb: Verb, environment: dict[str, Any]) -> list[str]:
        shown: list[str] = []
        operation = Operation(proton, verb, status=shown.append)
        if verb == "delete":
            await_removal(environment["name"], {}, operation)
            return shown
        try:
            await_deployment(environment, {}, operation)
        except DeploymentFailed as failure:
            shown.append(str(failure))
        return shown

    await_deployment(create("leaves"), {}, Operation(proton, "create"))
    proton.call("delete_environment", name="leaves")
    others = [create("stays"), create("fails", fails=True)]
    with ThreadPoolExecutor(3) as threads:
        leaves = threads.submit(waited, "delete", {"name": "leaves"})
        stays, fails = (threads.submit(waited, "create", environment) for environment in others)

    first, *then = leaves.result()
    assert first == "DELETE_IN_PROGRESS"
    assert all(line.startswith("DELETE_IN_PROGRESS: Deleting") for line in then)
    first, *then, last = stays.result()
    assert (first, last) == ("IN_PROGRESS", "SUCCEEDED")
    assert any(line.startswith("IN_PROGRESS: Creating") for line in then)
    in_progress, *then, failed, error = fails.result()
    assert in_progress == "IN_PROGRESS"
    assert any(re.match("IN_PROGRESS: Rolling back.*Broken", line) for line in then)
    assert failed.startswith("FAILED: ")
    assert "Broken" in failed  # the resource that failed
    assert error.startswith("environment fails: FAILED: ")


def test_an_interruption_ends_a_wait_and_leaves_the_deployment(
    proton: Proton, create: Callable[..., dict[str, Any]]
) -> None:
    operation = Operation(proton, "create", interrupted=threading.Event())
    live = create("interrupted")
    operation.interrupted.set()

    with pytest.raises(
        Interrupted, match=r"interrupted: the deployment of this create was not awaited.* still"
    ):
        await_deployment(live, {}, operation)

    assert await_deployment(live, {}, Operation(proton, "create"))["deploymentStatus"] == "SUCCEEDED"


def test_an_interruption_cancels_the_deployment_where_the_program_says_so(
    proton: Proton, create: Callable[..., dict[str, Any]]
) -> None:
    await_deployment(create("cancelled"), {}, Operation(proton, "create"))
    live = _updated(proton, "cancelled")
    operation = Operation(proton, "update", interrupted=threading.Event())
    operation.interrupted.set()

    with pytest.raises(
        Interrupted, match=r"cancelled: the deployment of this update .*it is being cancelled"
    ):
        await_deployment(live, {"cancelOnInterrupt": True}, operation)

    with pytest.raises(DeploymentFailed, match="CANCELLED: User initiated cancellation"):
        await_deployment(live, {}, Operation(proton, "update"))


def test_a_creation_that_cannot_be_cancelled_goes_on_and_says_why(
    proton: Proton, create: Callable[..., dict[str, Any]]
) -> None:
    live = create("first")
    operation = Operation(proton, "create", interrupted=threading.Event())
    operation.interrupted.set()

    with pytest.raises(Interrupted, match=r"it could not be cancelled .*has no update in progress"):
        await_deployment(live, {"cancelOnInterrupt": True}, operation)

    assert await_deployment(live, {}, Operation(proton, "create"))["deploymentStatus"] == "SUCCEEDED"
