"""EnvironmentAccountConnectionAccepter, decided purely: which request is meant, and which decision may follow
which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_proton_provider.core.checking import Checked
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.values import UNKNOWN
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.environment_account_connection_accepter import (
    EnvironmentAccountConnectionAccepter as Accepter,
)
from tests.names import ENVIRONMENT_ACCOUNT, THIRD
from tests.provider.fakes import CONNECTION, OTHER_CONNECTION, KnownService, connection

BY_ID: dict[str, Any] = {"connectionId": CONNECTION}
BY_NAME: dict[str, Any] = {"environmentName": "dev", "environmentAccountId": ENVIRONMENT_ACCOUNT}
LIVE = {"environmentName": "dev", "environmentAccountId": ENVIRONMENT_ACCOUNT, "connectionId": CONNECTION}
"""What a state has of the connection, however it was found."""

UPDATE, REPLACE, NOTHING = "update", "replace", "nothing"
ROWS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("connectionId", BY_ID, {"connectionId": OTHER_CONNECTION}, REPLACE),
    ("connectionId", BY_ID, {"connectionId": UNKNOWN}, REPLACE),
    ("connectionId", BY_ID, {"connectionId": None, **BY_NAME}, NOTHING),
    ("connectionId", BY_NAME, {"connectionId": CONNECTION}, NOTHING),
    ("environmentName", BY_NAME, {"environmentName": "prod"}, REPLACE),
    ("environmentName", BY_ID, {"environmentName": "dev"}, NOTHING),
    ("environmentAccountId", BY_NAME, {"environmentAccountId": THIRD}, REPLACE),
    ("environmentAccountId", BY_ID, {"environmentAccountId": ENVIRONMENT_ACCOUNT}, NOTHING),
    ("decision", BY_ID, {"decision": "REJECT"}, UPDATE),
    ("decision", BY_ID | {"decision": "REJECT"}, {"decision": "ACCEPT"}, REPLACE),
    ("decision", BY_ID, {"decision": "ACCEPT"}, NOTHING),
    ("expectedEnvironmentAccountId", BY_ID, {"expectedEnvironmentAccountId": ENVIRONMENT_ACCOUNT}, UPDATE),
    ("expectedEnvironmentName", BY_ID, {"expectedEnvironmentName": "dev"}, UPDATE),
    ("waitForRequest", BY_ID, {"waitForRequest": True}, UPDATE),
    ("account", BY_ID, {"account": {"profile": "other"}}, UPDATE),
    ("timeouts", BY_ID, {"timeouts": {"create": "1h"}}, UPDATE),
]


def _check(
    olds: dict[str, Any], news: dict[str, Any], *listed: dict[str, str], user: str | None = None
) -> Checked:
    service = KnownService(listed=list(listed), users={CONNECTION: user} if user else {})
    return Accepter.check(olds, news, CheckContext(service=service))


@pytest.mark.parametrize(("wire", "old", "change", "expected"), ROWS)
def test_every_change_has_its_outcome(
    wire: str, old: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    state = _check({}, old).inputs | LIVE

    checked = _check(state, old | change)
    found = Accepter.diff(state, checked.inputs)

    assert checked.failures == []
    assert (REPLACE if found.replaces else UPDATE if found.changed else NOTHING) == expected


def test_every_declared_property_has_a_row() -> None:
    assert {item.wire for item in Accepter.of_kind(Kind.INPUT, Kind.SETTING)} == {wire for wire, *_ in ROWS}


@pytest.mark.parametrize("program", [{}, {"environmentName": "dev"}, {"environmentAccountId": THIRD}])
def test_a_request_has_to_be_named_one_way_or_the_other(program: dict[str, Any]) -> None:
    (failure,) = _check({}, program).failures

    assert (failure.wire, failure.reason) == (
        "connectionId",
        "is required, or environmentName and environmentAccountId to look it up by",
    )


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("expectedEnvironmentName", "prod"),
        ("expectedEnvironmentAccountId", THIRD),
        ("environmentName", "prod"),
        ("environmentAccountId", THIRD),
    ],
)
def test_the_wrong_request_is_refused_in_the_preview_with_what_came_instead(said: str, value: str) -> None:
    (failure,) = _check({}, BY_ID | {said: value}, connection()).failures

    assert failure.wire == said
    assert failure.reason == (
        f"is {value}, but request {CONNECTION} is for environment dev and comes from account "
        f"{ENVIRONMENT_ACCOUNT}: nothing was decided"
    )


def test_a_decision_is_one_of_two() -> None:
    (failure,) = _check({}, BY_ID | {"decision": "MAYBE"}).failures

    assert (failure.wire, failure.reason) == ("decision", "Input should be 'ACCEPT' or 'REJECT'")


def test_rejecting_a_connection_in_use_is_refused_and_names_the_environment() -> None:
    olds = _check({}, BY_ID).inputs | LIVE

    (failure,) = _check(olds, BY_ID | {"decision": "REJECT"}, connection(), user="dev").failures

    assert (failure.wire, failure.reason) == (
        "decision",
        "is not possible while environment dev uses the connection: delete the environment first",
    )


def test_rejecting_a_connection_that_nothing_uses_is_an_update() -> None:
    olds = _check({}, BY_ID).inputs | LIVE

    assert _check(olds, BY_ID | {"decision": "REJECT"}, connection()).failures == []


def test_a_request_looked_up_before_is_kept_so_that_a_preview_shows_it() -> None:
    olds = _check({}, BY_NAME).inputs | LIVE

    assert _check(olds, BY_NAME).inputs["connectionId"] == CONNECTION
    assert "connectionId" not in _check(olds, BY_NAME | {"environmentName": "prod"}).inputs


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "connectionId": st.sampled_from([CONNECTION, "no id", UNKNOWN]),
            "environmentName": st.sampled_from(["dev", "no spaces", UNKNOWN]),
            "environmentAccountId": st.sampled_from([ENVIRONMENT_ACCOUNT, THIRD, "1", UNKNOWN]),
            "decision": st.sampled_from(["ACCEPT", "REJECT", "MAYBE", UNKNOWN]),
            "expectedEnvironmentName": st.sampled_from(["dev", "prod", UNKNOWN]),
            "waitForRequest": st.sampled_from([True, 1.0, "never", UNKNOWN]),
        },
    )
)
def test_check_of_checked_inputs_changes_nothing(news: dict[str, Any]) -> None:
    once = _check({}, news, connection())
    twice = _check({}, once.inputs, connection())

    assert twice.inputs == once.inputs
    assert twice.failures == once.failures
