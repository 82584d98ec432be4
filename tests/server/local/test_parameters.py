"""Parameters: their types, their constraints, and what is said when they break them."""

from __future__ import annotations

from typing import Any

import pytest

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.parameters import resolve_parameters, shown_parameters


def resolve(slot: dict[str, Any], given: str | None = None) -> Any:
    values = {} if given is None else {"P": given}
    return resolve_parameters({"P": slot}, values, lambda name: f"value of {name}")["P"]


@pytest.mark.parametrize(
    ("slot", "given", "value"),
    [
        ({"Type": "String"}, "a", "a"),
        ({"Type": "String", "Default": True}, None, "true"),
        ({"Type": "String", "Default": "x"}, "", ""),
        ({"Type": "Number"}, "5", 5),
        ({"Type": "Number", "Default": 0.5}, None, 0.5),
        ({"Type": "CommaDelimitedList"}, "a, b", ["a", "b"]),
        ({"Type": "CommaDelimitedList", "Default": ""}, None, []),
        ({"Type": "List<Number>"}, "1,2", [1, 2]),
        ({"Type": "List<AWS::EC2::Subnet::Id>"}, "subnet-1,subnet-2", ["subnet-1", "subnet-2"]),
        ({"Type": "AWS::EC2::VPC::Id"}, "vpc-1", "vpc-1"),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a"}, None, "value of /a"),
        ({"Type": "AWS::SSM::Parameter::Value<List<String>>"}, "/a", ["value of /a"]),
    ],
)
def test_a_parameter_has_the_value_of_its_type(slot: dict[str, Any], given: str | None, value: Any) -> None:
    assert resolve(slot, given) == value


@pytest.mark.parametrize(
    ("slot", "given", "sentence"),
    [
        ({"Type": "String"}, None, "Parameters: [P] must have values"),
        ({"Type": "Number"}, "five", "parameter value for P must be a number"),
        ({"Type": "Text"}, "a", "Unrecognized parameter type: Text"),
        ({"Default": "a"}, None, "Every Parameters object must contain a Type member"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A", "Parameter 'P' must match pattern [a-z]+"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "be small"},
            "A",
            "be small",
        ),
        ({"Type": "String", "MinLength": "2"}, "a", "must contain at least 2 characters"),
        ({"Type": "String", "MaxLength": 2}, "abc", "must contain at most 2 characters"),
        ({"Type": "Number", "MinValue": 1}, "0", "must be a number not less than 1"),
        ({"Type": "Number", "MaxValue": 1}, "2", "must be a number not greater than 1"),
    ],
)
def test_a_parameter_that_breaks_its_declaration_is_refused(
    slot: dict[str, Any], given: str | None, sentence: str
) -> None:
    with pytest.raises(TemplateError) as fault:
        resolve(slot, given)
    assert sentence in str(fault.value)


def test_a_parameter_that_nobody_declared_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"Parameters: \[Q\] do not exist in the template"):
        resolve_parameters({}, {"Q": "1"}, str)


def test_a_no_echo_parameter_is_not_shown() -> None:
    declared = {"Secret": {"Type": "String", "NoEcho": True}, "Open": {"Type": "Number"}}
    assert shown_parameters(declared, {"Secret": "hunter2", "Open": 5}) == [
        {"ParameterKey": "Secret", "ParameterValue": "****"},
        {"ParameterKey": "Open", "ParameterValue": "5"},
    ]
