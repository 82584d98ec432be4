"""Functions: declared from the properties of resources, and as complete as the API's answers."""

from __future__ import annotations

import typing
from typing import Any

import botocore.session
import pytest

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.errors import InvalidInput
from aws_proton_provider.resources import FUNCTIONS
from aws_proton_provider.resources.functions.account_settings import GetAccountSettings
from aws_proton_provider.resources.functions.environment_account_connections import (
    EnvironmentAccountConnectionSummary,
    GetEnvironmentAccountConnections,
)
from aws_proton_provider.resources.functions.environments import (
    EnvironmentSummary,
    GetEnvironment,
    GetEnvironments,
)
from aws_proton_provider.resources.functions.function import Function

MODEL = botocore.session.get_session().get_service_model("proton")
PROTON = Proton(target(Configuration(), None))
"""A client that the tests here never get to use."""


def _wires(function: type[Function], *kinds: Kind) -> set[str]:
    return {item.wire for item in function.of_kind(*kinds)}


def test_the_functions_have_the_names_of_pulumis_schema() -> None:
    assert [function.wire for function in FUNCTIONS] == [
        "getEnvironment",
        "getEnvironments",
        "getAccountSettings",
        "getEnvironmentAccountConnections",
    ]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.wire)
def test_every_function_may_read_from_another_account(function: type[Function]) -> None:
    assert _wires(function, Kind.SETTING) == {"account"}


@pytest.mark.parametrize(
    ("function", "record", "more"),
    [(GetEnvironment, "Environment", {"tags", "outputs"}), (GetAccountSettings, "AccountSettings", set())],
)
def test_a_function_returns_every_member_of_the_record(
    function: type[Function], record: str, more: set[str]
) -> None:
    assert _wires(function, Kind.OUTPUT) == set(MODEL.shape_for(record).members) | more


@pytest.mark.parametrize(
    ("summary", "renamed"),
    [(EnvironmentSummary, {}), (EnvironmentAccountConnectionSummary, {"id": "connectionId"})],
)
def test_a_listing_has_every_member_of_the_apis_summary_and_no_other(
    summary: Any, renamed: dict[str, str]
) -> None:
    members = MODEL.shape_for(summary.__name__).members

    assert {field.alias for field in summary.model_fields.values()} == {
        renamed.get(member, member) for member in members
    }


@pytest.mark.parametrize(
    "wire", ["templateMajorVersion", "templateMinorVersion", "lastDeploymentSucceededAt"]
)
def test_what_aws_leaves_out_of_an_environment_that_never_succeeded_may_be_absent(wire: str) -> None:
    (declared,) = (item for item in GetEnvironment.of_kind(Kind.OUTPUT) if item.wire == wire)
    (field,) = (field for field in EnvironmentSummary.model_fields.values() if field.alias == wire)

    assert not declared.always
    assert not field.is_required()


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (GetEnvironments, "ListEnvironments"),
        (GetEnvironmentAccountConnections, "ListEnvironmentAccountConnections"),
        (GetEnvironment, "GetEnvironment"),
        (GetAccountSettings, "GetAccountSettings"),
    ],
)
def test_every_filter_of_the_operation_is_an_input(function: type[Function], operation: str) -> None:
    members = MODEL.operation_model(operation).input_shape.members

    assert _wires(function, Kind.INPUT) == set(members) - {"maxResults", "nextToken"}


def test_the_values_of_a_filter_are_those_of_the_api() -> None:
    hints = typing.get_type_hints(GetEnvironmentAccountConnections)
    (statuses,) = typing.get_args(typing.get_args(hints["statuses"])[0])

    requester = MODEL.shape_for("EnvironmentAccountConnectionRequesterAccountType")
    assert list(typing.get_args(hints["requested_by"])) == requester.enum
    assert list(typing.get_args(statuses)) == MODEL.shape_for("EnvironmentAccountConnectionStatus").enum


_SIDES = "'MANAGEMENT_ACCOUNT' or 'ENVIRONMENT_ACCOUNT'"


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (GetEnvironment, {}, "getEnvironment: name: is required"),
        (GetEnvironment, {"name": "dev", "spec": {}}, "getEnvironment: spec: no such property"),
        (
            GetEnvironments,
            {"environmentTemplates": [{"templateName": "vpc"}]},
            "getEnvironments: environmentTemplates: 0.majorVersion: Field required",
        ),
        (
            GetEnvironmentAccountConnections,
            {"requestedBy": "ME"},
            f"getEnvironmentAccountConnections: requestedBy: Input should be {_SIDES}",
        ),
        (
            GetAccountSettings,
            {"acount": {}},
            "getAccountSettings: acount: no such property; did you mean account?",
        ),
    ],
)
def test_an_input_that_is_not_valid_is_refused_in_one_sentence(
    function: type[Function], inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        function.invoke(inputs, PROTON)

    assert str(refusal.value) == message
