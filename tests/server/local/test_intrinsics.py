"""CloudFormation's functions, one row per behaviour."""

from __future__ import annotations

from typing import Any

import pytest

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.intrinsics import NO_VALUE, conditions, evaluate
from proton_server.local.cloudformation.references import Reference, references
from proton_server.local.cloudformation.scope import Scope

ATTRIBUTES = {("Vpc", "CidrBlock"): "10.0.0.0/16", ("Db", "Endpoint.Port"): 5432}


def scope(truths: dict[str, bool] | None = None) -> Scope:
    return Scope(
        values={"AWS::Region": "eu-west-1", "Name": "pet", "Zones": ["a", "b"], "On": True, "Size": 3},
        mappings={"Sizes": {"eu-west-1": {"Small": 1, "2": "two"}, "lists": {"zones": ["x", "y"]}}},
        reference=lambda name: {"Vpc": "vpc-1"}[name],
        attribute=lambda name, attribute: ATTRIBUTES[name, attribute],
        import_value=lambda name: f"imported {name}",
        zones=lambda region: [f"{region}{letter}" for letter in "abc"],
        condition=lambda name: (truths or {})[name],
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Name"}, "pet"),
        ({"Ref": "Vpc"}, "vpc-1"),
        ({"Ref": "AWS::NoValue"}, NO_VALUE),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "10.0.0.0/16"),
        ({"Fn::GetAtt": "Vpc.CidrBlock"}, "10.0.0.0/16"),
        ({"Fn::GetAtt": ["Db", "Endpoint.Port"]}, 5432),
        ({"Fn::GetAtt": ["Db", "Endpoint", "Port"]}, 5432),
        ({"Fn::Sub": "${Name}-${AWS::Region}-${Vpc}-${Vpc.CidrBlock}"}, "pet-eu-west-1-vpc-1-10.0.0.0/16"),
        ({"Fn::Sub": "${!Name} costs $5 ${Size}"}, "${Name} costs $5 3"),
        ({"Fn::Sub": ["${Own}/${Name}", {"Own": {"Ref": "Vpc"}}]}, "vpc-1/pet"),
        ({"Fn::Sub": ["${Name}", {"Name": "shadowed"}]}, "shadowed"),
        ({"Fn::Sub": "${On} ${Zones}"}, "true a,b"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 3, True, {"Ref": "AWS::NoValue"}]]}, "a-pet-3-true"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
        ({"Fn::Split": [".", {"Fn::GetAtt": ["Vpc", "CidrBlock"]}]}, ["10", "0", "0", "0/16"]),
        ({"Fn::Select": ["1", {"Fn::GetAZs": ""}]}, "eu-west-1b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}, "eu-west-1a"),
        ({"Fn::GetAZs": "us-east-2"}, ["us-east-2a", "us-east-2b", "us-east-2c"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Small"]}, 1),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "2"]}, "two"),
        ({"Fn::FindInMap": ["Sizes", "lists", {"Fn::Join": ["", ["zo", "nes"]]}]}, ["x", "y"]),
        ({"Fn::FindInMap": ["Sizes", "lists", "none", {"DefaultValue": "else"}]}, "else"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Name}-vpc"}}, "imported pet-vpc"),
        ({"Fn::Base64": {"Ref": "Name"}}, "cGV0"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "1", "4"]}, ["10.0.0.0/28"]),
        ({"Fn::Cidr": ["2001:db8::/56", 2, 64]}, ["2001:db8::/64", "2001:db8:0:1::/64"]),
        ({"Fn::Length": {"Ref": "Zones"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Size"}}}, '{"a":3}'),
        ({"Fn::If": ["Yes", {"Ref": "Vpc"}, "other"]}, "vpc-1"),
        ({"Fn::If": ["No", {"Ref": "Vpc"}, "other"]}, "other"),
        ({"A": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "B": 2}, {"B": 2}),
        ([1, {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}], [1]),
        # Plain data that only looks like functions: a policy's Condition, a mapping with two members.
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
        ({"Ref": "Name", "Other": 1}, {"Ref": "Name", "Other": 1}),
    ],
)
def test_a_function_yields_its_value(expression: Any, value: Any) -> None:
    assert evaluate(expression, scope({"Yes": True, "No": False})) == value


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ({"Fn::Nonsense": 1}, "Encountered unsupported function: Fn::Nonsense"),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "unsupported function: Fn::Transform"),
        ({"Fn::Select": [7, ["a"]]}, "Fn::Select cannot select nonexistent value at index 7"),
        ({"Fn::FindInMap": ["None", "a", "b"]}, "Mapping named 'None' is not present"),
        ({"Fn::FindInMap": ["Sizes", "mars", "Small"]}, "Unable to get mapping for Sizes::mars::Small"),
        ({"Fn::GetAtt": "Vpc"}, "requires two non-empty parameters"),
        ({"Fn::Join": ["-"]}, "every Fn::Join object must be well-formed"),
        ({"Fn::Cidr": ["10.0.0.0/30", 9, 1]}, "cannot make 9 blocks"),
        ({"Fn::Cidr": ["not a block", 1]}, "every Fn::Cidr object must be well-formed"),
    ],
)
def test_a_malformed_function_is_a_sentence(expression: Any, sentence: str) -> None:
    with pytest.raises(TemplateError) as fault:
        evaluate(expression, scope())
    assert sentence in str(fault.value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Fn::Equals": [{"Ref": "Name"}, "pet"]}, True),
        ({"Fn::Equals": [{"Ref": "On"}, "true"]}, True),
        ({"Fn::Equals": [{"Ref": "Size"}, "3"]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}, True),
        ({"Fn::Not": [{"Condition": "Base"}]}, False),
        ({"Fn::And": [{"Condition": "Base"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Condition": "Base"}]}, True),
        ({"Condition": "Base"}, True),
    ],
)
def test_a_condition_has_its_value(expression: Any, value: bool) -> None:
    found = conditions({"Tested": expression, "Base": {"Fn::Equals": ["x", "x"]}}, scope())
    assert found == {"Tested": value, "Base": True}


def test_conditions_in_a_circle_are_refused() -> None:
    with pytest.raises(TemplateError, match="Circular dependency between conditions"):
        conditions({"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}, scope())


def test_references_are_found_wherever_they_hide() -> None:
    value = {
        "a": [{"Ref": "R1"}, {"Fn::GetAtt": "R2.Arn"}],
        "b": {"Fn::Sub": ["${R3} ${R4.Arn} ${Local} ${!R9}", {"Local": {"Ref": "R5"}}]},
    }
    assert set(references(value)) == {
        Reference("R1"),
        Reference("R2", "Arn"),
        Reference("R3"),
        Reference("R4", "Arn"),
        Reference("R5"),
    }


def test_only_the_branch_taken_counts_once_conditions_are_known() -> None:
    value = {"Fn::If": ["C", {"Ref": "Then"}, {"Ref": "Else"}]}
    assert {reference.name for reference in references(value)} == {"Then", "Else"}
    assert {reference.name for reference in references(value, {"C": False})} == {"Else"}
