"""Check: the inputs in normal form, and one clear reason for everything that cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_proton_provider.core import facts
from aws_proton_provider.core import spec as _spec
from aws_proton_provider.core.checking import Failure
from aws_proton_provider.core.facts import OWNER
from aws_proton_provider.core.spec import input_schema
from aws_proton_provider.core.values import UNKNOWN, has_unknown
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.environment.resource import Environment
from tests.provider.fakes import CONNECTION, ROLE, KnownService, version

PROGRAM: dict[str, Any] = {
    "name": "dev",
    "templateName": "vpc",
    "templateMajorVersion": "1",
    "spec": {"cidr": "10.0.0.0/16", "zones": 2},
    "protonServiceRoleArn": ROLE,
}
SCHEMA = """
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types:
    Subnet:
      type: object
      required: [name]
      properties: {name: {type: string}, public: {type: boolean}}
    Inputs:
      type: object
      required: [cidr, zones, size]
      properties:
        cidr: {type: string, pattern: '^[0-9./]+$'}
        zones: {type: integer, minimum: 1, maximum: 3}
        size: {type: string, enum: [small, large], default: small}
        password: {type: string, minLength: 8}
        subnets: {type: array, items: {$ref: '#/schema/types/Subnet'}}
"""


SERVICE = KnownService({"1": [version("0", recommended="0")]}, input_schema(SCHEMA))


def _check(news: dict[str, Any], olds: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[Failure]]:
    checked = Environment.check(olds or {}, news, CheckContext({"stage": "dev"}, service=SERVICE))
    return checked.inputs, checked.failures


def _reasons(news: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, str]:
    return {failure.wire: failure.reason for failure in _check(news, olds)[1]}


def test_good_inputs_pass_and_check_does_not_touch_what_it_was_given() -> None:
    news = {**PROGRAM, "spec": dict(PROGRAM["spec"])}

    inputs, failures = _check(news)

    assert failures == []
    assert news == PROGRAM
    assert PROGRAM["spec"] == inputs["spec"]


def test_whole_floats_are_the_integers_that_the_program_wrote() -> None:
    inputs, failures = _check(
        PROGRAM | {"spec": {"cidr": "10.0.0.0/16", "zones": 2.0}, "templateMajorVersion": 1.0}
    )

    assert failures == []
    assert ("1", int) == (inputs["templateMajorVersion"], type(inputs["spec"]["zones"]))


@pytest.mark.parametrize(
    "spec",
    [
        "cidr: 10.0.0.0/16\nzones: 2\n",
        "proton: EnvironmentSpec\nspec:\n  cidr: 10.0.0.0/16\n  zones: 2\n",
        {"proton": "EnvironmentSpec", "spec": {"cidr": "10.0.0.0/16", "zones": 2}},
    ],
)
def test_a_spec_as_text_or_as_a_document_means_its_inputs(spec: Any) -> None:
    inputs, failures = _check(PROGRAM | {"spec": spec})

    assert failures == []
    assert PROGRAM["spec"] == inputs["spec"]


_NAME = "must be 1 to 100 letters, digits, hyphens and underscores, beginning with a letter or digit"
_ARN = "must be an ARN such as arn:aws:iam::123456789012:role/name, of at most 200 characters"
_VERSION = 'must be a version number such as "1", without a dot or leading zero'
_EXCLUDED = "cannot be combined with environmentAccountConnectionId: each selects its own way of provisioning"
_MAPPING = """must be a mapping of the template's inputs, such as {"vpc_cidr": "10.0.0.0/16"}"""
_NO_SUCH = "spec.siz: is not an input of the template (known: 'cidr', 'zones', 'size', 'password', 'subnets')"
_RESERVED = "tag 'pulumi:owner' is reserved for the provider: leave it out"
_SUBNETS = {"cidr": "1", "zones": 2, "subnets": [{"name": "a"}, {}]}


@pytest.mark.parametrize(
    ("change", "wire", "reason"),
    [
        ({"name": "no spaces"}, "name", _NAME),
        ({"name": None}, "name", "is required"),
        ({"templateMajorVersion": "1.0"}, "templateMajorVersion", _VERSION),
        ({"protonServiceRoleArn": "proton"}, "protonServiceRoleArn", _ARN),
        ({"templatName": "x"}, "templatName", "no such property; did you mean templateName?"),
        (
            {"timeouts": {"create": "soon"}},
            "timeouts",
            'create: must be a duration such as "90m", "1h30m" or "45s"',
        ),
        ({"timeouts": {"creat": "1h"}}, "timeouts", "creat: no such key"),
        ({"tags": {"aws:x": "1"}}, "tags", "tag 'aws:x': the prefix aws: is reserved by AWS"),
        ({"environmentAccountConnectionId": CONNECTION}, "protonServiceRoleArn", _EXCLUDED),
        (
            {"spec": "a: [1"},
            "spec",
            "cannot be read: not valid YAML: line 2, column 1: did not find expected ',' or ']'",
        ),
        ({"spec": "just text"}, "spec", _MAPPING),
        ({"spec": [1, 2]}, "spec", _MAPPING),
        (
            {"tags": {"pulumi:owner": "me"}},
            "tags",
            "tag 'pulumi:owner' is reserved for the provider: leave it out",
        ),
        ({"spec": {"zones": 2}}, "spec", "spec.cidr: is required"),
        ({"spec": {"cidr": "x", "zones": 2}}, "spec", "spec.cidr: must match the pattern ^[0-9./]+$"),
        ({"spec": {"cidr": "1", "zones": 9}}, "spec", "spec.zones: must be at most 3"),
        ({"spec": {"cidr": "1", "zones": "2"}}, "spec", "spec.zones: must be an integer"),
        ({"spec": {"cidr": "1", "zones": 2, "siz": 1}}, "spec", _NO_SUCH),
        ({"spec": _SUBNETS}, "spec", "spec.subnets[1].name: is required"),
    ],
)
def test_bad_input_gets_one_clear_reason(change: dict[str, Any], wire: str, reason: str) -> None:
    assert {wire: reason} == _reasons(PROGRAM | change)


def test_a_violation_never_repeats_the_value() -> None:
    assert "hunter2" not in str(
        _check(PROGRAM | {"spec": {"cidr": "1", "zones": 2, "password": "hunter2"}})[1]
    )


@pytest.mark.parametrize(
    ("wire", "remedy"),
    [
        ("codebuildRoleArn", "give another role instead, or make a new environment under another name"),
        ("componentRoleArn", "leave it in place (it is used only by components), or make a new environment"),
    ],
)
def test_a_role_cannot_be_removed_and_the_reason_says_what_to_do_instead(wire: str, remedy: str) -> None:
    reasons = _reasons(PROGRAM, _check(PROGRAM | {wire: ROLE})[0])

    assert {wire: f"cannot be removed, since the API cannot unset it: {remedy}"} == reasons


def test_a_role_may_be_removed_when_the_environment_is_replaced_anyway() -> None:
    olds, _ = _check(PROGRAM | {"codebuildRoleArn": ROLE})

    assert _reasons(PROGRAM | {"name": "other"}, olds) == {}


def test_all_tags_are_the_stacks_the_programs_and_the_owner() -> None:
    inputs, _ = _check(PROGRAM | {"tags": {"team": "net"}, OWNER: "project/dev/env"})

    assert inputs["tagsAll"] == {"stage": "dev", "team": "net", "pulumi:owner": "project/dev/env"}


@pytest.mark.parametrize(
    "unknown",
    [
        {"spec": UNKNOWN},
        {"spec": {"cidr": UNKNOWN, "zones": 2}},
        {"spec": {"cidr": "1", "zones": 2, "subnets": [{"name": UNKNOWN}]}},
        {"name": UNKNOWN},
        {"templateName": UNKNOWN},
        {"templateMajorVersion": UNKNOWN},
        {"templateMinorVersion": UNKNOWN},
        {"protonServiceRoleArn": UNKNOWN},
        {"tags": UNKNOWN},
        {"tags": {"team": UNKNOWN}},
        {"timeouts": UNKNOWN},
        {"account": UNKNOWN},
        {"waitForDeployment": UNKNOWN},
    ],
)
def test_an_unknown_anywhere_is_neither_a_failure_nor_lost(unknown: dict[str, Any]) -> None:
    (wire,) = unknown

    for olds in ({}, _check(PROGRAM)[0]):
        inputs, failures = _check(PROGRAM | unknown, olds)

        assert failures == []
        assert has_unknown(inputs[wire])


def test_what_is_known_of_a_partly_unknown_spec_is_still_checked() -> None:
    assert _reasons(PROGRAM | {"spec": {"cidr": UNKNOWN, "zones": 4}}) == {
        "spec": "spec.zones: must be at most 3"
    }


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.just("dev") | _json,
            "spec": st.just(PROGRAM["spec"])
            | st.dictionaries(st.text(max_size=3), _json, max_size=3)
            | _json,
            "templateName": st.just("vpc") | _json,
            "templateMajorVersion": st.sampled_from(["1", 1.0, "x"]) | _json,
            "protonServiceRoleArn": st.just(ROLE) | _json,
            "tags": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2) | _json,
            "account": st.just({"assumeRole": {"roleArn": ROLE}}) | _json,
            "timeouts": st.just({"create": "1h"}) | _json,
        },
    )
)
def test_check_of_checked_inputs_changes_nothing(news: dict[str, Any]) -> None:
    once, failures = _check(news)
    twice, again = _check(once)

    assert once == twice
    assert {failure.wire for failure in failures} == {failure.wire for failure in again}
    assert failures or not Environment.diff(once, twice).changed


def test_a_key_that_the_schema_forbids_is_named_with_its_path() -> None:
    item = {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}}}
    schema = {"type": "object", "properties": {"list": {"type": "array", "items": item}}}

    (violation,) = _spec.violations({"list": [{"name": "a"}, {"nmae": "b"}]}, schema)

    assert violation == "spec.list[1].nmae: is not an input of the template (known: 'name')"


def test_a_name_that_is_left_out_is_the_resources_at_first_and_then_stays() -> None:
    unnamed = {wire: value for wire, value in PROGRAM.items() if wire != "name"}

    first, _ = _check(unnamed | {facts.NAME: "net"})
    renamed, _ = _check(unnamed | {facts.NAME: "renamed"}, first)

    assert (first["name"], renamed["name"]) == ("net", "net")
    assert _reasons(unnamed) == {"name": "is required"}


def test_more_tags_than_aws_allows_are_counted_with_the_providers_own() -> None:
    tags = {f"key{number}": "x" for number in range(47)}

    assert _reasons(PROGRAM | {"tags": tags, OWNER: "p/s/n@0"}) == {
        "tags": "51 tags with the default tags and the provider's own, but AWS allows 50"
    }
