"""Templates that would stop a careless reader: each is refused within seconds, and the server serves on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.server.local.local_aws import LocalAws

TOPIC = {"Type": "AWS::SNS::Topic"}
SOUND = json.dumps({"Resources": {"Topic": TOPIC}})
_SECONDS = 10.0


def named(value: Any, **sections: Any) -> str:
    topic = {**TOPIC, "Properties": {"DisplayName": value}}
    return json.dumps({"Resources": {"Topic": topic}, **sections})


def text(template: str) -> str:
    return f"Resources: {{Topic: {{Type: AWS::SNS::Topic, Properties: {{DisplayName: {template}}}}}}}"


def nest(value: Any, times: int, around: Callable[[Any], Any]) -> Any:
    for _ in range(times):
        value = around(value)
    return value


def conditions(**expressions: Any) -> str:
    return json.dumps({"Resources": {"Topic": TOPIC}, "Conditions": expressions})


def laughs() -> str:
    lines = ["a0: &a0 [ha]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "Metadata:\n" + "".join(f"  {line}\n" for line in lines) + SOUND[1:-1].replace('"', "")


def doubled(value: Any) -> Any:
    return {"Fn::Sub": ["${v}" * 20, {"v": value}]}


def parameter(**slot: Any) -> str:
    return json.dumps({"Parameters": {"P": {"Type": "String", **slot}}, "Resources": {"Topic": TOPIC}})


def many(section: str, count: int, member: Any) -> str:
    return json.dumps({"Resources": {"Topic": TOPIC}, section: {f"M{n}": member for n in range(count)}})


ALIASES = "Template format error: YAML aliases are not allowed in CloudFormation templates"
DEEP = "Template format error: the template is nested deeper than 100 levels"
NO_CHARACTER = "Template format error: a character is not allowed"
TOO_LONG = "Member must have length less than or equal to 51200"
MALFORMED = "not well-formed"

REFUSED = {
    "laughs": (laughs(), ALIASES),
    "one alias": ("A: &a 1\nB: *a", ALIASES),
    "an alias of itself": ("Resources: &a [*a]", ALIASES),
    "brackets": ("[" * 25_000, DEEP),
    "brackets in JSON": ('{"Metadata": ' + "[" * 25_000, DEEP),
    "levels in JSON": (named(nest("x", 101, lambda value: [value])), DEEP),
    "functions in functions": (text("!Not [" * 101 + "1" + "]" * 101), DEEP),
    "tags": (text("!Base64 " * 3), MALFORMED),
    "too long": (SOUND + " " * 51_200, TOO_LONG),
    "no text": (text('"\\0"'), NO_CHARACTER),
    "half a character": (SOUND.replace("Topic", "To\\ud800pic"), NO_CHARACTER),
    "a long number": (text("1" * 5_000), MALFORMED),
    "a long number in JSON": (named(0).replace("0", "1" * 5_000), MALFORMED),
    "no number": (text(".nan"), "a number is infinite"),
    "no number in JSON": (named(float("nan")), MALFORMED),
    "an endless number": (named(0).replace("0", "1e999"), "a number is infinite"),
    "a key that is a list": ("? [a]\n: b", MALFORMED),
    "a key without a name": ("Resources: {null: {Type: T}, ~: 1}", "must be an object"),
    "a reference to a list": (named({"Ref": ["Topic"]}), "Unresolved resource dependencies"),
    "variables that are none": (named({"Fn::Sub": ["${a}", 5]}), "Fn::Sub"),
    "a condition that is a list": (
        json.dumps({"Resources": {"Topic": {**TOPIC, "Condition": ["a"]}}}),
        "Unresolved condition",
    ),
    "an export that is none": (
        json.dumps({"Resources": {"T": TOPIC}, "Outputs": {"O": {"Value": "v", "Export": 5}}}),
        "Export",
    ),
    "a description that is none": (
        json.dumps({"Description": {}, "Resources": {"Topic": TOPIC}}),
        "Description",
    ),
    "a function in a mapping": (
        named("x", Mappings={"M": {"a": {"b": {"Fn::FindInMap": ["M", "a", "b"]}}}}),
        "Every Mappings attribute must be a String or a List.",
    ),
    "conditions in a circle": (
        conditions(A={"Condition": "B"}, B={"Condition": "A"}),
        "Circular dependency between conditions",
    ),
    "a long chain of conditions": (
        conditions(
            **{f"C{n}": {"Condition": f"C{n - 1}"} for n in range(1_000, 0, -1)}, C0={"Fn::Equals": [1, 1]}
        ),
        "depend on each other",
    ),
    "a condition of a list": (conditions(A={"Fn::Not": [{"Condition": ["a"]}]}), "unresolved condition"),
    "a condition that names a list": (conditions(A={"Condition": ["a"]}), "condition"),
    "an operand that is none": (conditions(A={"Fn::And": 5}), "Fn::And"),
    "too many resources": (json.dumps({"Resources": {f"T{n}": TOPIC for n in range(501)}}), "501"),
    "too many parameters": (many("Parameters", 201, {"Type": "String", "Default": "x"}), "201"),
    "too many outputs": (many("Outputs", 201, {"Value": "x"}), "201"),
    "too many mappings": (many("Mappings", 201, {"a": {"b": "c"}}), "201"),
    "a pattern that is none": (parameter(Default="x", AllowedPattern="("), "is not a regular expression"),
    "a pattern that is a number": (parameter(Default="x", AllowedPattern=5), "must match pattern 5"),
    "a pattern without end": (
        parameter(Default="a" * 4_000 + "!", AllowedPattern="(a+)+"),
        "must match pattern",
    ),
    "values that are none": (parameter(Default="x", AllowedValues=5), "AllowedValues"),
    "a length that is none": (parameter(Default="x", MinLength="long"), "MinLength"),
    "a length that is a map": (parameter(Default="x", MaxLength={}), "MaxLength"),
    "a default that is too long": (parameter(Default="x" * 4_097), "4096"),
    "an endless default": (parameter(Type="Number", Default="1e999"), "must be a number"),
    "a long default": (parameter(Type="Number", Default="1" * 4_096), "must be a number"),
    "a default without text": (parameter(Default="\0"), NO_CHARACTER),
}
ROLLED_BACK = {
    "variables that double": (
        json.loads(named(nest("ha", 20, doubled)))["Resources"],
        "more than 10,000,000 characters",
    ),
    "a join of joins": (
        json.loads(
            named(
                nest(
                    "ha",
                    12,
                    lambda value: {"Fn::Join": ["", [{"Fn::Sub": ["${v}" * 20, {"v": value}]}, "ha"]]},
                )
            )
        )["Resources"],
        "more than 10,000,000 characters",
    ),
    "escapes of escapes": (
        json.loads(named(nest('"\\"', 40, lambda value: {"Fn::ToJsonString": {"v": value}})))["Resources"],
        "more than 10,000,000 characters",
    ),
    "too many blocks": (
        json.loads(named({"Fn::Join": [",", {"Fn::Cidr": ["10.0.0.0/8", 2**24 - 1, 1]}]}))["Resources"],
        "Fn::Cidr",
    ),
    "blocks beyond number": (
        json.loads(named({"Fn::Join": [",", {"Fn::Cidr": ["::/0", "9" * 5_000, 1]}]}))["Resources"],
        "Fn::Cidr",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _server_that_still_serves(aws: LocalAws) -> Iterator[None]:
    yield
    aws.client("cloudformation", "222222222222").validate_template(TemplateBody=SOUND)


@pytest.fixture
def deadline() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < _SECONDS


def refusal(cloudformation: Any, template: str) -> str:
    with pytest.raises(ClientError) as error:
        cloudformation.create_stack(StackName="s", TemplateBody=template)
    answer = error.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (400, "ValidationError")
    return str(answer["Error"]["Message"])


@pytest.mark.usefixtures("deadline")
@pytest.mark.parametrize(("template", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_template_is_refused(cloudformation: Any, template: str, sentence: str) -> None:
    assert sentence in refusal(cloudformation, template)


@pytest.mark.usefixtures("deadline")
@pytest.mark.parametrize(("resources", "reason"), ROLLED_BACK.values(), ids=ROLLED_BACK)
def test_values_that_explode_roll_the_stack_back(
    cloudformation: Any, resources: dict[str, Any], reason: str
) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(reason in event.get("ResourceStatusReason", "") for event in events)


@pytest.mark.usefixtures("deadline")
@pytest.mark.parametrize("content", [b"\xff\xfe", b" " * 1_048_577], ids=["no text", "too long"])
def test_a_hostile_template_behind_a_url_is_refused(
    aws: LocalAws, account: str, cloudformation: Any, content: bytes
) -> None:
    s3 = aws.client("s3", account)
    s3.create_bucket(Bucket="hostile")
    s3.put_object(Bucket="hostile", Key="template", Body=content)
    with pytest.raises(ClientError) as error:
        cloudformation.create_stack(StackName="s", TemplateURL=f"{aws.url}/hostile/template")
    assert error.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.usefixtures("deadline")
def test_a_variable_that_never_ends_is_read_in_one_pass(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    s3 = aws.client("s3", account)
    s3.create_bucket(Bucket="endless")
    s3.put_object(Bucket="endless", Key="template", Body=named({"Fn::Sub": "${a" + " " * 1_000_000}).encode())
    cloudformation.create_stack(StackName="s", TemplateURL=f"{aws.url}/endless/template")
