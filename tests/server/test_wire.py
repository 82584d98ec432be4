"""The wire, pure: what a request may be, in AWS's words, and what an answer is cut to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape

from proton_server import wire
from proton_server.errors import SerializationException, UnknownOperationException, ValidationException
from proton_server.operations import OPERATIONS

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
