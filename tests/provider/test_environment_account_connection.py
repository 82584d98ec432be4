"""EnvironmentAccountConnection, decided purely: what a change does, and what becomes of a rejected
request."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_proton_provider.core.checking import Checked
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.facts import OWNER
from aws_proton_provider.core.values import UNKNOWN, has_unknown
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.connection_plan import client_token
from aws_proton_provider.resources.environment_account_connection import EnvironmentAccountConnection
from tests.names import MANAGEMENT, THIRD
from tests.provider.fakes import OTHER_ROLE, ROLE

PROGRAM: dict[str, Any] = {"environmentName": "dev", "managementAccountId": MANAGEMENT, "roleArn": ROLE}
FULL = PROGRAM | {"codebuildRoleArn": ROLE, "componentRoleArn": ROLE}

UPDATE, REPLACE, REFUSED, NOTHING = "update", "replace", "refused", "nothing"
ROWS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("environmentName", PROGRAM, {"environmentName": "prod"}, REPLACE),
    ("managementAccountId", PROGRAM, {"managementAccountId": THIRD}, REPLACE),
    ("roleArn", PROGRAM, {"roleArn": OTHER_ROLE}, UPDATE),
    ("roleArn", PROGRAM, {"roleArn": None}, REFUSED),
    ("roleArn", PROGRAM, {"roleArn": None, "environmentName": "prod"}, REPLACE),
    ("codebuildRoleArn", PROGRAM, {"codebuildRoleArn": ROLE}, UPDATE),
    ("codebuildRoleArn", FULL, {"codebuildRoleArn": None}, REFUSED),
    ("componentRoleArn", PROGRAM, {"componentRoleArn": ROLE}, UPDATE),
    ("componentRoleArn", FULL, {"componentRoleArn": None}, REFUSED),
    ("tags", PROGRAM, {"tags": {"team": "a"}}, UPDATE),
    ("tagsAll", PROGRAM, {OWNER: "project/dev/other"}, UPDATE),
    ("account", PROGRAM, {"account": {"profile": "other"}}, UPDATE),
    ("adopt", PROGRAM, {"adopt": True}, NOTHING),
    ("adopt", PROGRAM | {"adopt": True}, {"adopt": None}, NOTHING),
    ("waitForAcceptance", PROGRAM, {"waitForAcceptance": True}, UPDATE),
    ("timeouts", PROGRAM, {"timeouts": {"create": "1h"}}, UPDATE),
    ("status", PROGRAM, {}, NOTHING),
]


def _check(olds: dict[str, Any], news: dict[str, Any]) -> Checked:
    return EnvironmentAccountConnection.check(olds, news, CheckContext({"stage": "dev"}))


def _outcome(olds: dict[str, Any], news: dict[str, Any]) -> str:
    checked = _check(olds, news)
    if checked.failures:
        return REFUSED
    found = EnvironmentAccountConnection.diff(olds, checked.inputs)
    return REPLACE if found.replaces else UPDATE if found.changed else NOTHING


@pytest.mark.parametrize(("wire", "old", "change", "expected"), ROWS)
def test_every_change_has_its_outcome(
    wire: str, old: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    assert _outcome(_check({}, old).inputs, old | change) == expected


def test_every_declared_property_has_a_row() -> None:
    kinds = (Kind.INPUT, Kind.SETTING, Kind.COMPUTED)

    assert {item.wire for item in EnvironmentAccountConnection.of_kind(*kinds)} == {wire for wire, *_ in ROWS}


def test_a_removed_role_is_refused_with_what_to_do_instead() -> None:
    (failure,) = _check(_check({}, PROGRAM).inputs, PROGRAM | {"roleArn": None}).failures

    assert failure.reason == (
        "cannot be removed, since the API cannot unset it: give another role instead, or delete this "
        "connection in one `pulumi up` and make a new one in the next"
    )


def test_a_rejected_request_is_replaced_and_the_preview_says_why() -> None:
    olds = _check({}, PROGRAM).inputs | {"status": "REJECTED"}

    checked = _check(olds, PROGRAM)
    found = EnvironmentAccountConnection.diff(olds, checked.inputs)

    assert checked.inputs["status"] == "PENDING"
    assert (found.replaces, found.delete_before_replace) == (("status",), True)
    (warning,) = checked.warnings
    assert warning == (
        "the environment account connection for environment dev was rejected by account "
        f"{MANAGEMENT}, which is final: a new request replaces it"
    )


def test_an_accepted_request_stays_accepted_in_the_preview_of_an_update() -> None:
    olds = _check({}, PROGRAM).inputs | {"status": "CONNECTED"}

    assert _check(olds, PROGRAM | {"roleArn": OTHER_ROLE}).inputs["status"] == "CONNECTED"


def test_a_request_for_another_environment_need_not_wait_for_the_deletion_of_the_old_one() -> None:
    olds = _check({}, PROGRAM).inputs

    found = EnvironmentAccountConnection.diff(
        olds, _check(olds, PROGRAM | {"environmentName": "prod"}).inputs
    )

    assert not found.delete_before_replace


_token = functools.partial(client_token, EnvironmentAccountConnection)


def test_a_repeated_create_sends_the_same_client_token() -> None:
    inputs = _check({}, PROGRAM | {OWNER: "project/dev/c"}).inputs

    assert _token(inputs, []) == _token(dict(inputs), [])


@pytest.mark.parametrize(
    ("change", "rejected"),
    [
        ({OWNER: "project/dev/other"}, []),
        ({"environmentName": "prod"}, []),
        ({"managementAccountId": THIRD}, []),
        ({}, ["0fb4ee0b-1f5c-4f0c-a1bc-111111111111"]),
    ],
)
def test_another_request_has_another_client_token(change: dict[str, Any], rejected: list[str]) -> None:
    inputs = _check({}, PROGRAM | {OWNER: "project/dev/c"}).inputs

    assert _token(inputs, []) != _token(inputs | change, rejected)


@pytest.mark.parametrize("wire", ["environmentName", "managementAccountId", "roleArn", "tags", "account"])
def test_an_unknown_is_neither_a_failure_nor_lost(wire: str) -> None:
    for olds in ({}, _check({}, PROGRAM).inputs):
        checked = _check(olds, PROGRAM | {wire: UNKNOWN})

        assert checked.failures == []
        assert has_unknown(checked.inputs[wire])


@given(
    st.fixed_dictionaries(
        {"environmentName": st.sampled_from(["dev", "no spaces", 3, None, UNKNOWN])},
        optional={
            "managementAccountId": st.sampled_from([MANAGEMENT, "1", 111111111111.0, UNKNOWN]),
            "roleArn": st.sampled_from([ROLE, "role", UNKNOWN]),
            "tags": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2) | st.just(UNKNOWN),
            "waitForAcceptance": st.sampled_from([True, False, "yes", "no way", UNKNOWN]),
            "timeouts": st.sampled_from([{"create": "1h"}, {"create": 3}, UNKNOWN]),
            "unheardOf": st.none() | st.integers(),
        },
    )
)
def test_check_of_checked_inputs_changes_nothing(news: dict[str, Any]) -> None:
    once = _check({}, news)
    twice = _check({}, once.inputs)

    assert twice.inputs == once.inputs or "unheardOf" in news
    unknown = {item.wire for item in once.failures if item.wire == "unheardOf"}
    assert {item.wire for item in twice.failures} | unknown == {item.wire for item in once.failures}
