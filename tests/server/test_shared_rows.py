"""What two accounts share, on both databases: connections, and notifications from the environment account."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from proton_server.engine.deployments import DeploymentHandler
from proton_server.engine.evaluation import Evaluator
from proton_server.operations import OPERATIONS
from proton_server.operations.call import Answers, Call, Capabilities, Unanswered
from proton_server.operations.errors import ProtonError
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.persistence.tables import deployments, environment_template_versions
from proton_server.provisioning import Progress, State, Work
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.git_hosting.configuration import hostings
from proton_server.provisioning.methods import METHODS, Outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANAGEMENT, ENVIRONMENT, THIRD = "111111111111", "222222222222", "333333333333"
REGION = "us-east-1"
ENVIRONMENT_ARN = f"arn:aws:proton:{REGION}:{MANAGEMENT}:environment/far"
ROLE = f"arn:aws:iam::{ENVIRONMENT}:role/build"
CAN = Capabilities(METHODS, hostings({}), Stacks(Aws()))
SPEC = "proton: EnvironmentSpec\nspec: {}\n"


class Operations:
    """Runs operations as an account, in a transaction of their own, as the server does."""

    def __init__(self, store: Store, evaluate: Evaluator) -> None:
        self._store, self._evaluate, self._answers = store, evaluate, Answers()
        self.now = round(time.time(), 3)

    @contextmanager
    def transaction(self, account: str) -> Iterator[Callable[..., dict[str, Any]]]:
        with self._store.write(account, REGION) as connection:
            rows = Rows(connection, account, REGION)

            def run(operation: str, **request: Any) -> dict[str, Any]:
                call = Call(operation, account, REGION, self.now, rows, CAN, self._answers)
                return OPERATIONS[operation](call, request)

            yield run

    def __call__(self, account: str, operation: str, **request: Any) -> dict[str, Any]:
        while True:
            try:
                with self.transaction(account) as run:
                    return run(operation, **request)
            except Unanswered as unanswered:
                self._answers.find(unanswered, account, self._evaluate)


@pytest.fixture
def call(store: Store, evaluate: Evaluator) -> Operations:
    """Operations on the store."""
    return Operations(store, evaluate)


@pytest.fixture
def connection_id(call: Operations) -> str:
    """A pending connection for the environment `far`."""
    answer = call(
        ENVIRONMENT,
        "create_environment_account_connection",
        managementAccountId=MANAGEMENT,
        environmentName="far",
        codebuildRoleArn=ROLE,
    )
    connection_id: str = answer["environmentAccountConnection"]["id"]
    return connection_id


@pytest.fixture
def deployment(store: Store, call: Operations, connection_id: str) -> Callable[[], sa.Row[Any]]:
    """Reads the row of the environment's first deployment, which is in progress."""
    call(MANAGEMENT, "accept_environment_account_connection", id=connection_id)
    with store.write(MANAGEMENT, REGION) as connection:
        Rows(connection, MANAGEMENT, REGION).insert(
            environment_template_versions,
            template_name="t",
            major=1,
            minor=0,
            id="t-1.0",
            record={"status": "PUBLISHED", "arn": "arn:t:1.0", "minorVersion": "0"},
            source={},
            engine="codebuild",
            input_schema={"type": "object"},
        )
    request = {"templateName": "t", "templateMajorVersion": "1", "templateMinorVersion": "0", "spec": SPEC}
    call(
        MANAGEMENT, "create_environment", name="far", environmentAccountConnectionId=connection_id, **request
    )

    def read() -> sa.Row[Any]:
        with store.read() as connection:
            return connection.execute(sa.select(deployments)).one()

    return read


def notify(call: Operations, account: str, value: str) -> None:
    call(
        account,
        "notify_resource_deployment_status_change",
        resourceArn=ENVIRONMENT_ARN,
        outputs=[{"key": "Url", "valueString": value}],
    )


class Recorder:
    """Provisions with success and the outputs that were notified, and keeps the work it was given."""

    def __init__(self) -> None:
        self.works: list[Work] = []

    def start(self, work: Work) -> Progress:
        self.works.append(work)
        return Progress(State.SUCCEEDED, outputs=work.notified.get("outputs", []))

    observe = cancel = remove = observe_removal = start


def handler_of(store: Store, recorder: Recorder, evaluate: Evaluator) -> DeploymentHandler:
    """The handler of deployments, where the recorder takes the place of CodeBuild."""
    method = replace(METHODS["codebuild"], provisioner=lambda _outside: recorder)
    return DeploymentHandler(store, METHODS | {"codebuild": method}, Outside(Aws(), hostings({})), evaluate)


def test_both_sides_reach_a_connection_and_nobody_else(call: Operations, connection_id: str) -> None:
    get = "get_environment_account_connection"

    assert call(ENVIRONMENT, get, id=connection_id) == call(MANAGEMENT, get, id=connection_id)
    with pytest.raises(ProtonError, match="Environment account connection not found"):
        call(THIRD, get, id=connection_id)


def test_a_client_token_is_forgotten_after_eight_hours(call: Operations) -> None:
    def request() -> dict[str, Any]:
        answer = call(
            ENVIRONMENT,
            "create_environment_account_connection",
            managementAccountId=MANAGEMENT,
            environmentName="far",
            clientToken="token",
        )
        record: dict[str, Any] = answer["environmentAccountConnection"]
        return record

    first = request()
    call(MANAGEMENT, "reject_environment_account_connection", id=first["id"])
    call.now += 8 * 60 * 60 - 1
    assert (request()["id"], request()["status"]) == (first["id"], "REJECTED")
    call.now += 1
    assert (request()["id"] != first["id"], request()["status"]) == (True, "PENDING")


def test_the_two_sides_do_not_overwrite_each_other(
    store: Store, call: Operations, connection_id: str
) -> None:
    other_role = f"{ROLE}-2"
    update = "update_environment_account_connection"
    with ThreadPoolExecutor(1) as pool:
        with call.transaction(MANAGEMENT) as accept:
            accept("accept_environment_account_connection", id=connection_id)
            updating = pool.submit(call, ENVIRONMENT, update, id=connection_id, roleArn=other_role)
            time.sleep(0.3)  # the update has begun, and must wait
            assert not updating.done()
        updating.result(timeout=30)

    answer = call(MANAGEMENT, "get_environment_account_connection", id=connection_id)
    record = answer["environmentAccountConnection"]
    assert (record["status"], record["roleArn"]) == ("CONNECTED", other_role)


def test_work_is_done_in_the_environment_account_with_the_roles_its_connection_has_by_then(
    store: Store,
    evaluate: Evaluator,
    call: Operations,
    connection_id: str,
    deployment: Callable[[], sa.Row[Any]],
) -> None:
    recorder = Recorder()
    exchanged = f"{ROLE}-2"
    call(ENVIRONMENT, "update_environment_account_connection", id=connection_id, codebuildRoleArn=exchanged)

    handler_of(store, recorder, evaluate).step(deployment())

    (work,) = recorder.works
    assert work.account_id == ENVIRONMENT
    assert work.role == exchanged
    assert work.environment["arn"] == ENVIRONMENT_ARN


@pytest.mark.parametrize("account", [MANAGEMENT, ENVIRONMENT])
def test_what_either_account_notifies_is_told_to_the_provisioning_method_at_once(
    account: str,
    store: Store,
    evaluate: Evaluator,
    call: Operations,
    deployment: Callable[[], sa.Row[Any]],
) -> None:
    recorder = Recorder()
    with store.write(MANAGEMENT, REGION) as connection:
        connection.execute(sa.update(deployments).values(next_at=time.time() + 60))
    notify(call, account, "https://a.example")
    row = deployment()

    handler_of(store, recorder, evaluate).step(row)

    assert row.next_at == 0.0
    assert recorder.works[0].notified == {"outputs": [{"key": "Url", "valueString": "https://a.example"}]}


def test_a_third_account_cannot_notify(call: Operations, deployment: Callable[[], sa.Row[Any]]) -> None:
    with pytest.raises(ProtonError, match=f"Environment not found: {ENVIRONMENT_ARN}"):
        notify(call, THIRD, "https://evil.example")
    assert deployment().notified == {}


def test_outputs_notified_in_the_middle_of_a_deployments_last_step_are_not_lost(
    store: Store, evaluate: Evaluator, call: Operations, deployment: Callable[[], sa.Row[Any]]
) -> None:
    handler = handler_of(store, Recorder(), evaluate)

    def settle(step: Any) -> Any:
        with store.write(MANAGEMENT, REGION) as connection:
            return handler.settle(Rows(connection, MANAGEMENT, REGION), deployment(), step)

    step = handler.step(deployment())
    notify(call, ENVIRONMENT, "https://late.example")

    assert settle(step) == ({}, 0.0)  # to be stepped again, at once
    assert settle(handler.step(deployment())).delay is None
    answer = call(MANAGEMENT, "list_environment_outputs", environmentName="far")
    assert answer["outputs"] == [{"key": "Url", "valueString": "https://late.example"}]


def test_a_connection_deleted_in_the_middle_of_a_deployment_fails_it_and_what_was_never_made_can_go(
    store: Store,
    evaluate: Evaluator,
    call: Operations,
    connection_id: str,
    deployment: Callable[[], sa.Row[Any]],
) -> None:
    handler = handler_of(store, Recorder(), evaluate)
    call(ENVIRONMENT, "delete_environment_account_connection", id=connection_id)

    failed = handler.step(deployment()).progress
    assert failed.state is State.FAILED
    assert f"Account {ENVIRONMENT} has deleted" in failed.message
    assert connection_id in failed.message

    with store.write(MANAGEMENT, REGION) as connection:
        handler.settle(Rows(connection, MANAGEMENT, REGION), deployment(), handler.step(deployment()))
        connection.execute(sa.delete(deployments))
    call(MANAGEMENT, "delete_environment", name="far")
    assert handler.step(deployment()).progress.state is State.SUCCEEDED
