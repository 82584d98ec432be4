"""What the preview says of a spec is what the server will say, though they share no code."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_proton_provider.core import spec
from aws_proton_provider.core.values import normalised
from proton_templates import schema as server_schema
from proton_templates.spec import SpecError, check_spec, parse_spec

SCHEMA = """
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types:
    Subnet:
      type: object
      required: [name, zone]
      properties:
        name: {type: string, pattern: "^[a-z]+$"}
        zone: {type: string, enum: [a, b], default: a}
        labels: {type: object, additionalProperties: {type: string}}
    Inputs:
      type: object
      required: [cidr, size]
      properties:
        cidr: {type: string, minLength: 1, maxLength: 3}
        size: {type: integer, minimum: 1, exclusiveMinimum: true, maximum: 3, default: 2}
        ratio: {type: number}
        note: {type: string, nullable: true}
        anything: {type: object}
        first: {$ref: "#/schema/types/Subnet"}
        subnets: {type: array, maxItems: 2, items: {$ref: "#/schema/types/Subnet"}}
"""


def _provider(inputs: dict[str, Any]) -> list[str]:
    return list(spec.violations(inputs, spec.input_schema(SCHEMA)))


def _server(inputs: dict[str, Any]) -> str | None:
    schema = server_schema.read_schema(SCHEMA)
    try:
        check_spec(parse_spec(spec.document(inputs)), schema)
    except SpecError as fault:
        return str(fault)
    return None


_subnets = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "X", 1]),
        "zone": st.sampled_from(["a", "c"]),
        "labels": st.dictionaries(st.sampled_from(["k"]), st.sampled_from(["v", 1])),
        "zon": st.just("a"),
    },
)
_specs = st.fixed_dictionaries(
    {},
    optional={
        "cidr": st.sampled_from(["a", "", "long", 3, True]),
        "size": st.sampled_from([1, 2, 3.0, 2.5, 4, "2"]),
        "ratio": st.sampled_from([1, 0.5, "1"]),
        "note": st.sampled_from(["n", 1]),
        "anything": st.dictionaries(st.sampled_from(["k"]), st.integers(0, 1)),
        "first": _subnets,
        "subnets": st.lists(_subnets, max_size=3),
        "sise": st.just(1),
    },
)


@settings(deadline=None)
@given(_specs)
def test_provider_and_server_agree_on_every_spec(inputs: dict[str, Any]) -> None:
    inputs = normalised(inputs)

    assert bool(_provider(inputs)) == bool(_server(inputs)), (_provider(inputs), _server(inputs))


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"cidr": "a", "first": {"name": "x"}, "subnets": [{"name": "y"}], "anything": {"k": 1}}, None),
        ({"cidr": "a", "subnets": [{"name": "x", "zon": "a"}]}, "spec.subnets[0].zon: the template has no"),
        ({"cidr": "a", "first": {}}, "spec.first: lacks 'name', required and without a default"),
        ({"cidr": "a", "first": {"name": "x", "labels": {"any": "key"}}}, None),
    ],
)  # fmt: skip
def test_what_the_preview_says(inputs: dict[str, Any], sentence: str | None) -> None:
    said = _provider(inputs)

    assert (said == []) if sentence is None else (sentence in said[0])


def _doubled(count: int) -> dict[str, Any]:
    """A schema whose `allOf` refers twice to the next type, `count` times."""
    types = {f"T{i}": {"allOf": [{"$ref": f"#/schema/types/T{i + 1}"}] * 2} for i in range(count)}
    types[f"T{count}"] = {"type": "string"}
    return {"properties": {"a": {"$ref": "#/schema/types/T0"}}, "schema": {"types": types}}


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}, "must match the pattern"),
        ({"properties": {"a": {"type": "string", "pattern": "^(?=a)(a|aa)+$"}}}, "takes longer than 1 s"),
        (_doubled(30), None),
    ],
    ids=["a pattern", "a pattern with look-ahead", "references that double"],
)
def test_no_schema_holds_up_a_preview(schema: dict[str, Any], sentence: str | None) -> None:
    """What the preview cannot find out in time is left to the server, which has limits of its own."""
    began = time.monotonic()
    found = list(spec.violations({"a": "a" * 5_000 + "!"}, schema))

    assert time.monotonic() - began < 30
    assert [sentence in each for each in found] == ([True] if sentence else [])
