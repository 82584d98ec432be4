"""EnvironmentAccountConnectionAccepter against a live server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, THIRD, role, unique
from tests.servers import LocalServer

Stacks = Callable[..., Stack]


@pytest.fixture
def request_for(proton_server: LocalServer) -> Callable[[str], str]:
    """Makes a request of the environment account and returns its id."""

    def make(environment: str) -> str:
        made = proton_server.client("proton", ENVIRONMENT_ACCOUNT).create_environment_account_connection(
            environmentName=environment,
            managementAccountId=MANAGEMENT,
            roleArn=role(ENVIRONMENT_ACCOUNT),
        )
        identifier: str = made["environmentAccountConnection"]["id"]
        return identifier

    return make


@pytest.fixture
def mine(stack: Stacks) -> Stack:
    return stack("EnvironmentAccountConnectionAccepter")


def _status(server: LocalServer, identifier: str) -> str:
    proton = server.client("proton", ENVIRONMENT_ACCOUNT)
    found: str = proton.get_environment_account_connection(id=identifier)["environmentAccountConnection"][
        "status"
    ]
    return found


def _by_name(environment: str) -> dict[str, Any]:
    return {"environmentName": environment, "environmentAccountId": ENVIRONMENT_ACCOUNT}


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_request_is_accepted_read_and_rejected_by_a_delete(
    proton_server: LocalServer, mine: Stack, request_for: Callable[[str], str], by: str
) -> None:
    environment = unique("env")
    identifier = request_for(environment)
    program = {"connectionId": identifier} if by == "id" else _by_name(environment)

    state = mine.up(**program)

    assert (mine.identifier, state["connectionId"], state["status"]) == (identifier, identifier, "CONNECTED")
    assert (state["environmentName"], state["managementAccountId"]) == (environment, MANAGEMENT)
    assert not mine.preview(**program)[1].changes
    assert mine.refresh()
    assert not mine.preview(**program)[1].changes
    mine.destroy()
    assert _status(proton_server, identifier) == "REJECTED"


def test_a_request_that_was_deleted_disappears_and_its_deletion_succeeds(
    proton_server: LocalServer, mine: Stack, request_for: Callable[[str], str]
) -> None:
    identifier = request_for(unique("env"))
    state = mine.up(connectionId=identifier)
    proton_server.client("proton", ENVIRONMENT_ACCOUNT).delete_environment_account_connection(id=identifier)

    assert not mine.refresh()
    mine.delete(identifier, state)
    with pytest.raises(OperationFailed, match=f"{identifier} does not exist for this account in this Region"):
        mine.up(connectionId=identifier)


@pytest.mark.parametrize(
    "expected", [{"expectedEnvironmentAccountId": THIRD}, {"expectedEnvironmentName": "other"}]
)
def test_the_wrong_request_is_never_accepted(
    proton_server: LocalServer, mine: Stack, request_for: Callable[[str], str], expected: dict[str, str]
) -> None:
    identifier = request_for(unique("env"))

    with pytest.raises(CheckFailed, match="nothing was decided"):
        mine.up(connectionId=identifier, **expected)
    with pytest.raises(OperationFailed, match=f"from account {ENVIRONMENT_ACCOUNT}: nothing was decided"):
        mine.create_unchecked(connectionId=identifier, decision="ACCEPT", waitForRequest=False, **expected)

    assert _status(proton_server, identifier) == "PENDING"


def test_what_is_connected_already_is_success_after_a_crash(
    mine: Stack, request_for: Callable[[str], str]
) -> None:
    identifier = request_for(unique("env"))
    mine.up(connectionId=identifier)

    again = mine.forget()
    again.up(connectionId=identifier)

    assert again.state["status"] == "CONNECTED"


def test_a_rejected_request_cannot_be_accepted_and_the_reason_says_what_to_do(
    mine: Stack, request_for: Callable[[str], str]
) -> None:
    environment = unique("env")
    identifier = request_for(environment)
    mine.up(connectionId=identifier, decision="REJECT")

    assert mine.state["status"] == "REJECTED"
    with pytest.raises(
        OperationFailed,
        match=f"final: have account {ENVIRONMENT_ACCOUNT} delete it and request a new one for environment",
    ):
        mine.up(connectionId=identifier, decision="ACCEPT")


def test_an_accepted_request_that_nothing_uses_can_be_rejected(
    proton_server: LocalServer, mine: Stack, request_for: Callable[[str], str]
) -> None:
    identifier = request_for(unique("env"))
    mine.up(connectionId=identifier)

    assert mine.up(connectionId=identifier, decision="REJECT")["status"] == "REJECTED"
    assert _status(proton_server, identifier) == "REJECTED"


def test_a_rejection_behind_our_back_shows_and_a_fresh_request_is_accepted(
    proton_server: LocalServer, mine: Stack, request_for: Callable[[str], str]
) -> None:
    environment = unique("env")
    first = request_for(environment)
    mine.up(**_by_name(environment))
    proton_server.client("proton", MANAGEMENT).reject_environment_account_connection(id=first)

    mine.refresh()
    assert mine.inputs["decision"] == "REJECT"
    assert mine.preview(**_by_name(environment))[1].replaces == ["decision"]
    second = request_for(environment)
    mine.up(**_by_name(environment))

    assert (mine.identifier, mine.state["status"]) == (second, "CONNECTED")


def test_a_request_that_comes_later_is_waited_for(mine: Stack, request_for: Callable[[str], str]) -> None:
    environment = unique("env")
    later = threading.Timer(0.5, request_for, [environment])
    later.start()

    state = mine.up(**_by_name(environment), waitForRequest=True, timeouts={"create": "20s"})

    later.join()
    assert state["status"] == "CONNECTED"


def test_waiting_for_a_request_ends_with_its_timeout(mine: Stack) -> None:
    environment = unique("env")

    with pytest.raises(
        OperationFailed, match=f"for environment {environment} .*: its request took longer than 1 s"
    ):
        mine.up(**_by_name(environment), waitForRequest=True, timeouts={"create": "1s"})


def test_another_account_does_not_see_the_request(stack: Stacks, request_for: Callable[[str], str]) -> None:
    identifier = request_for(unique("env"))

    with pytest.raises(OperationFailed, match="does not exist for this account"):
        stack("EnvironmentAccountConnectionAccepter", profile="third").up(connectionId=identifier)
