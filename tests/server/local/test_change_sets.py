"""Change sets: what they start from, what they refuse, and whose they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

TOPIC = json.dumps(
    {
        "Parameters": {
            "Name": {"Type": "String"},
            "Shown": {"Type": "String", "Default": "first"},
        },
        "Resources": {
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": {"Ref": "Name"}, "DisplayName": {"Ref": "Shown"}},
            }
        },
    }
)


def given(**values: str) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def kept(*names: str) -> list[dict[str, Any]]:
    return [{"ParameterKey": name, "UsePreviousValue": True} for name in names]


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def parameters_of(described: dict[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}


@pytest.fixture
def stack(cloudformation: Any) -> Any:
    """A client, with a stack `topics` of TOPIC."""
    cloudformation.create_stack(StackName="topics", TemplateBody=TOPIC, Parameters=given(Name="a"))
    return cloudformation


def test_a_change_set_uses_the_previous_template_and_values(stack: Any) -> None:
    stack.create_change_set(
        StackName="topics",
        ChangeSetName="next",
        UsePreviousTemplate=True,
        Parameters=[*kept("Name"), *given(Shown="second")],
    )
    described = stack.describe_change_set(StackName="topics", ChangeSetName="next")
    assert parameters_of(described) == {"Name": "a", "Shown": "second"}
    assert [change["ResourceChange"]["Action"] for change in described["Changes"]] == ["Modify"]
    stack.execute_change_set(StackName="topics", ChangeSetName="next")
    (after,) = stack.describe_stacks(StackName="topics")["Stacks"]
    assert (after["StackStatus"], parameters_of(after)) == (
        "UPDATE_COMPLETE",
        {"Name": "a", "Shown": "second"},
    )


@pytest.mark.parametrize("change_set", [False, True])
def test_the_previous_value_of_a_default_is_the_former_default(stack: Any, change_set: bool) -> None:
    request = {
        "StackName": "topics",
        "TemplateBody": TOPIC.replace("first", "other"),
        "Parameters": kept("Name", "Shown"),
        "Tags": [{"Key": "changed", "Value": "yes"}],
    }
    if change_set:
        stack.create_change_set(ChangeSetName="kept", **request)
        stack.execute_change_set(StackName="topics", ChangeSetName="kept")
    else:
        stack.update_stack(**request)
    (after,) = stack.describe_stacks(StackName="topics")["Stacks"]
    assert parameters_of(after) == {"Name": "a", "Shown": "first"}


def test_a_change_set_is_an_update_unless_its_type_is_given(cloudformation: Any) -> None:
    request = {"ChangeSetName": "new", "TemplateBody": TOPIC, "Parameters": given(Name="a")}
    assert refusal(cloudformation.create_change_set, StackName="absent", **request) == (
        "ValidationError",
        "Stack [absent] does not exist",
    )


def test_a_change_set_that_creates_needs_a_stack_that_does_not_exist(stack: Any) -> None:
    code, message = refusal(
        stack.create_change_set,
        StackName="topics",
        ChangeSetName="again",
        ChangeSetType="CREATE",
        TemplateBody=TOPIC,
        Parameters=given(Name="a"),
    )
    assert (code, message) == (
        "ValidationError",
        "Stack [topics] already exists and cannot be created again with the changeSet [again].",
    )


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ({}, "Either Template URL or Template Body must be specified."),
        (
            {"TemplateBody": TOPIC, "UsePreviousTemplate": True},
            "You cannot specify both usePreviousTemplate and Template Body/Template URL.",
        ),
    ],
)
@pytest.mark.parametrize("call", ["create_change_set", "update_stack"])
def test_there_is_one_source_of_the_template(
    stack: Any, call: str, template: dict[str, Any], sentence: str
) -> None:
    name = {"ChangeSetName": "one"} if call == "create_change_set" else {}
    assert refusal(getattr(stack, call), StackName="topics", **name, **template) == (
        "ValidationError",
        sentence,
    )


def test_change_sets_of_two_stacks_may_have_one_name(stack: Any) -> None:
    stack.create_stack(StackName="others", TemplateBody=TOPIC, Parameters=given(Name="b"))
    for name, shown in (("topics", "of topics"), ("others", "of others")):
        stack.create_change_set(
            StackName=name,
            ChangeSetName="same",
            UsePreviousTemplate=True,
            Parameters=[*kept("Name"), *given(Shown=shown)],
        )
    described = stack.describe_change_set(StackName="topics", ChangeSetName="same")
    assert parameters_of(described)["Shown"] == "of topics"
    assert [each["StackName"] for each in stack.list_change_sets(StackName="others")["Summaries"]] == [
        "others"
    ]
    stack.delete_change_set(StackName="topics", ChangeSetName="same")
    assert refusal(stack.describe_change_set, StackName="topics", ChangeSetName="same") == (
        "ChangeSetNotFound",
        "ChangeSet [same] does not exist",
    )
    stack.execute_change_set(StackName="others", ChangeSetName="same")
    (after,) = stack.describe_stacks(StackName="others")["Stacks"]
    assert parameters_of(after)["Shown"] == "of others"


def test_a_change_set_that_is_gone_can_be_deleted_again(stack: Any) -> None:
    stack.delete_change_set(StackName="topics", ChangeSetName="absent")
    assert stack.list_change_sets(StackName="topics")["Summaries"] == []
