"""The wire, pure: what a request may be, in AWS's words, and what an answer is cut to."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape

from proton_server.api import wire
from proton_server.operations import OPERATIONS
from proton_server.operations.errors import (
    SerializationException,
    UnknownOperationException,
    ValidationException,
)

GOOD = {"name": "dev", "templateName": "t", "templateMajorVersion": "1", "spec": "s"}


def parse(operation: str, document: Any) -> dict[str, Any]:
    return wire.parse(wire.operation_of(wire.TARGET_PREFIX + operation), json.dumps(document).encode())


def test_a_good_request_is_taken_as_it_is_without_its_null_members() -> None:
    assert parse("CreateEnvironment", {**GOOD, "description": None}) == GOOD
    assert wire.parse(wire.operation_of(wire.TARGET_PREFIX + "ListEnvironments"), b"") == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "Value null at 'name' failed to satisfy constraint: Member must not be null"),
        ({"name": 1}, "Value at 'name' failed to satisfy constraint: Member must be of type string"),
        (
            {"name": "a b"},
            "Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        ({"name": "dev\n"}, "Member must satisfy regular expression pattern"),
        ({"name": "x" * 101}, "Member must have length less than or equal to 100"),
        ({"templateMajorVersion": "٣"}, "Member must satisfy regular expression pattern"),
        ({"nmae": "x"}, "Value at 'nmae' failed to satisfy constraint: Member is not known"),
        ({"tags": {}}, "Value at 'tags' failed to satisfy constraint: Member must be of type list"),
        ({"tags": [{"key": "k"}]}, "Value null at 'tags.1.member.value' failed to satisfy constraint"),
        (
            {"provisioningRepository": {"provider": "GITLAB", "name": "a/b", "branch": "main"}},
            "at 'provisioningRepository.provider' failed to satisfy constraint: Member must satisfy enum",
        ),
        (
            {"description": "a\0b"},
            "Value at 'description' failed to satisfy constraint: Member must be Unicode text",
        ),
        (
            {"description": "\ud800"},
            "Value at 'description' failed to satisfy constraint: Member must be Unicode text",
        ),
    ],
)
def test_a_wrong_member_is_named_with_the_constraint_it_breaks(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        parse("CreateEnvironment", {**GOOD, **change})

    assert str(caught.value).startswith("1 validation error detected: ")
    assert message in str(caught.value)


def test_all_violations_are_told_at_once() -> None:
    with pytest.raises(ValidationException, match=r"^3 validation errors detected: .*; .*; "):
        parse("CreateEnvironment", {"name": "-", "spec": "s", "templateName": "t", "extra": 1})


def test_numbers_have_limits_and_are_not_booleans() -> None:
    for value, constraint in (
        (0, "greater than or equal to 1"),
        (101, "less than or equal to 100"),
        (True, "integer"),
    ):
        with pytest.raises(ValidationException, match=constraint):
            parse("ListEnvironments", {"maxResults": value})


def test_a_union_has_exactly_one_member() -> None:
    with pytest.raises(
        ValidationException, match="'source' failed to satisfy constraint: Exactly one member"
    ):
        parse("CreateEnvironmentTemplateVersion", {"templateName": "t", "source": {}})


def test_a_sensitive_value_is_never_repeated() -> None:
    for member, value in (("spec", "s" * 51_201), ("description", "s" * 501)):
        with pytest.raises(ValidationException) as caught:
            parse("CreateEnvironment", {**GOOD, member: value})
        assert "sss" not in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        ("GetEnvironment", {"name": "a" * 40_000 + "!"}),
        (
            "CreateEnvironmentTemplateVersion",
            {"templateName": "t", "source": {"s3": {"bucket": "a" * 2_000 + "!", "key": "k"}}},
        ),
        ("GetRepository", {"provider": "GITHUB", "name": "a/" * 20_000 + "\n"}),
        (
            "UpdateAccountSettings",
            {"pipelineServiceRoleArn": "arn:aws:iam::123456789012:role/" + "a" * 99_000},
        ),
    ],
)
def test_a_value_that_is_too_long_is_not_matched_against_its_pattern(operation: str, document: Any) -> None:
    began = time.process_time()

    with pytest.raises(ValidationException, match="must have length less than or equal to") as caught:
        parse(operation, document)

    assert "pattern" not in str(caught.value)
    assert time.process_time() - began < 1


def test_the_longest_value_that_a_pattern_is_tried_on_takes_no_time() -> None:
    began = time.process_time()
    for wrong in ("a" * 2000 + "!", "a/" * 1000 + "!", "a" * 512 + "/" + "a" * 1480 + "!"):
        with pytest.raises(ValidationException, match="pattern"):
            parse(
                "UpdateAccountSettings", {"pipelineServiceRoleArn": f"arn:aws:iam::123456789012:role/{wrong}"}
            )
    for id_ in ("a" * 1_000_000, "1" * 1_000_000):
        with pytest.raises(ValidationException, match="pattern"):
            parse("GetDeployment", {"id": id_})

    assert time.process_time() - began < 1


def test_an_answer_to_a_request_that_is_all_wrong_is_short() -> None:
    for wrong in (
        {"tags": [{"key": "k" * 1000, "wrong": 1}] * 10_000},
        {"tags": [{f"member{number}": 1 for number in range(10_000)}]},
        {"x" * 500_000: 1},
        {"name": "x" * 500_000},
    ):
        with pytest.raises(ValidationException) as caught:
            parse("CreateEnvironment", {**GOOD, **wrong})
        assert len(str(caught.value)) < 5_000

    with pytest.raises(ValidationException, match=r"^More than 10 validation errors detected: "):
        parse("CreateEnvironment", {**GOOD, "tags": [1] * 11})
    with pytest.raises(UnknownOperationException) as unknown:
        wire.operation_of(wire.TARGET_PREFIX + "x" * 60_000)
    assert len(str(unknown.value)) < 200


@pytest.mark.parametrize("depth", [600, 50_000])
def test_what_is_nested_deeper_than_any_request_is_refused(depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        body = f'{{"tags": {opening * depth}1{closing * depth}}}'.encode()
        with pytest.raises((SerializationException, ValidationException)):
            wire.parse(wire.operation_of(wire.TARGET_PREFIX + "CreateEnvironment"), body)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"maxResults": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(SerializationException):
        wire.parse(wire.operation_of(wire.TARGET_PREFIX + "ListEnvironments"), body)


def test_an_operation_that_proton_never_had_is_unknown() -> None:
    with pytest.raises(UnknownOperationException, match="AWS Proton has no operation 'CreateCar'"):
        wire.operation_of(wire.TARGET_PREFIX + "CreateCar")


def test_an_answer_is_cut_to_the_model() -> None:
    operation = wire.operation_of(wire.TARGET_PREFIX + "ListDeployments")
    answer = {
        "deployments": [{"id": "1", "createdAt": 1.5, "targetState": {}, "deploymentStatus": None}],
        "nextToken": None,
    }

    assert json.loads(wire.serialise(operation, answer)) == {"deployments": [{"id": "1", "createdAt": 1.5}]}


def test_every_function_of_the_operations_is_an_operation_of_proton() -> None:
    known = {xform_name(name) for name in wire._MODEL.operation_names}

    assert set(OPERATIONS) <= known


def test_every_type_in_an_input_of_proton_can_be_checked() -> None:
    seen: set[str] = set()

    def walk(shape: Shape) -> None:
        if shape.name in seen:
            return
        seen.add(shape.name)
        assert shape.type_name in wire._PYTHON_TYPES
        for member in shape.members.values() if isinstance(shape, StructureShape) else ():
            walk(member)
        if isinstance(shape, ListShape):
            walk(shape.member)

    for name in wire._MODEL.operation_names:
        walk(wire._MODEL.operation_model(name).input_shape)
    assert len(seen) > 100
