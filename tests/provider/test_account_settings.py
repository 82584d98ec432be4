"""AccountSettings, decided purely: only what the program names is managed, compared and reset."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_proton_provider.core.changes import changes
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.values import UNKNOWN
from aws_proton_provider.resources.account_settings import AccountSettings, update_members
from aws_proton_provider.resources.check_context import CheckContext
from tests.provider.fakes import OTHER_ROLE, REPOSITORY, ROLE

ALL: dict[str, Any] = {
    "pipelineServiceRoleArn": ROLE,
    "pipelineCodebuildRoleArn": ROLE,
    "pipelineProvisioningRepository": REPOSITORY,
}
OTHER_REPOSITORY = REPOSITORY | {"branch": "next"}
DELETED = {"deletePipelineProvisioningRepository": True}

ROWS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("pipelineServiceRoleArn", {}, {"pipelineServiceRoleArn": ROLE}, {"pipelineServiceRoleArn": ROLE}),
    (
        "pipelineServiceRoleArn",
        ALL,
        {"pipelineServiceRoleArn": OTHER_ROLE},
        {"pipelineServiceRoleArn": OTHER_ROLE},
    ),
    ("pipelineServiceRoleArn", ALL, {"pipelineServiceRoleArn": None}, {"pipelineServiceRoleArn": ""}),
    ("pipelineCodebuildRoleArn", {}, {"pipelineCodebuildRoleArn": ROLE}, {"pipelineCodebuildRoleArn": ROLE}),
    ("pipelineCodebuildRoleArn", ALL, {"pipelineCodebuildRoleArn": None}, {"pipelineCodebuildRoleArn": ""}),
    ("pipelineProvisioningRepository", ALL, {"pipelineProvisioningRepository": None}, DELETED),
    (
        "pipelineProvisioningRepository",
        ALL,
        {"pipelineProvisioningRepository": OTHER_REPOSITORY},
        {"pipelineProvisioningRepository": OTHER_REPOSITORY},
    ),
    ("account", ALL, {"account": {"profile": "other"}}, {}),
]


def _checked(news: dict[str, Any]) -> dict[str, Any]:
    checked = AccountSettings.check({}, news, CheckContext())
    assert checked.failures == []
    return checked.inputs


@pytest.mark.parametrize(("wire", "old", "change", "sent"), ROWS)
def test_every_change_sends_what_it_means_and_nothing_else(
    wire: str, old: dict[str, Any], change: dict[str, Any], sent: dict[str, Any]
) -> None:
    state, inputs = _checked(old), _checked(old | change)

    assert AccountSettings.diff(state, inputs).changed
    assert not AccountSettings.diff(state, inputs).replaces
    assert update_members(changes(AccountSettings, state, inputs), inputs) == sent


def test_every_declared_property_has_a_row() -> None:
    declared = AccountSettings.of_kind(Kind.INPUT, Kind.SETTING, Kind.COMPUTED)

    assert {item.wire for item in declared} == {wire for wire, *_ in ROWS}


def test_a_repository_is_never_set_and_deleted_at_once() -> None:
    inputs = _checked(ALL | {"pipelineProvisioningRepository": OTHER_REPOSITORY})

    assert "deletePipelineProvisioningRepository" not in update_members(
        changes(AccountSettings, ALL, inputs), inputs
    )


def test_what_the_program_does_not_name_is_not_compared() -> None:
    inputs = _checked({"pipelineServiceRoleArn": ROLE})

    assert not AccountSettings.diff({"pipelineServiceRoleArn": ROLE}, inputs).changed


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "pipelineServiceRoleArn": st.sampled_from([ROLE, "role", UNKNOWN]),
            "pipelineProvisioningRepository": st.sampled_from([REPOSITORY, {"provider": "GITLAB"}, UNKNOWN]),
            "account": st.sampled_from([{"region": "us-east-1"}, {"regio": "x"}, UNKNOWN]),
        },
    )
)
def test_check_of_checked_inputs_changes_nothing(news: dict[str, Any]) -> None:
    once = AccountSettings.check({}, news, CheckContext())
    twice = AccountSettings.check({}, once.inputs, CheckContext())

    assert (twice.inputs, twice.failures) == (once.inputs, once.failures)
