"""Stacks within stacks: how many there may be, how deep, and what they show of each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.local.local_aws import LocalAws

Upload = Callable[[str, dict[str, Any]], str]


@pytest.fixture
def upload(aws: LocalAws, account: str) -> Upload:
    """Puts a template into a bucket of the account, and gives its URL."""
    s3, bucket = aws.client("s3", account), f"nested-{account}"

    def put(key: str, resources: dict[str, Any]) -> str:
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({"Resources": resources}).encode())
        return f"{aws.url}/{bucket}/{key}"

    return put


def nested(url: str) -> dict[str, Any]:
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}


def failures(cloudformation: Any, stack_name: str) -> list[str]:
    """Why the stack and those nested in it, which are deleted by then, could not be created."""
    (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    deleted = cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    return [
        event["ResourceStatusReason"]
        for stack_id in [stack["StackId"], *(each["StackId"] for each in deleted)]
        for event in cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        if event["ResourceStatus"] == "CREATE_FAILED"
    ]


def test_a_nested_stack_names_its_parent_and_the_root(cloudformation: Any, upload: Upload) -> None:
    leaf = upload("leaf.json", {"Topic": {"Type": "AWS::SNS::Topic"}})
    middle = upload("middle.json", {"Leaf": nested(leaf)})
    cloudformation.create_stack(StackName="root", TemplateURL=upload("root.json", {"Middle": nested(middle)}))
    stacks = {
        stack["StackName"].split("-")[-2] if "-" in stack["StackName"] else "root": stack
        for stack in cloudformation.describe_stacks()["Stacks"]
    }
    assert "ParentId" not in stacks["root"]
    assert stacks["Middle"]["ParentId"] == stacks["Middle"]["RootId"] == stacks["root"]["StackId"]
    assert stacks["Leaf"]["ParentId"] == stacks["Middle"]["StackId"]
    assert stacks["Leaf"]["RootId"] == stacks["root"]["StackId"]


def test_a_template_that_nests_itself_is_refused_at_the_tenth_level(
    cloudformation: Any, upload: Upload
) -> None:
    url = upload("itself.json", {"Again": nested("")})
    upload("itself.json", {"Again": nested(url)})
    cloudformation.create_stack(StackName="itself", TemplateURL=url)
    assert "Limit exceeded: stacks can be nested at most 10 levels deep" in failures(cloudformation, "itself")
    assert [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]] == ["itself"]


def test_a_stack_has_at_most_200_nested_stacks_in_all(cloudformation: Any, upload: Upload) -> None:
    leaf = upload("leaf.json", {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}})
    hundred = upload("hundred.json", {f"Leaf{number}": nested(leaf) for number in range(100)})
    cloudformation.create_stack(
        StackName="many", TemplateURL=upload("many.json", {"A": nested(hundred), "B": nested(hundred)})
    )
    assert "Limit exceeded: a stack can have at most 200 nested stacks in all" in failures(
        cloudformation, "many"
    )
    assert [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]] == ["many"]
