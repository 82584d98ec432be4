"""Which deploymentType a change has: one row per property, and a test that fails for a property without a
row."""

from __future__ import annotations

from typing import Any

import pytest

from aws_proton_provider.core.changes import changes
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.values import UNKNOWN
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.environment.deployment_type import decide, members
from aws_proton_provider.resources.environment.resource import Environment
from tests.names import ENVIRONMENT_ACCOUNT, THIRD
from tests.provider.fakes import (
    CONNECTION,
    INPUTS,
    OTHER_CONNECTION,
    OTHER_ROLE,
    REPOSITORY,
    ROLE,
    KnownService,
    version,
)

CROSS = {key: value for key, value in INPUTS.items() if key != "protonServiceRoleArn"} | {
    "environmentAccountConnectionId": CONNECTION
}
SELF = {key: value for key, value in INPUTS.items() if key != "protonServiceRoleArn"} | {
    "provisioningRepository": REPOSITORY
}

REPLACE = "replace"
ROWS: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("name", INPUTS, {"name": "prod"}, REPLACE),
    ("templateName", INPUTS, {"templateName": "other"}, REPLACE),
    ("templateMajorVersion", INPUTS, {"templateMajorVersion": "3"}, Level.MAJOR_VERSION),
    ("templateMajorVersion", INPUTS, {"templateMajorVersion": "10"}, Level.MAJOR_VERSION),
    ("templateMajorVersion", INPUTS, {"templateMajorVersion": "1"}, REPLACE),
    ("templateMinorVersion", INPUTS, {"templateMinorVersion": "2"}, Level.MINOR_VERSION),
    ("templateMinorVersion", INPUTS, {"templateMinorVersion": "0"}, Level.MINOR_VERSION),
    ("templateMinorVersion", INPUTS, {"templateMinorVersion": None}, None),
    ("templateMinorVersion", INPUTS, {"templateMinorVersion": "2", "spec": {}}, Level.MINOR_VERSION),
    (
        "templateMinorVersion",
        INPUTS,
        {"templateMinorVersion": "0", "templateMajorVersion": "3"},
        Level.MAJOR_VERSION,
    ),
    ("spec", INPUTS, {"spec": {"cidr": "10.1.0.0/16"}}, Level.CURRENT_VERSION),
    ("adopt", INPUTS, {"adopt": True}, None),
    ("adopt", INPUTS | {"adopt": True}, {"adopt": None}, None),
    ("spec", INPUTS, {"spec": {"cidr": "10.1.0.0/16"}, "description": "new"}, Level.CURRENT_VERSION),
    ("spec", INPUTS, {"spec": UNKNOWN}, UNKNOWN),
    ("spec", INPUTS, {"spec": UNKNOWN, "templateMinorVersion": "2"}, Level.MINOR_VERSION),
    ("description", INPUTS, {"description": "new"}, Level.NONE),
    ("description", INPUTS | {"description": "old"}, {"description": None}, Level.NONE),
    ("description", INPUTS | {"description": ""}, {"description": None}, None),
    ("protonServiceRoleArn", INPUTS, {"protonServiceRoleArn": OTHER_ROLE}, Level.CURRENT_VERSION),
    ("codebuildRoleArn", INPUTS, {"codebuildRoleArn": ROLE}, Level.CURRENT_VERSION),
    ("codebuildRoleArn", CROSS, {"codebuildRoleArn": ROLE}, Level.CURRENT_VERSION),
    ("componentRoleArn", INPUTS, {"componentRoleArn": ROLE}, Level.CURRENT_VERSION),
    (
        "environmentAccountConnectionId",
        CROSS,
        {"environmentAccountConnectionId": OTHER_CONNECTION},
        Level.CURRENT_VERSION,
    ),
    ("environmentAccountConnectionId", CROSS, {"environmentAccountConnectionId": UNKNOWN}, UNKNOWN),
    (
        "environmentAccountConnectionId",
        CROSS,
        {"environmentAccountConnectionId": None, "protonServiceRoleArn": ROLE},
        REPLACE,
    ),
    (
        "environmentAccountConnectionId",
        INPUTS,
        {"environmentAccountConnectionId": CONNECTION, "protonServiceRoleArn": None},
        REPLACE,
    ),
    ("provisioningRepository", SELF, {"provisioningRepository": REPOSITORY | {"branch": "next"}}, REPLACE),
    ("provisioningRepository", SELF, {"provisioningRepository": None, "protonServiceRoleArn": ROLE}, REPLACE),
    (
        "environmentAccountId",
        CROSS | {"environmentAccountId": ENVIRONMENT_ACCOUNT},
        {"environmentAccountConnectionId": OTHER_CONNECTION, "environmentAccountId": THIRD},
        REPLACE,
    ),
    (
        "environmentAccountId",
        CROSS | {"environmentAccountId": ENVIRONMENT_ACCOUNT},
        {"environmentAccountConnectionId": OTHER_CONNECTION, "environmentAccountId": ENVIRONMENT_ACCOUNT},
        Level.CURRENT_VERSION,
    ),
    ("maxDeploymentType", INPUTS, {"maxDeploymentType": "NONE"}, Level.NONE),
    ("tags", INPUTS, {"tags": {"team": "a"}, "tagsAll": {"team": "a"}}, Level.NONE),
    ("tagsAll", INPUTS, {"tagsAll": {"stage": "b"}}, Level.NONE),
    ("account", INPUTS, {"account": {"profile": "other"}}, Level.NONE),
    ("waitForDeployment", INPUTS, {"waitForDeployment": False}, Level.NONE),
    ("cancelOnInterrupt", INPUTS, {"cancelOnInterrupt": True}, Level.NONE),
    ("timeouts", INPUTS, {"timeouts": {"create": "1h"}}, Level.NONE),
    ("redeployTriggers", INPUTS, {"redeployTriggers": {"ami": "2"}}, Level.CURRENT_VERSION),
    ("deploymentType", INPUTS | {"deploymentType": "NONE"}, {}, None),
]


def _merged(old: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (old | change).items() if value is not None}


@pytest.mark.parametrize(("wire", "old", "change", "expected"), ROWS)
def test_every_change_has_its_level(
    wire: str, old: dict[str, Any], change: dict[str, Any], expected: Any
) -> None:
    new = _merged(old, change)

    decision = decide(Environment, changes(Environment, old, new), old, new)

    assert expected == (REPLACE if decision.replaces else decision.level)


def test_every_declared_property_has_a_row() -> None:
    declared = {item.wire for item in Environment.of_kind(Kind.INPUT, Kind.SETTING, Kind.COMPUTED)}

    assert declared == {wire for wire, *_ in ROWS}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.NONE, {"description"}),
        (Level.CURRENT_VERSION, {"description", "spec", "protonServiceRoleArn"}),
        (Level.MINOR_VERSION, {"description", "spec", "protonServiceRoleArn", "templateMinorVersion"}),
        (
            Level.MAJOR_VERSION,
            {"description", "spec", "protonServiceRoleArn", "templateMinorVersion", "templateMajorVersion"},
        ),
    ],
)
def test_a_member_travels_at_its_own_level_and_above(level: Level, expected: set[str]) -> None:
    sent = members(Environment.of_kind(Kind.INPUT), level, INPUTS | {"description": "d", "tags": {"a": "b"}})

    assert expected == sent.keys()


SERVICE = KnownService({"1": [version("4", recommended="4")], "2": [version("7", recommended="7")]})


def _checked(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    checked = Environment.check(olds, news, CheckContext(service=SERVICE))
    assert not checked.failures
    return checked.inputs


PROGRAM = {
    "name": "dev",
    "templateName": "vpc",
    "templateMajorVersion": "1",
    "spec": {},
    "protonServiceRoleArn": ROLE,
}


def test_a_new_environment_has_no_deployment_type_and_the_recommended_minor_version() -> None:
    inputs = _checked({}, PROGRAM)

    assert "deploymentType" not in inputs
    assert inputs["templateMinorVersion"] == "4"


def test_a_minor_version_left_out_stays_the_deployed_one_when_another_is_recommended_later() -> None:
    olds = _checked({}, PROGRAM)
    olds["templateMinorVersion"] = "2"

    inputs = _checked(olds, PROGRAM)

    assert inputs["templateMinorVersion"] == "2"
    assert "deploymentType" not in inputs


def test_a_new_major_version_takes_its_recommended_minor_version() -> None:
    inputs = _checked(_checked({}, PROGRAM), PROGRAM | {"templateMajorVersion": "2"})

    assert tuple(
        inputs[wire] for wire in ("templateMajorVersion", "templateMinorVersion", "deploymentType")
    ) == ("2", "7", "MAJOR_VERSION")


def test_a_deployment_type_stays_as_it_was_when_nothing_changes() -> None:
    first = _checked(_checked({}, PROGRAM), PROGRAM | {"spec": {"a": 1}})

    again = _checked(first, PROGRAM | {"spec": {"a": 1}})

    assert "CURRENT_VERSION" == first["deploymentType"] == again["deploymentType"]
    assert not Environment.diff(first, again).changed
