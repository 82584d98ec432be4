"""Environment account connections over HTTP: what each account may do in each state, and each refusal."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.names import ACCOUNT, unique
from tests.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import LocalServer

MANAGEMENT, ENVIRONMENT, THIRD = ACCOUNT, "222222222222", "333333333333"
ROLE = f"arn:aws:iam::{ENVIRONMENT}:role/proton"
OTHER_ROLE = f"arn:aws:iam::{ENVIRONMENT}:role/other"
NOWHERE = str(uuid.UUID(int=0))


@pytest.fixture(scope="module")
def of(proton_server: LocalServer) -> Callable[[str], Any]:
    """A client of an account."""
    clients = {
        account: proton_server.client("proton", account=account)
        for account in (MANAGEMENT, ENVIRONMENT, THIRD)
    }
    return clients.__getitem__


@pytest.fixture(scope="module")
def request_connection(of: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """CreateEnvironmentAccountConnection as the environment account; returns the record."""

    def request(**more: Any) -> dict[str, Any]:
        asked = {"managementAccountId": MANAGEMENT, "environmentName": unique("env"), "roleArn": ROLE, **more}
        answer = of(ENVIRONMENT).create_environment_account_connection(
            **{member: value for member, value in asked.items() if value is not None}
        )
        record: dict[str, Any] = answer["environmentAccountConnection"]
        return record

    return request


@pytest.fixture
def connection_in(
    of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
) -> Callable[[str], dict[str, Any]]:
    """A connection in a status."""

    def make(status: str) -> dict[str, Any]:
        record = request_connection()
        management = of(MANAGEMENT)
        if status == "CONNECTED":
            management.accept_environment_account_connection(id=record["id"])
        if status == "REJECTED":
            management.reject_environment_account_connection(id=record["id"])
        return record

    return make


class TestCreate:
    def test_the_reply_is_a_pending_request_of_the_environment_account(
        self, request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        roles = {"roleArn": ROLE, "codebuildRoleArn": OTHER_ROLE, "componentRoleArn": ROLE}
        record = request_connection(environmentName="reply", **roles)

        arn = f"arn:aws:proton:us-east-1:{ENVIRONMENT}:environment-account-connection/{record['id']}"
        assert record["arn"] == arn
        assert record["status"] == "PENDING"
        assert record["environmentAccountId"] == ENVIRONMENT
        assert record["managementAccountId"] == MANAGEMENT
        assert record["environmentName"] == "reply"
        assert record["requestedAt"] == record["lastModifiedAt"]
        assert {member: record[member] for member in roles} == roles

    def test_a_repeated_client_token_answers_with_the_request_as_it_is_now(
        self, of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        asked = {"environmentName": unique("env"), "clientToken": unique("token")}
        first = request_connection(**asked)
        of(MANAGEMENT).accept_environment_account_connection(id=first["id"])

        again = request_connection(**asked)

        assert (again["id"], again["status"]) == (first["id"], "CONNECTED")

    def test_a_client_token_with_other_parameters_is_refused(
        self, request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        token = unique("token")
        request_connection(clientToken=token)

        with refused("ValidationException", "Idempotent parameter mismatch"):
            request_connection(clientToken=token)

    def test_a_client_token_whose_connection_was_deleted_makes_a_new_one(
        self, of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        asked = {"environmentName": unique("env"), "clientToken": unique("token")}
        first = request_connection(**asked)
        of(ENVIRONMENT).delete_environment_account_connection(id=first["id"])

        assert request_connection(**asked)["id"] != first["id"]

    @pytest.mark.parametrize("status", ["PENDING", "CONNECTED"])
    def test_a_second_one_for_the_same_environment_is_refused(
        self,
        status: str,
        connection_in: Callable[[str], dict[str, Any]],
        request_connection: Callable[..., dict[str, Any]],
    ) -> None:
        first = connection_in(status)

        with refused("ConflictException", first["environmentName"], first["id"], status):
            request_connection(environmentName=first["environmentName"])

    def test_a_rejected_one_does_not_stand_in_the_way_of_a_new_request(
        self,
        connection_in: Callable[[str], dict[str, Any]],
        request_connection: Callable[..., dict[str, Any]],
    ) -> None:
        rejected = connection_in("REJECTED")

        record = request_connection(environmentName=rejected["environmentName"])

        assert (record["status"], record["id"] == rejected["id"]) == ("PENDING", False)

    def test_another_account_may_ask_for_the_same_environment(
        self, of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        first = request_connection()

        answer = of(THIRD).create_environment_account_connection(
            managementAccountId=MANAGEMENT, environmentName=first["environmentName"]
        )

        assert answer["environmentAccountConnection"]["environmentAccountId"] == THIRD

    def test_an_account_cannot_ask_itself(self, request_connection: Callable[..., dict[str, Any]]) -> None:
        with refused("ValidationException", "managementAccountId must be another account"):
            request_connection(managementAccountId=ENVIRONMENT)

    @pytest.mark.parametrize("member", ["roleArn", "codebuildRoleArn", "componentRoleArn"])
    def test_a_role_of_another_account_is_refused(
        self, member: str, request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        with refused("ValidationException", f"{member} must be a role in account {ENVIRONMENT}"):
            request_connection(**{member: f"arn:aws:iam::{THIRD}:role/proton"})


CALLS: dict[str, Callable[[Any, str], Any]] = {
    "Get": lambda proton, key: proton.get_environment_account_connection(id=key),
    "Update": lambda proton, key: proton.update_environment_account_connection(id=key, roleArn=OTHER_ROLE),
    "Delete": lambda proton, key: proton.delete_environment_account_connection(id=key),
    "Accept": lambda proton, key: proton.accept_environment_account_connection(id=key),
    "Reject": lambda proton, key: proton.reject_environment_account_connection(id=key),
}

FINAL = ("ConflictException", "REJECTED, which is final")
FOR_MANAGEMENT = ("AccessDeniedException", f"is for the management account of the connection, {MANAGEMENT}")
FOR_ENVIRONMENT = (
    "AccessDeniedException",
    f"is for the environment account of the connection, {ENVIRONMENT}",
)
NOT_FOUND = ("ResourceNotFoundException", "Environment account connection not found")

MATRIX: dict[tuple[str, str], dict[str, str | tuple[str, str]]] = {
    # (call, account): what the answer shows, or the refusal, by the status that the connection is in
    ("Get", ENVIRONMENT): {"PENDING": "PENDING", "CONNECTED": "CONNECTED", "REJECTED": "REJECTED"},
    ("Get", MANAGEMENT): {"PENDING": "PENDING", "CONNECTED": "CONNECTED", "REJECTED": "REJECTED"},
    ("Get", THIRD): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), NOT_FOUND),
    ("Update", ENVIRONMENT): {"PENDING": "PENDING", "CONNECTED": "CONNECTED", "REJECTED": FINAL},
    ("Update", MANAGEMENT): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), FOR_ENVIRONMENT),
    ("Update", THIRD): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), NOT_FOUND),
    ("Delete", ENVIRONMENT): {"PENDING": "PENDING", "CONNECTED": "CONNECTED", "REJECTED": "REJECTED"},
    ("Delete", MANAGEMENT): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), FOR_ENVIRONMENT),
    ("Delete", THIRD): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), "nothing"),
    ("Accept", ENVIRONMENT): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), FOR_MANAGEMENT),
    ("Accept", MANAGEMENT): {"PENDING": "CONNECTED", "CONNECTED": "CONNECTED", "REJECTED": FINAL},
    ("Accept", THIRD): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), NOT_FOUND),
    ("Reject", ENVIRONMENT): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), FOR_MANAGEMENT),
    ("Reject", MANAGEMENT): {"PENDING": "REJECTED", "CONNECTED": "REJECTED", "REJECTED": "REJECTED"},
    ("Reject", THIRD): dict.fromkeys(("PENDING", "CONNECTED", "REJECTED"), NOT_FOUND),
}


@pytest.mark.parametrize(
    ("call", "account", "status", "expected"),
    [
        (call, account, status, expected)
        for (call, account), by_status in MATRIX.items()
        for status, expected in by_status.items()
    ],
)
def test_who_may_do_what_in_which_state(
    call: str,
    account: str,
    status: str,
    expected: str | tuple[str, str],
    of: Callable[[str], Any],
    connection_in: Callable[[str], dict[str, Any]],
) -> None:
    key = connection_in(status)["id"]

    if isinstance(expected, tuple):
        with refused(*expected):
            CALLS[call](of(account), key)
        shown = of(ENVIRONMENT).get_environment_account_connection(id=key)["environmentAccountConnection"]
        assert (shown["status"], shown["roleArn"]) == (status, ROLE)
    else:
        answer = CALLS[call](of(account), key)
        assert answer.get("environmentAccountConnection", {"status": "nothing"})["status"] == expected


@pytest.mark.parametrize("call", ["Get", "Update", "Accept", "Reject"])
def test_an_unknown_connection_is_not_found(call: str, of: Callable[[str], Any]) -> None:
    with refused("ResourceNotFoundException", NOWHERE):
        CALLS[call](of(MANAGEMENT), NOWHERE)


def test_deleting_an_unknown_connection_is_a_success_with_nothing_to_show(of: Callable[[str], Any]) -> None:
    answer = of(ENVIRONMENT).delete_environment_account_connection(id=NOWHERE)

    assert "environmentAccountConnection" not in answer


def test_a_deleted_connection_is_gone_for_both_accounts(
    of: Callable[[str], Any], connection_in: Callable[[str], dict[str, Any]]
) -> None:
    key = connection_in("CONNECTED")["id"]
    of(ENVIRONMENT).delete_environment_account_connection(id=key)

    for account in (ENVIRONMENT, MANAGEMENT):
        with refused(*NOT_FOUND):
            of(account).get_environment_account_connection(id=key)


def test_a_connection_is_seen_in_its_own_region_only(
    proton_server: LocalServer, connection_in: Callable[[str], dict[str, Any]]
) -> None:
    key = connection_in("PENDING")["id"]

    with refused(*NOT_FOUND):
        proton_server.client("proton", region="eu-west-1").accept_environment_account_connection(id=key)


def test_a_decision_changes_the_time_of_modification_and_a_repeated_one_does_not(
    of: Callable[[str], Any], connection_in: Callable[[str], dict[str, Any]]
) -> None:
    asked = connection_in("PENDING")

    def accept() -> dict[str, Any]:
        answer = of(MANAGEMENT).accept_environment_account_connection(id=asked["id"])
        record: dict[str, Any] = answer["environmentAccountConnection"]
        return record

    first = accept()
    assert first["requestedAt"] == asked["requestedAt"]
    assert first["lastModifiedAt"] > asked["lastModifiedAt"]
    assert accept() == first


def test_an_update_exchanges_the_given_roles_and_keeps_the_others(
    of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
) -> None:
    record = request_connection(codebuildRoleArn=ROLE)

    answer = of(ENVIRONMENT).update_environment_account_connection(id=record["id"], roleArn=OTHER_ROLE)

    changed = answer["environmentAccountConnection"]
    assert (changed["roleArn"], changed["codebuildRoleArn"]) == (OTHER_ROLE, ROLE)


def test_an_update_with_a_role_of_another_account_is_refused(
    of: Callable[[str], Any], connection_in: Callable[[str], dict[str, Any]]
) -> None:
    key = connection_in("PENDING")["id"]

    with refused("ValidationException", f"componentRoleArn must be a role in account {ENVIRONMENT}"):
        of(ENVIRONMENT).update_environment_account_connection(
            id=key, componentRoleArn=f"arn:aws:iam::{MANAGEMENT}:role/proton"
        )


@pytest.fixture(scope="module")
def listed(proton_server: LocalServer) -> Callable[..., list[str]]:
    """Names of environments whose connections one of three accounts sees, that nobody else uses."""
    accounts = ("444444444440", "444444444441", "444444444442")
    clients = [proton_server.client("proton", account=account) for account in accounts]
    for asker, asked, name in ((0, 1, "a"), (0, 1, "b"), (0, 1, "c"), (1, 0, "d")):
        answer = clients[asker].create_environment_account_connection(
            managementAccountId=accounts[asked], environmentName=name
        )
        if name == "b":
            key = answer["environmentAccountConnection"]["id"]
            clients[asked].accept_environment_account_connection(id=key)

    def listed(account: int, requested_by: str, **more: Any) -> list[str]:
        pages = clients[account].get_paginator("list_environment_account_connections")
        return [
            connection["environmentName"]
            for page in pages.paginate(requestedBy=requested_by, **more)
            for connection in page["environmentAccountConnections"]
        ]

    return listed


class TestList:
    @pytest.mark.parametrize(
        ("account", "requested_by", "filters", "expected"),
        [
            (0, "ENVIRONMENT_ACCOUNT", {}, ["a", "b", "c"]),
            (0, "MANAGEMENT_ACCOUNT", {}, ["d"]),
            (1, "ENVIRONMENT_ACCOUNT", {}, ["d"]),
            (1, "MANAGEMENT_ACCOUNT", {}, ["a", "b", "c"]),
            (2, "MANAGEMENT_ACCOUNT", {}, []),
            (1, "MANAGEMENT_ACCOUNT", {"statuses": ["PENDING"]}, ["a", "c"]),
            (1, "MANAGEMENT_ACCOUNT", {"statuses": ["PENDING", "CONNECTED"]}, ["a", "b", "c"]),
            (1, "MANAGEMENT_ACCOUNT", {"environmentName": "b"}, ["b"]),
            (1, "MANAGEMENT_ACCOUNT", {"environmentName": "b", "statuses": ["PENDING"]}, []),
            (1, "MANAGEMENT_ACCOUNT", {"PaginationConfig": {"PageSize": 1}}, ["a", "b", "c"]),
        ],
    )
    def test_each_side_lists_its_own(
        self,
        account: int,
        requested_by: str,
        filters: dict[str, Any],
        expected: list[str],
        listed: Callable[..., list[str]],
    ) -> None:
        assert listed(account, requested_by, **filters) == expected


class TestTags:
    def test_the_environment_account_tags_and_aws_adds_none_of_its_own(
        self, of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        proton = of(ENVIRONMENT)
        arn = request_connection(tags=[{"key": "team", "value": "a"}])["arn"]
        proton.tag_resource(resourceArn=arn, tags=[{"key": "stage", "value": "dev"}])
        proton.untag_resource(resourceArn=arn, tagKeys=["team"])

        tags = proton.list_tags_for_resource(resourceArn=arn)["tags"]

        assert tags == [{"key": "stage", "value": "dev"}]

    @pytest.mark.parametrize(
        "call",
        [
            lambda proton, arn: proton.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "b"}]),
            lambda proton, arn: proton.untag_resource(resourceArn=arn, tagKeys=["a"]),
            lambda proton, arn: proton.list_tags_for_resource(resourceArn=arn),
        ],
    )
    def test_the_management_account_cannot(
        self,
        call: Callable[[Any, str], Any],
        of: Callable[[str], Any],
        connection_in: Callable[[str], dict[str, Any]],
    ) -> None:
        arn = connection_in("CONNECTED")["arn"]

        with refused("AccessDeniedException", f"is for the account of the resource, {ENVIRONMENT}"):
            call(of(MANAGEMENT), arn)

    def test_tags_go_with_the_connection(
        self, of: Callable[[str], Any], request_connection: Callable[..., dict[str, Any]]
    ) -> None:
        record = request_connection(tags=[{"key": "team", "value": "a"}])
        of(ENVIRONMENT).delete_environment_account_connection(id=record["id"])

        with refused("ResourceNotFoundException", record["arn"]):
            of(ENVIRONMENT).list_tags_for_resource(resourceArn=record["arn"])
