"""What a failure leaves of a stack, and the calls that lead out of it. Operations take their time here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from proton_server.local.cloudformation.installation import install
from tests.server.local.local_aws import LocalAws
from tests.waiting import eventually

BAD = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "not a block"}}


@pytest.fixture(autouse=True)
def _slow(aws: LocalAws) -> Iterator[None]:
    aws.client("sqs").list_queues()  # the local AWS is loaded, which installs its own pace
    install(deploy_seconds=0.6)
    yield
    install(deploy_seconds=0.0)


def queues(seconds: int, **more: Any) -> str:
    """A template of one queue, and of what comes after it."""
    properties = {"QueueName": "rolled-back", "VisibilityTimeout": seconds}
    after = {name: definition | {"DependsOn": "Queue"} for name, definition in more.items()}
    queue = {"Type": "AWS::SQS::Queue", "Properties": properties}
    return json.dumps(
        {"Resources": {"Queue": queue, **after}, "Outputs": {"Url": {"Value": {"Ref": "Queue"}}}}
    )


def timeout_of(sqs: Any, url: str) -> str:
    """The queue's visibility timeout."""
    found: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
        "VisibilityTimeout"
    ]
    return found


def status(cloudformation: Any, name: str = "s") -> str:
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    found: str = stack["StackStatus"]
    return found


def reaches(cloudformation: Any, wanted: str, name: str = "s") -> dict[str, Any]:
    eventually(lambda: status(cloudformation, name) == wanted, 20)
    stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return stack


def history(cloudformation: Any, name: str = "s") -> list[tuple[str, str]]:
    """The resources' events, oldest first."""
    found = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]


def happens(cloudformation: Any, *event: str) -> None:
    eventually(lambda: event in history(cloudformation), 20)


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def stuck(aws: LocalAws, account: str, cloudformation: Any) -> str:
    """A stack whose update failed, and whose queue was deleted by hand meanwhile; returns the queue's URL."""
    cloudformation.create_stack(StackName="s", TemplateBody=queues(30))
    (output,) = reaches(cloudformation, "CREATE_COMPLETE")["Outputs"]
    cloudformation.update_stack(StackName="s", TemplateBody=queues(60, Bad=BAD))
    happens(cloudformation, "Queue", "UPDATE_COMPLETE")
    aws.client("sqs", account).delete_queue(QueueUrl=output["OutputValue"])
    stack = reaches(cloudformation, "UPDATE_ROLLBACK_FAILED")
    assert stack["StackStatusReason"] == "The following resource(s) failed to update: [Queue]."
    url: str = output["OutputValue"]
    return url


def test_a_rollback_fails_at_a_resource_that_is_gone_and_goes_on_when_it_is_back(
    aws: LocalAws, account: str, cloudformation: Any, stuck: str
) -> None:
    message = "is in UPDATE_ROLLBACK_FAILED state and can not be updated."
    assert message in refusal(cloudformation.update_stack, StackName="s", TemplateBody=queues(90))[1]
    again = {"StackName": "s", "ClientRequestToken": "c"}
    cloudformation.continue_update_rollback(**again)
    reaches(cloudformation, "UPDATE_ROLLBACK_FAILED")
    assert history(cloudformation)[-4:] == [
        ("s", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Queue", "UPDATE_IN_PROGRESS"),
        ("Queue", "UPDATE_FAILED"),
        ("s", "UPDATE_ROLLBACK_FAILED"),
    ]

    sqs = aws.client("sqs", account)
    sqs.create_queue(QueueName="rolled-back")
    cloudformation.continue_update_rollback(**again)  # has been done with this token
    assert status(cloudformation) == "UPDATE_ROLLBACK_FAILED"
    cloudformation.continue_update_rollback(StackName="s", ClientRequestToken="d")
    reaches(cloudformation, "UPDATE_ROLLBACK_COMPLETE")
    assert timeout_of(sqs, stuck) == "30"
    code, message = refusal(cloudformation.continue_update_rollback, StackName="s")
    assert (code, "is in UPDATE_ROLLBACK_COMPLETE state" in message) == ("ValidationError", True)


@pytest.mark.usefixtures("stuck")
def test_a_rollback_goes_on_without_a_resource_that_it_failed_at(cloudformation: Any) -> None:
    wrong = {"StackName": "s", "ResourcesToSkip": ["Bad"]}
    assert "Resource [Bad] cannot be skipped" in refusal(cloudformation.continue_update_rollback, **wrong)[1]
    cloudformation.continue_update_rollback(StackName="s", ResourcesToSkip=["Queue"])
    reaches(cloudformation, "UPDATE_ROLLBACK_COMPLETE")
    assert history(cloudformation)[-2:] == [("Queue", "UPDATE_COMPLETE"), ("s", "UPDATE_ROLLBACK_COMPLETE")]


def test_a_cancelled_update_puts_back_what_it_has_done(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=queues(30))
    (output,) = reaches(cloudformation, "CREATE_COMPLETE")["Outputs"]
    topic = {"Type": "AWS::SNS::Topic"}
    cloudformation.update_stack(StackName="s", TemplateBody=queues(60, Topic=topic))
    happens(cloudformation, "Queue", "UPDATE_COMPLETE")
    cloudformation.cancel_update_stack(StackName="s")

    assert reaches(cloudformation, "UPDATE_ROLLBACK_COMPLETE")["StackStatusReason"] == "User Initiated"
    assert ("Topic", "CREATE_FAILED") in history(cloudformation)
    assert timeout_of(aws.client("sqs", account), output["OutputValue"]) == "30"


def test_a_creation_that_cannot_be_rolled_back_can_only_be_deleted(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    s3, bucket = aws.client("s3", account), f"in-use-{account}"
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}},
        "Bad": BAD | {"DependsOn": "Bucket"},
    }
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    happens(cloudformation, "Bucket", "CREATE_COMPLETE")
    s3.put_object(Bucket=bucket, Key="k", Body=b"")

    reason = reaches(cloudformation, "ROLLBACK_FAILED")["StackStatusReason"]
    assert reason == "The following resource(s) failed to delete: [Bucket]."
    cloudformation.delete_stack(StackName="s")
    reaches(cloudformation, "DELETE_FAILED")
    s3.delete_object(Bucket=bucket, Key="k")
    cloudformation.delete_stack(StackName="s")
    eventually(lambda: not cloudformation.describe_stacks()["Stacks"])


def test_what_failed_without_a_rollback_stays_until_it_is_rolled_back(cloudformation: Any) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=queues(30))
    reaches(cloudformation, "CREATE_COMPLETE")
    broken = queues(60, Bad=BAD)
    cloudformation.update_stack(StackName="s", TemplateBody=broken, DisableRollback=True)
    reaches(cloudformation, "UPDATE_FAILED")

    refused = refusal(cloudformation.update_stack, StackName="s", TemplateBody=queues(90))
    assert "This stack is currently in a non-terminal [UPDATE_FAILED] state." in refused[1]
    cloudformation.rollback_stack(StackName="s")
    reaches(cloudformation, "UPDATE_ROLLBACK_COMPLETE")
    refused = refusal(cloudformation.rollback_stack, StackName="s")
    assert "is in UPDATE_ROLLBACK_COMPLETE state" in refused[1]

    cloudformation.create_stack(
        StackName="new", TemplateBody=broken.replace("rolled", "left"), DisableRollback=True
    )
    reaches(cloudformation, "CREATE_FAILED", "new")
    assert ("Queue", "CREATE_COMPLETE") in history(cloudformation, "new")


def test_a_stack_that_only_change_sets_know_cannot_be_updated(cloudformation: Any) -> None:
    change = {"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE"}
    cloudformation.create_change_set(**change, TemplateBody=queues(90))
    assert refusal(cloudformation.update_stack, StackName="s", TemplateBody=queues(99)) == (
        "ValidationError",
        "Stack [s] does not exist",
    )


def statement(effect: str, action: str = "Update:*", **more: Any) -> dict[str, Any]:
    """A statement of a stack policy, about all resources if it says nothing else."""
    about = {} if "NotResource" in more else {"Resource": "*"}
    return {"Effect": effect, "Action": action, "Principal": "*"} | about | more


OF_QUEUE = "[Update:Modify] for resource [LogicalResourceId/Queue]"


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (
            [statement("Allow"), statement("Deny", "Update:Modify", Resource="LogicalResourceId/Q*")],
            f"Action denied by stack policy: Statement [#2] does not allow {OF_QUEUE}",
        ),
        (
            [statement("Allow", NotResource="LogicalResourceId/Queue")],
            f"Action not allowed by stack policy: {OF_QUEUE}",
        ),
        (
            [statement("Allow", Condition={"StringEquals": {"ResourceType": ["AWS::SQS::Queue"]}})],
            None,
        ),
    ],
)
def test_a_stack_policy_fails_the_update_that_it_does_not_allow(
    cloudformation: Any, statements: list[dict[str, Any]], reason: str | None
) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=queues(30))
    reaches(cloudformation, "CREATE_COMPLETE")
    cloudformation.set_stack_policy(StackName="s", StackPolicyBody=json.dumps({"Statement": statements}))
    cloudformation.update_stack(StackName="s", TemplateBody=queues(60))

    reaches(cloudformation, "UPDATE_ROLLBACK_COMPLETE" if reason else "UPDATE_COMPLETE")
    found = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    failed = [event for event in found if event["ResourceStatus"] == "UPDATE_FAILED"]
    assert [event["ResourceStatusReason"] for event in failed] == ([reason] if reason else [])


def test_a_stack_policy_keeps_what_a_template_no_longer_has(cloudformation: Any) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    cloudformation.create_stack(StackName="s", TemplateBody=queues(30, Topic=topic))
    reaches(cloudformation, "CREATE_COMPLETE")
    policy = {"Statement": statement("Allow", "Update:Modify")}
    cloudformation.set_stack_policy(StackName="s", StackPolicyBody=json.dumps(policy))
    cloudformation.update_stack(StackName="s", TemplateBody=queues(60))

    reaches(cloudformation, "UPDATE_ROLLBACK_COMPLETE")
    assert ("Topic", "UPDATE_FAILED") in history(cloudformation)
