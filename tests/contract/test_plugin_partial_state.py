"""Once AWS has an object, no failure of the plugin loses it: Pulumi keeps it, and the next `up` goes on.

The deployments are pull requests, so that each goes on for as long as the test wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.bundles import terraform_bundle
from tests.contract.adapters import InitFailed, OperationFailed
from tests.contract.engine_log import EngineLog
from tests.contract.fake_engine import Stack
from tests.contract.plugin_adapter import PluginAdapter
from tests.names import unique
from tests.server.self_managed.git_repository import GitRepository, notify
from tests.servers import LocalServer
from tests.waiting import eventually

pytestmark = pytest.mark.parametrize("adapter", ["plugin"])

_PATIENCE = 60
"""Seconds until a test that hangs fails: an operation that was not ended would wait for 90 minutes."""


@pytest.fixture(scope="module")
def terraform(published_template: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return published_template(terraform_bundle(tmp_path_factory.mktemp("bundle") / "terraform"))


@pytest.fixture
def repository(proton_server: LocalServer) -> GitRepository:
    return GitRepository(proton_server)


@pytest.fixture
def local(proton_server: LocalServer) -> Any:
    return proton_server.client("proton")


@pytest.fixture
def program(terraform: str, repository: GitRepository) -> dict[str, Any]:
    return {
        "name": unique("env"),
        "templateName": terraform,
        "templateMajorVersion": "1",
        "spec": {"title": "first"},
        "provisioningRepository": repository.link,
    }


@pytest.fixture
def mine(stack: Callable[..., Stack]) -> Stack:
    return stack("Environment", profile="local")


@pytest.fixture
def start() -> Iterator[Callable[..., Future[Any]]]:
    """Begins a command: `start(mine.up, **program)`."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


@pytest.fixture
def deployed(local: Any, program: Any, repository: GitRepository) -> Callable[..., None]:
    """Ends the deployment that a pull request stands for: `deployed(1, "FAILED")`."""

    def end(number: int = 1, status: str = "SUCCEEDED") -> None:
        repository.request(number)
        notify(local, local.get_environment(name=program["name"])["environment"], status)

    return end


def _kept(started: Future[Any]) -> InitFailed:
    with pytest.raises(InitFailed) as caught:
        started.result(timeout=_PATIENCE)
    return caught.value


def test_a_create_that_fails_after_aws_has_the_object_keeps_it_and_the_next_up_deploys_it_again(
    mine: Stack, program: Any, start: Any, deployed: Any
) -> None:
    creating = start(mine.up, **program)
    deployed(1, "FAILED")
    failed = _kept(creating)

    assert (failed.code, failed.identifier) == ("FAILED_PRECONDITION", program["name"])
    assert (failed.state["deploymentStatus"], failed.state["spec"]) == ("FAILED", program["spec"])
    (reason,) = failed.reasons
    assert reason.startswith(f"environment {program['name']}: FAILED: ")
    assert reason.endswith("run `pulumi up` again, which deploys this environment again)")
    assert "\n" not in reason

    updating = start(mine.up, **program)
    deployed(2)
    state = updating.result(timeout=_PATIENCE)

    assert (state["deploymentStatus"], state["createdAt"]) == ("SUCCEEDED", failed.state["createdAt"])
    assert state["__incarnation"] == failed.state["__incarnation"]
    assert mine.unfinished == []


def test_an_update_that_fails_keeps_what_aws_has_and_the_next_preview_shows_the_change_again(
    mine: Stack, program: Any, start: Any, deployed: Any
) -> None:
    creating = start(mine.up, **program)
    deployed()
    creating.result(timeout=_PATIENCE)
    changed = program | {"spec": {"title": "second"}}

    updating = start(mine.up, **changed)
    deployed(2, "FAILED")
    failed = _kept(updating)

    assert failed.state["deploymentStatus"] == "FAILED"
    assert mine.inputs["spec"] == program["spec"]
    assert mine.preview(**changed)[1].changes
    again = start(mine.up, **changed)
    deployed(3)
    assert again.result(timeout=_PATIENCE)["spec"] == changed["spec"]


def test_an_interrupted_create_ends_at_once_and_the_next_up_waits_for_the_same_deployment(
    mine: Stack, program: Any, engine: EngineLog, start: Any, deployed: Any, repository: GitRepository
) -> None:
    creating = start(mine.up, **program)
    eventually(lambda: any(item.text.startswith("IN_PROGRESS") for item in engine.messages))
    assert isinstance(mine.adapter, PluginAdapter)
    mine.adapter.cancel()
    failed = _kept(creating)

    (reason,) = failed.reasons
    assert reason == (
        f"environment {program['name']}: the deployment of this create was not awaited, since Pulumi was "
        "interrupted: it is still running; run `pulumi up` again to wait for it"
    )
    assert failed.state["deploymentStatus"] == "IN_PROGRESS"

    waiting = start(mine.up, **program)
    deployed()
    state = waiting.result(timeout=_PATIENCE)

    assert state["deploymentStatus"] == "SUCCEEDED"
    assert state["lastSucceededDeploymentId"] == failed.state["lastAttemptedDeploymentId"]
    assert len(repository.requests()) == 1


def test_an_interrupted_delete_ends_at_once_and_the_next_one_waits_for_the_same_deletion(
    mine: Stack, program: Any, start: Any, deployed: Any, repository: GitRepository
) -> None:
    creating = start(mine.up, **program)
    repository.merge()
    deployed()
    creating.result(timeout=_PATIENCE)

    destroying = start(mine.destroy)
    repository.request(2)
    assert isinstance(mine.adapter, PluginAdapter)
    mine.adapter.cancel()
    with pytest.raises(OperationFailed, match="run the same command again to wait for it") as caught:
        destroying.result(timeout=_PATIENCE)
    assert not isinstance(caught.value, InitFailed)

    again = start(mine.destroy)
    repository.merge(2)
    again.result(timeout=_PATIENCE)
    assert len(repository.requests()) == 2


def test_a_status_is_a_line_on_the_row_of_its_resource(
    mine: Stack, program: Any, engine: EngineLog, start: Any, deployed: Any
) -> None:
    creating = start(mine.up, **program)
    deployed()
    creating.result(timeout=_PATIENCE)

    lines = [item for item in engine.messages if item.severity == "INFO"]
    assert lines
    assert {(item.urn, item.ephemeral) for item in lines} == {(mine.adapter.urn, True)}


def test_custom_timeouts_end_a_wait_whatever_the_timeouts_of_the_program_say(
    mine: Stack, program: Any, repository: GitRepository, deployed: Any, start: Any
) -> None:
    mine.timeouts = {"create": 1, "delete": 1}
    with pytest.raises(InitFailed, match="the deployment of this create took longer than 1 s"):
        mine.up(**program, timeouts={"create": "60m", "delete": "60m"})

    repository.merge()
    deployed()
    assert mine.up(**program, timeouts={"create": "60m", "delete": "60m"})["deploymentStatus"] == "SUCCEEDED"
    with pytest.raises(OperationFailed, match="its deletion took longer than 1 s"):
        mine.destroy()
    mine.timeouts = {}
    destroying = start(mine.destroy)
    repository.merge(2)
    destroying.result(timeout=_PATIENCE)


def test_a_failure_before_aws_has_the_object_keeps_nothing(mine: Stack, program: Any) -> None:
    with pytest.raises(OperationFailed, match="Environment template not found: nowhere") as caught:
        mine.create_unseen(**program | {"templateName": "nowhere"})

    assert not isinstance(caught.value, InitFailed)
    assert mine.identifier is None
