"""EnvironmentAccountConnection against a live server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aws_proton_provider.core.facts import INCARNATION
from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import CheckFailed, Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, role, unique
from tests.servers import LocalServer

Stacks = Callable[..., Stack]


@pytest.fixture
def program() -> dict[str, Any]:
    return {
        "environmentName": unique("env"),
        "managementAccountId": MANAGEMENT,
        "roleArn": role(ENVIRONMENT_ACCOUNT),
    }


@pytest.fixture
def mine(stack: Stacks) -> Stack:
    return stack("EnvironmentAccountConnection", profile="environment")


def _live(server: LocalServer, mine: Stack) -> dict[str, Any]:
    proton = server.client("proton", ENVIRONMENT_ACCOUNT)
    record: dict[str, Any] = proton.get_environment_account_connection(id=mine.identifier)
    return record["environmentAccountConnection"]


def _decide(server: LocalServer, decision: str, mine: Stack) -> None:
    proton = server.client("proton", MANAGEMENT)
    getattr(proton, f"{decision}_environment_account_connection")(id=mine.identifier)


def test_a_request_is_made_read_and_deleted(proton_server: LocalServer, mine: Stack, program: Any) -> None:
    state = mine.up(**program, tags={"team": "net"})

    assert (state["status"], state["environmentAccountId"]) == ("PENDING", ENVIRONMENT_ACCOUNT)
    assert state["arn"] == _live(proton_server, mine)["arn"]
    assert not mine.preview(**program, tags={"team": "net"})[1].changes
    assert mine.refresh()
    assert mine.state == state
    assert not mine.preview(**program, tags={"team": "net"})[1].changes
    identifier = mine.identifier
    mine.destroy()
    with pytest.raises(OperationFailed, match="does not exist"):
        mine.read(identifier, {})


def test_a_request_that_disappears_is_seen_at_refresh_and_its_deletion_succeeds(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    mine.up(**program)
    state, identifier = mine.state, mine.identifier
    proton_server.client("proton", ENVIRONMENT_ACCOUNT).delete_environment_account_connection(id=identifier)

    assert not mine.refresh()
    mine.delete(identifier, state)


@pytest.mark.parametrize("wire", ["roleArn", "codebuildRoleArn", "componentRoleArn"])
def test_a_role_is_set_and_changed_in_place(
    proton_server: LocalServer, mine: Stack, program: Any, wire: str
) -> None:
    mine.up(**program)
    identifier = mine.identifier

    for name in ("first", "second"):
        state = mine.up(**program | {wire: role(ENVIRONMENT_ACCOUNT, name)})

        assert state[wire] == _live(proton_server, mine)[wire] == role(ENVIRONMENT_ACCOUNT, name)
    assert mine.identifier == identifier


def test_drift_of_a_role_and_a_tag_shows_and_is_mended(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    mine.up(**program, tags={"team": "net"})
    proton = proton_server.client("proton", ENVIRONMENT_ACCOUNT)
    foreign = role(ENVIRONMENT_ACCOUNT, "foreign")
    proton.update_environment_account_connection(id=mine.identifier, roleArn=foreign)
    proton.untag_resource(resourceArn=mine.state["arn"], tagKeys=["team"])

    mine.refresh()

    assert (mine.inputs["roleArn"], mine.inputs["tags"]) == (foreign, {})
    assert mine.preview(**program, tags={"team": "net"})[1].changes
    mine.up(**program, tags={"team": "net"})
    mine.refresh()
    assert (mine.state["roleArn"], mine.state["tags"]) == (program["roleArn"], {"team": "net"})


@pytest.mark.parametrize("tags", [{"team": "a"}, {"team": "b", "more": "c"}, {}, None])
def test_tags_are_set_changed_and_cleared(
    proton_server: LocalServer, mine: Stack, program: Any, tags: dict[str, str] | None
) -> None:
    mine.up(**program, tags={"team": "a", "old": "x"})

    mine.up(**program, tags=tags)

    listed = proton_server.client("proton", ENVIRONMENT_ACCOUNT).list_tags_for_resource(
        resourceArn=mine.state["arn"]
    )
    assert {tag["key"]: tag["value"] for tag in listed["tags"]} == {
        **(tags or {}),
        "pulumi:owner": mine.owner,
        "pulumi:incarnation": mine.state[INCARNATION],
    }


LATER = {"roleArn": role(ENVIRONMENT_ACCOUNT, "later")}


def test_a_create_repeated_after_a_crash_goes_on_with_the_same_request(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    state = mine.up(**program)
    proton = proton_server.client("proton", ENVIRONMENT_ACCOUNT)
    proton.tag_resource(resourceArn=state["arn"], tags=[{"key": "pulumi:creating", "value": "true"}])

    again = mine.forget()
    again.up(**program | LATER)

    assert again.identifier == mine.identifier
    assert again.state["roleArn"] == LATER["roleArn"]
    assert "pulumi:creating" not in str(proton.list_tags_for_resource(resourceArn=state["arn"])["tags"])


def test_a_finished_request_of_its_own_is_kept_as_it_is_and_changed_only_with_adopt(
    mine: Stack, program: Any
) -> None:
    mine.up(**program)

    assert mine.forget().up(**program)["arn"] == mine.state["arn"]
    with pytest.raises(OperationFailed, match="differs from the program in roleArn"):
        mine.forget().up(**program | LATER)
    adopted = mine.forget().up(**program | LATER, adopt=True)
    assert (adopted["arn"], adopted["roleArn"]) == (mine.state["arn"], LATER["roleArn"])


def test_a_request_of_another_owner_is_adopted_and_its_former_stack_does_not_delete_it(
    proton_server: LocalServer, stack: Stacks, mine: Stack, program: Any
) -> None:
    mine.up(**program)

    other = stack("EnvironmentAccountConnection", profile="environment")
    other.up(**program, adopt=True)
    identifier = other.identifier
    mine.destroy()

    assert other.refresh()
    other.destroy()
    with pytest.raises(OperationFailed, match="does not exist"):
        other.read(identifier, {})


def test_somebody_elses_request_for_the_same_environment_is_not_taken(
    stack: Stacks, mine: Stack, program: Any
) -> None:
    mine.up(**program)
    other = stack("EnvironmentAccountConnection", profile="environment")

    with pytest.raises(CheckFailed, match=f"belongs to {mine.owner}"):
        other.up(**program)
    with pytest.raises(OperationFailed, match=f"belongs to {mine.owner}"):
        other.create_unseen(**program)


def test_a_rejected_request_is_replaced_by_a_fresh_one(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    mine.up(**program)
    first = mine.identifier
    _decide(proton_server, "reject", mine)

    mine.refresh()
    checked, found = mine.preview(**program)
    assert (mine.inputs["status"], checked["status"], found.replaces) == ("REJECTED", "PENDING", ["status"])
    state = mine.up(**program)

    assert mine.identifier != first
    assert state["status"] == "PENDING"


def test_a_create_after_a_rejection_makes_a_fresh_request_and_never_the_rejected_one(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    mine.up(**program)
    _decide(proton_server, "reject", mine)

    again = mine.forget()
    again.up(**program)

    assert again.identifier != mine.identifier
    assert again.state["status"] == "PENDING"


def test_an_acceptance_is_seen_and_is_no_change(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    mine.up(**program)
    _decide(proton_server, "accept", mine)

    mine.refresh()

    assert mine.state["status"] == "CONNECTED"
    assert not mine.preview(**program)[1].changes


def test_waiting_for_the_acceptance_ends_when_it_is_there(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    mine.up(**program)
    _decide(proton_server, "accept", mine)

    assert mine.up(**program, waitForAcceptance=True)["status"] == "CONNECTED"


def test_waiting_for_the_acceptance_ends_with_its_timeout_and_with_a_rejection(
    proton_server: LocalServer, mine: Stack, program: Any
) -> None:
    with pytest.raises(OperationFailed, match=f"its acceptance by account {MANAGEMENT} took longer than 1 s"):
        mine.up(**program, waitForAcceptance=True, timeouts={"create": "1s"})

    again = mine.forget()
    again.up(**program)
    _decide(proton_server, "reject", again)

    with pytest.raises(OperationFailed, match=f"was rejected by account {MANAGEMENT}, which is final"):
        again.up(**program, waitForAcceptance=True)


def test_another_environment_is_another_request(mine: Stack, program: Any) -> None:
    mine.up(**program)
    first = mine.identifier

    mine.up(**program | {"environmentName": unique("other")})

    assert mine.identifier != first


def test_another_accounts_credentials_change_nothing(stack: Stacks, mine: Stack, program: Any) -> None:
    mine.up(**program)

    with pytest.raises(OperationFailed, match="nothing was changed"):
        mine.up(**program, account={"region": "eu-west-1"}, tags={"team": "x"})


def test_deleting_a_connection_that_is_accepted_warns_and_names_the_environment(
    proton_server: LocalServer, mine: Stack, program: Any, warnings: list[str]
) -> None:
    mine.up(**program)
    _decide(proton_server, "accept", mine)

    mine.destroy()

    (warning,) = warnings
    assert f"if account {MANAGEMENT} still has environment {program['environmentName']}" in warning
