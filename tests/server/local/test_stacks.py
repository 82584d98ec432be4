"""The life of a stack over the wire: states, reasons, refusals, updates, exports, time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.handlers import json_decode_template_body

from proton_server.local.cloudformation.installation import install
from tests.server.local.local_aws import LocalAws, outputs_of


def body(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def topic(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def permission(action: str, function: str, principal: str) -> dict[str, Any]:
    properties = {"Action": action, "FunctionName": function, "Principal": principal}
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


ONE = body(
    {"Queue": queue(QueueName="one")}, Outputs={"Name": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}}
)
BROKEN_VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "not a block"}}


def describe(cloudformation: Any, name: str = "s") -> dict[str, Any]:
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stack


def create(cloudformation: Any, template: str, name: str = "s", **more: Any) -> dict[str, Any]:
    stack_id = cloudformation.create_stack(StackName=name, TemplateBody=template, **more)["StackId"]
    return describe(cloudformation, stack_id)


def update(cloudformation: Any, template: str, name: str = "s", **more: Any) -> dict[str, Any]:
    cloudformation.update_stack(StackName=name, TemplateBody=template, **more)
    return describe(cloudformation, name)


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def events(cloudformation: Any, name: str = "s") -> list[tuple[str, str]]:
    found = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]


@pytest.mark.parametrize(
    "text",
    [
        "Resources:\r\n  A: {Type: AWS::SNS::Topic}\r\n",
        "\n\n# \u00e9, \u2014, \U0001f600, <&>\nResources: {A: {Type: AWS::SNS::Topic}}\n\n",
        "Resources: {A: {Type: AWS::SNS::Topic}}",
        '{"Resources":\n\t{"A": {"Type": "AWS::SNS::Topic"}}}  \n',
    ],
)
def test_a_template_is_given_back_byte_for_byte(cloudformation: Any, text: str) -> None:
    # botocore would make a dictionary of JSON.
    cloudformation.meta.events.unregister("after-call.cloudformation.GetTemplate", json_decode_template_body)
    create(cloudformation, text)
    assert cloudformation.get_template(StackName="s")["TemplateBody"] == text


def test_each_resource_has_its_events(cloudformation: Any) -> None:
    create(cloudformation, ONE, ClientRequestToken="deployment-1")
    assert events(cloudformation) == [
        ("s", "CREATE_IN_PROGRESS"),
        ("Queue", "CREATE_IN_PROGRESS"),
        ("Queue", "CREATE_COMPLETE"),
        ("s", "CREATE_COMPLETE"),
    ]
    found = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    assert {event["ClientRequestToken"] for event in found} == {"deployment-1"}


def test_a_name_that_is_taken_is_refused(cloudformation: Any) -> None:
    create(cloudformation, ONE)
    assert refusal(cloudformation.create_stack, StackName="s", TemplateBody=ONE) == (
        "AlreadyExistsException",
        "Stack [s] already exists",
    )


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("Resources: [", "Template format error: YAML not well-formed."),
        (
            body({"A": {"Type": "AWS::Nonsense::Thing"}}),
            "Unrecognized resource types: [AWS::Nonsense::Thing]",
        ),
        (
            body({"A": topic()}, Outputs={"O": {"Value": {"Fn::GetAtt": ["A", "Nonsense"]}}}),
            "Template error: resource A does not support attribute type Nonsense in Fn::GetAtt",
        ),
        (
            body({"A": topic(TopicName={"Ref": "B"}), "B": topic(TopicName={"Ref": "A"})}),
            "Circular dependency between resources: [A, B]",
        ),
        (body({"A": topic()}, Parameters={"P": {"Type": "String"}}), "Parameters: [P] must have values"),
    ],
)
def test_an_unsound_template_is_refused_at_the_call(
    cloudformation: Any, template: str, sentence: str
) -> None:
    code, message = refusal(cloudformation.create_stack, StackName="s", TemplateBody=template)
    assert code == "ValidationError"
    assert sentence in message
    assert cloudformation.describe_stacks()["Stacks"] == []


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (BROKEN_VPC, "is not a valid CIDR"),
        (topic(TopicNam="x"), "failed for resource Bad with message:\n#: extraneous key [TopicNam]"),
        ({"Type": "AWS::EC2::Subnet", "Properties": {}}, "#: required key [VpcId] not found"),
        (permission("lambda:InvokeFunction", "nobody", "sns.amazonaws.com"), "Function not found"),
        (topic(TopicName={"Fn::ImportValue": "nobodys"}), "No export named nobodys found."),
    ],
)
def test_a_bad_value_rolls_the_creation_back_and_says_why(
    aws: LocalAws, account: str, cloudformation: Any, resource: dict[str, Any], reason: str
) -> None:
    stack = create(cloudformation, body({"Good": queue(), "Bad": resource | {"DependsOn": "Good"}}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stack["StackStatusReason"] == (
        "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    )
    (failed,) = (
        event
        for event in cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        if event["ResourceStatus"] == "CREATE_FAILED"
    )
    assert failed["LogicalResourceId"] == "Bad"
    assert reason in failed["ResourceStatusReason"]
    assert "QueueUrls" not in aws.client("sqs", account).list_queues()
    assert (
        "state and can not be updated"
        in refusal(cloudformation.update_stack, StackName="s", TemplateBody=ONE)[1]
    )


def test_nothing_changed_is_refused_whatever_the_text_looks_like(cloudformation: Any) -> None:
    create(cloudformation, ONE)
    spaced = json.dumps(json.loads(ONE), indent=4)
    assert refusal(cloudformation.update_stack, StackName="s", TemplateBody=spaced) == (
        "ValidationError",
        "No updates are to be performed.",
    )


PARAMETERISED = body(
    {
        "A": topic(TopicName={"Ref": "Name"}),
        "B": queue(
            QueueName={"Fn::Sub": "${Name}-queue"}, VisibilityTimeout={"Fn::FindInMap": ["Sizes", "q", "v"]}
        ),
    },
    Parameters={"Name": {"Type": "String"}, "Secret": {"Type": "String", "Default": "x", "NoEcho": True}},
    Mappings={"Sizes": {"q": {"v": "30"}}},
    Outputs={"A": {"Value": {"Ref": "A"}}},
)


def test_a_change_behind_a_parameter_or_a_mapping_is_seen(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    named = [{"ParameterKey": "Name", "ParameterValue": "first"}]
    create(cloudformation, PARAMETERISED, Parameters=named)
    remapped = PARAMETERISED.replace('"30"', '"60"')
    stack = update(cloudformation, remapped, Parameters=[{"ParameterKey": "Name", "UsePreviousValue": True}])
    sqs = aws.client("sqs", account)
    url = sqs.get_queue_url(QueueName="first-queue")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert attributes["VisibilityTimeout"] == "60"
    assert {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]} == {
        "Name": "first",
        "Secret": "****",
    }

    renamed = [{"ParameterKey": "Name", "ParameterValue": "second"}]
    cloudformation.update_stack(StackName="s", UsePreviousTemplate=True, Parameters=renamed)
    assert outputs_of(describe(cloudformation))["A"].endswith(":second")
    topics = [topic["TopicArn"] for topic in aws.client("sns", account).list_topics()["Topics"]]
    assert [arn.rsplit(":", 1)[-1] for arn in topics] == ["second"]


def test_what_a_new_template_adds_and_drops_is_made_and_removed(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    create(cloudformation, body({"A": topic(TopicName="a"), "B": topic(TopicName="b")}))
    update(cloudformation, body({"B": topic(TopicName="b"), "C": topic(TopicName="c")}))
    topics = [topic["TopicArn"] for topic in aws.client("sns", account).list_topics()["Topics"]]
    assert sorted(arn.rsplit(":", 1)[-1] for arn in topics) == ["b", "c"]
    resources = cloudformation.describe_stack_resources(StackName="s")["StackResources"]
    assert {r["LogicalResourceId"]: r["ResourceStatus"] for r in resources} == {
        "B": "CREATE_COMPLETE",
        "C": "CREATE_COMPLETE",
    }


def test_a_failed_update_returns_to_what_was(aws: LocalAws, account: str, cloudformation: Any) -> None:
    create(
        cloudformation, body({"A": queue(QueueName="a", VisibilityTimeout=30), "Old": topic(TopicName="old")})
    )
    stack = update(
        cloudformation,
        body(
            {
                "A": queue(QueueName="a", VisibilityTimeout=60),
                "New": topic(TopicName="new") | {"DependsOn": "A"},
                "Bad": BROKEN_VPC | {"DependsOn": "New"},
            }
        ),
    )
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["StackStatusReason"] == "The following resource(s) failed to create: [Bad]."
    topics = [
        topic["TopicArn"].rsplit(":", 1)[-1] for topic in aws.client("sns", account).list_topics()["Topics"]
    ]
    assert topics == ["old"]
    sqs = aws.client("sqs", account)
    url = sqs.get_queue_url(QueueName="a")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "30"
    assert "A" in cloudformation.get_template(StackName="s")["TemplateBody"]["Resources"]
    assert "New" not in cloudformation.get_template(StackName="s")["TemplateBody"]["Resources"]


def test_a_custom_named_resource_cannot_be_replaced(cloudformation: Any) -> None:
    def key(kind: str) -> str:
        return body({"Key": {"Type": "AWS::EC2::KeyPair", "Properties": {"KeyName": "k", "KeyType": kind}}})

    create(cloudformation, key("rsa"))
    assert update(cloudformation, key("ed25519"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [
        e.get("ResourceStatusReason", "")
        for e in cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    ]
    assert any(
        "when a custom-named resource requires replacing. Rename k and" in reason for reason in reasons
    )


def test_a_bucket_with_objects_stops_the_deletion_and_can_be_retained(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    bucket = f"full-{account}"
    stack = create(
        cloudformation,
        body({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}, "Topic": topic()}),
    )
    s3 = aws.client("s3", account)
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    cloudformation.delete_stack(StackName="s")
    failed = describe(cloudformation)
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert failed["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]."
    assert aws.client("sns", account).list_topics()["Topics"] == []

    cloudformation.delete_stack(StackName="s", RetainResources=["Bucket"])
    assert describe(cloudformation, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert [found["Name"] for found in s3.list_buckets()["Buckets"]] == [bucket]


def test_deletion_policy_retain_keeps_the_resource(aws: LocalAws, account: str, cloudformation: Any) -> None:
    create(cloudformation, body({"A": topic(TopicName="kept") | {"DeletionPolicy": "Retain"}, "B": topic()}))
    cloudformation.delete_stack(StackName="s")
    sns = aws.client("sns", account)
    (kept,) = sns.list_topics()["Topics"]
    assert kept["TopicArn"].endswith(":kept")
    sns.delete_topic(TopicArn=kept["TopicArn"])


def test_a_deleted_stack_is_found_by_its_id_only(cloudformation: Any) -> None:
    stack = create(cloudformation, ONE)
    cloudformation.delete_stack(StackName="s")
    cloudformation.delete_stack(StackName="s")
    assert refusal(cloudformation.describe_stacks, StackName="s") == (
        "ValidationError",
        "Stack with id s does not exist",
    )
    deleted = describe(cloudformation, stack["StackId"])
    assert deleted["StackStatus"] == "DELETE_COMPLETE"
    summaries = cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert stack["StackId"] in [summary["StackId"] for summary in summaries]


def test_a_protected_stack_is_not_deleted(cloudformation: Any) -> None:
    create(cloudformation, ONE, EnableTerminationProtection=True)
    code, message = refusal(cloudformation.delete_stack, StackName="s")
    assert (code, message) == (
        "ValidationError",
        "Stack [s] cannot be deleted while TerminationProtection is enabled",
    )
    cloudformation.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName="s")
    assert cloudformation.describe_stacks()["Stacks"] == []


def test_exports_are_unique_imported_and_not_lost_while_in_use(cloudformation: Any) -> None:
    exporting = body(
        {"A": topic(TopicName="a")},
        Outputs={"Arn": {"Value": {"Ref": "A"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-arn"}}}},
    )
    importing = body({"B": topic(DisplayName={"Fn::ImportValue": "s-arn"})})
    exported = outputs_of(create(cloudformation, exporting))["Arn"]
    assert [(e["Name"], e["Value"]) for e in cloudformation.list_exports()["Exports"]] == [
        ("s-arn", exported)
    ]
    assert create(cloudformation, importing, "importer")["StackStatus"] == "CREATE_COMPLETE"

    cloudformation.delete_stack(StackName="s")
    kept = describe(cloudformation)
    assert kept["StackStatus"] == "DELETE_FAILED"
    assert kept["StackStatusReason"] == "Cannot delete export s-arn as it is in use by importer."

    cloudformation.delete_stack(StackName="importer")
    cloudformation.delete_stack(StackName="s")
    assert cloudformation.list_exports()["Exports"] == []


def test_a_nested_stack_gives_its_outputs_and_goes_with_its_parent(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    s3 = aws.client("s3", account)
    s3.create_bucket(Bucket=f"templates-{account}")
    s3.put_object(Bucket=f"templates-{account}", Key="deep/one.json", Body=ONE.encode())
    url = f"{aws.url}/templates-{account}/deep/one.json"
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    parent = body(
        {"Nested": nested}, Outputs={"Inner": {"Value": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}}}
    )
    s3.put_object(Bucket=f"templates-{account}", Key="parent.json", Body=parent.encode())
    cloudformation.create_stack(StackName="s", TemplateURL=f"{aws.url}/templates-{account}/parent.json")
    assert outputs_of(describe(cloudformation)) == {"Inner": "one"}
    cloudformation.delete_stack(StackName="s")
    assert cloudformation.describe_stacks()["Stacks"] == []
    assert "QueueUrls" not in aws.client("sqs", account).list_queues()


def test_a_change_set_shows_what_it_will_do_and_does_it(cloudformation: Any) -> None:
    def change_set(template: str, kind: str, name: str) -> dict[str, Any]:
        cloudformation.create_change_set(
            StackName="s", ChangeSetName=name, TemplateBody=template, ChangeSetType=kind
        )
        return cloudformation.describe_change_set(StackName="s", ChangeSetName=name)

    first = change_set(ONE, "CREATE", "first")
    assert [c["ResourceChange"]["Action"] for c in first["Changes"]] == ["Add"]
    assert describe(cloudformation)["StackStatus"] == "REVIEW_IN_PROGRESS"
    cloudformation.execute_change_set(StackName="s", ChangeSetName="first")
    assert describe(cloudformation)["StackStatus"] == "CREATE_COMPLETE"

    same = change_set(ONE, "UPDATE", "same")
    assert same["Status"] == "FAILED"
    assert "didn't contain changes" in same["StatusReason"]

    second = change_set(body({"Queue": queue(QueueName="two"), "T": topic()}), "UPDATE", "second")
    found = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]["Action"] for c in second["Changes"]
    }
    assert found == {"Queue": "Modify", "T": "Add"}
    cloudformation.execute_change_set(StackName="s", ChangeSetName="second")
    assert describe(cloudformation)["StackStatus"] == "UPDATE_COMPLETE"


def test_64_stacks_live_and_die_at_once(aws: LocalAws, account: str) -> None:
    cloudformation = aws.client("cloudformation", account)

    def template(number: int, size: str) -> str:
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": f"10.{number}.0.0/16"}}
        subnet = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.{number}.0.0/{size}"},
        }
        return body(
            {"Vpc": vpc, "Subnet": subnet, "Topic": topic()}, Outputs={"Vpc": {"Value": {"Ref": "Vpc"}}}
        )

    def live(number: int) -> list[str]:
        name = f"s{number}"
        states = [create(cloudformation, template(number, "24"), name)]
        states.append(update(cloudformation, template(number, "25"), name))
        if number % 8 == 0:
            cloudformation.describe_stacks()
        cloudformation.delete_stack(StackName=name)
        states.append(describe(cloudformation, states[0]["StackId"]))
        return [state["StackStatus"] for state in states]

    with ThreadPoolExecutor(64) as pool:
        lives = list(pool.map(live, range(64)))
    assert lives == [["CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"]] * 64
    assert len(aws.client("ec2", account).describe_vpcs()["Vpcs"]) == 1


@pytest.fixture
def slow() -> Iterator[None]:
    """Deployments that take half a second, for as long as the test."""
    install(deploy_seconds=0.5)
    yield
    install(deploy_seconds=0.0)


def until(cloudformation: Any, status: str, name: str = "s") -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while (stack := describe(cloudformation, name))["StackStatus"] != status:
        assert time.monotonic() < deadline, stack
        time.sleep(0.05)
    return stack


@pytest.mark.usefixtures("slow")
def test_a_deployment_can_take_its_time(cloudformation: Any) -> None:
    stack = create(cloudformation, ONE)
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert outputs_of(stack) == {}
    assert (
        "CREATE_IN_PROGRESS state" in refusal(cloudformation.update_stack, StackName="s", TemplateBody=ONE)[1]
    )
    assert outputs_of(until(cloudformation, "CREATE_COMPLETE")) == {"Name": "one"}
    cloudformation.delete_stack(StackName="s")
    assert describe(cloudformation)["StackStatus"] == "DELETE_IN_PROGRESS"
    until(cloudformation, "DELETE_COMPLETE", stack["StackId"])


@pytest.mark.usefixtures("slow")
def test_a_cancelled_update_returns_to_the_previous_outputs(cloudformation: Any) -> None:
    create(cloudformation, ONE)
    until(cloudformation, "CREATE_COMPLETE")
    update(cloudformation, ONE.replace("one", "two"))
    cloudformation.cancel_update_stack(StackName="s")
    time.sleep(0.7)
    stack = describe(cloudformation)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert outputs_of(stack) == {"Name": "one"}
    assert refusal(cloudformation.cancel_update_stack, StackName="s") == (
        "ValidationError",
        "CancelUpdateStack cannot be called from current stack status",
    )


@pytest.mark.usefixtures("slow")
def test_a_stack_deleted_during_its_creation_is_never_made(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    stack = create(cloudformation, ONE)
    cloudformation.delete_stack(StackName="s")
    until(cloudformation, "DELETE_COMPLETE", stack["StackId"])
    assert "QueueUrls" not in aws.client("sqs", account).list_queues()


def test_a_stack_that_a_condition_leaves_without_outputs_shows_none(cloudformation: Any) -> None:
    template = body(
        {"A": topic()},
        Parameters={"Wanted": {"Type": "String"}},
        Conditions={"Yes": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]}},
        Outputs={"O": {"Condition": "Yes", "Value": {"Ref": "A"}}},
    )
    wanted = [{"ParameterKey": "Wanted", "ParameterValue": "yes"}]
    assert outputs_of(create(cloudformation, template, Parameters=wanted))
    unwanted = [{"ParameterKey": "Wanted", "ParameterValue": "no"}]
    assert "Outputs" not in update(cloudformation, template, Parameters=unwanted)


def test_what_a_condition_leaves_out_cannot_be_an_output(cloudformation: Any) -> None:
    template = body(
        {"A": topic(), "B": topic() | {"Condition": "No"}},
        Conditions={"No": {"Fn::Equals": ["a", "b"]}},
        Outputs={"O": {"Value": {"Ref": "B"}}},
    )
    assert refusal(cloudformation.create_stack, StackName="s", TemplateBody=template) == (
        "ValidationError",
        "Unresolved resource dependencies [B] in the Outputs block of the template",
    )


def test_the_events_of_a_stack_are_published_to_its_topics(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    sns, sqs = aws.client("sns", account), aws.client("sqs", account)
    listener = sqs.create_queue(QueueName="listener")["QueueUrl"]
    events_topic = sns.create_topic(Name="events")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=listener, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=events_topic, Protocol="sqs", Endpoint=arn)
    gone = events_topic.replace("events", "gone")
    create(cloudformation, body({"A": topic()}), NotificationARNs=[events_topic, gone])
    received = sqs.receive_message(QueueUrl=listener, MaxNumberOfMessages=10)["Messages"]
    texts = [json.loads(message["Body"])["Message"] for message in received]
    assert [re.findall(r"(?:LogicalResourceId|ResourceStatus)='(\w+)'", text) for text in texts] == [
        ["s", "CREATE_IN_PROGRESS"],
        ["A", "CREATE_IN_PROGRESS"],
        ["A", "CREATE_COMPLETE"],
        ["s", "CREATE_COMPLETE"],
    ]
    sqs.delete_queue(QueueUrl=listener)
    sns.delete_topic(TopicArn=events_topic)
