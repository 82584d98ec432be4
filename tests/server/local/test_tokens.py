"""Client request tokens: a repeated call is answered, and done once. Each test has tokens of its own."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

ONE, TWO = (
    f"Resources: {{Topic: {{Type: AWS::SNS::Topic, Properties: {{DisplayName: {name}}}}}}}"
    for name in ("one", "two")
)


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


def beginnings(cloudformation: Any, stack_id: str) -> list[tuple[str, str]]:
    """What the stack was told to do, oldest first, and with which token."""
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    return [
        (event["ResourceStatus"], event["ClientRequestToken"])
        for event in reversed(events)
        if event.get("ResourceStatusReason") == "User Initiated"
    ]


def test_a_call_that_is_repeated_with_its_token_is_answered_and_done_once(cloudformation: Any) -> None:
    first = {"StackName": "s", "TemplateBody": ONE, "ClientRequestToken": "create"}
    then = {"StackName": "s", "TemplateBody": TWO, "ClientRequestToken": "update"}
    stack_id, again = (cloudformation.create_stack(**first)["StackId"] for _ in range(2))
    assert again == stack_id
    assert [cloudformation.update_stack(**then)["StackId"] for _ in range(2)] == [stack_id] * 2
    assert cloudformation.create_stack(**first)["StackId"] == stack_id
    for _ in range(2):
        cloudformation.delete_stack(StackName="s", ClientRequestToken="delete")
    assert beginnings(cloudformation, stack_id) == [
        ("CREATE_IN_PROGRESS", "create"),
        ("UPDATE_IN_PROGRESS", "update"),
        ("DELETE_IN_PROGRESS", "delete"),
    ]


def test_a_late_repetition_neither_deletes_a_later_stack_nor_takes_a_deleted_one_for_its_own(
    cloudformation: Any,
) -> None:
    creation = {"StackName": "s", "TemplateBody": ONE, "ClientRequestToken": "late-create"}
    deletion = {"StackName": "s", "ClientRequestToken": "late-delete"}
    first = cloudformation.create_stack(**creation)["StackId"]
    cloudformation.delete_stack(**deletion)
    second = cloudformation.create_stack(**creation)["StackId"]
    assert second != first
    cloudformation.delete_stack(**deletion)
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    assert (stack["StackId"], stack["StackStatus"]) == (second, "CREATE_COMPLETE")


def test_a_token_is_of_one_call_only(cloudformation: Any) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=ONE, ClientRequestToken="t")
    again = {"TemplateBody": TWO, "ClientRequestToken": "t"}
    assert code(cloudformation.create_stack, StackName="s", **again) == "TokenAlreadyExistsException"
    assert code(cloudformation.create_stack, StackName="other", **again) == "TokenAlreadyExistsException"
    assert code(cloudformation.update_stack, StackName="s", **again) == "TokenAlreadyExistsException"
    assert code(cloudformation.create_stack, StackName="s", TemplateBody=ONE) == "AlreadyExistsException"


def test_a_refused_call_leaves_its_token_free(cloudformation: Any) -> None:
    request = {"StackName": "s", "ClientRequestToken": "refused"}
    assert code(cloudformation.create_stack, TemplateBody="Resources: {}", **request) == "ValidationError"
    cloudformation.create_stack(TemplateBody=ONE, **request)


def test_a_change_set_that_is_executed_again_with_its_token_is_executed_once(cloudformation: Any) -> None:
    stack_id = cloudformation.create_stack(StackName="s", TemplateBody=ONE)["StackId"]
    change = cloudformation.create_change_set(
        StackName="s", ChangeSetName="c", TemplateBody=TWO, ChangeSetType="UPDATE"
    )["Id"]
    for _ in range(2):
        cloudformation.execute_change_set(ChangeSetName=change, ClientRequestToken="execute")
    assert code(cloudformation.execute_change_set, ChangeSetName=change) == "ValidationError"
    (event,) = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"][:1]
    assert (event["ResourceStatus"], event["ClientRequestToken"]) == ("UPDATE_COMPLETE", "execute")
