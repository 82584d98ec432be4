"""Environment against a live server, deployed into another account over a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique
from tests.servers import LocalServer

Stacks = Callable[..., Stack]


@pytest.fixture
def connect(stack: Stacks) -> Callable[..., Stack]:
    """Requests and accepts a connection for an environment; returns the request's stack."""

    def make(environment: str, *, accept: bool = True) -> Stack:
        request = stack("EnvironmentAccountConnection", profile="environment")
        request.up(
            environmentName=environment,
            managementAccountId=MANAGEMENT,
            roleArn=role(ENVIRONMENT_ACCOUNT),
        )
        if accept:
            stack("EnvironmentAccountConnectionAccepter").up(connectionId=request.identifier)
        return request

    return make


@pytest.fixture
def across(template: str) -> dict[str, Any]:
    return {
        "name": unique("env"),
        "templateName": template,
        "templateMajorVersion": "1",
        "templateMinorVersion": "0",
        "spec": {"title": "first"},
    }


@pytest.fixture
def mine(stack: Stacks) -> Stack:
    return stack("Environment")


def test_an_environment_is_deployed_into_the_other_account(
    mine: Stack, across: Any, connect: Any, proton_server: LocalServer
) -> None:
    connection = connect(across["name"]).identifier

    state = mine.up(**across, environmentAccountConnectionId=connection)

    assert state["environmentAccountId"] == ENVIRONMENT_ACCOUNT
    assert _stacks(proton_server, ENVIRONMENT_ACCOUNT, across["name"])
    assert not _stacks(proton_server, MANAGEMENT, across["name"])
    assert mine.refresh()
    assert not mine.preview(**across, environmentAccountConnectionId=connection)[1].changes


def test_a_connection_deleted_under_an_environment_is_drift_and_a_new_one_is_an_update(
    mine: Stack, across: Any, connect: Any
) -> None:
    first = connect(across["name"])
    mine.up(**across, environmentAccountConnectionId=first.identifier)
    first.destroy()

    mine.refresh()
    assert "environmentAccountConnectionId" not in mine.state
    second = connect(across["name"]).identifier
    checked, found = mine.preview(**across, environmentAccountConnectionId=second)
    assert (checked["deploymentType"], found.replaces) == ("CURRENT_VERSION", [])
    state = mine.up(**across, environmentAccountConnectionId=second)

    assert (state["environmentAccountConnectionId"], state["deploymentStatus"]) == (second, "SUCCEEDED")


def test_a_pending_connection_is_warned_of_and_refused_by_the_service(
    mine: Stack, across: Any, connect: Any, warnings: list[str]
) -> None:
    connection = connect(across["name"], accept=False).identifier

    mine.preview(**across, environmentAccountConnectionId=connection)
    assert any(f"{connection} is still PENDING" in warning for warning in warnings)
    with pytest.raises(OperationFailed, match="PENDING"):
        mine.up(**across, environmentAccountConnectionId=connection)


def test_a_connection_for_another_environment_is_stopped_in_the_preview(
    mine: Stack, across: Any, connect: Any
) -> None:
    connection = connect(unique("other")).identifier

    with pytest.raises(CheckFailed, match="was requested for environment other-"):
        mine.preview(**across, environmentAccountConnectionId=connection)


def test_an_acceptance_in_use_can_neither_be_rejected_nor_withdrawn(
    stack: Stacks, mine: Stack, across: Any, connect: Any, proton: Any
) -> None:
    connection = connect(across["name"], accept=False).identifier
    accepter = stack("EnvironmentAccountConnectionAccepter")
    accepter.up(connectionId=connection)
    mine.up(**across, environmentAccountConnectionId=connection)

    with pytest.raises(
        CheckFailed, match=f"is not possible while environment {across['name']} uses the connection"
    ):
        accepter.preview(connectionId=connection, decision="REJECT")
    accepter.destroy()

    listed = proton.list_environment_account_connections(
        requestedBy="MANAGEMENT_ACCOUNT", environmentName=across["name"]
    )
    assert [item["status"] for item in listed["environmentAccountConnections"]] == ["CONNECTED"]


def _stacks(server: LocalServer, account: str, environment: str) -> list[str]:
    listed = server.client("cloudformation", account).describe_stacks()["Stacks"]
    return [item["StackName"] for item in listed if environment[:15] in item["StackName"]]
