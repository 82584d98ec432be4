"""What the preview says of a spec is what the server says of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_proton_provider.core import spec
from aws_proton_provider.core.values import UNKNOWN, normalised
from proton_templates import schema as server_schema
from proton_templates.spec import SpecError, read_inputs

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
        day: {type: string, format: date}
        count: {type: integer, format: int32}
        ratio: {type: number}
        note: {type: string, nullable: true}
        anything: {type: object}
        first: {$ref: "#/schema/types/Subnet"}
        subnets: {type: array, maxItems: 2, items: {$ref: "#/schema/types/Subnet"}}
        by_zone: {type: object, additionalProperties: {$ref: "#/schema/types/Subnet"}}
"""
INPUTS = spec.input_schema(SCHEMA)
KNOWN = ", ".join(f"'{name}'" for name in INPUTS["properties"])


def _provider(inputs: dict[str, Any], schema: dict[str, Any] = INPUTS) -> list[str]:
    return spec.violations(inputs, schema)


def _server(inputs: dict[str, Any]) -> list[str]:
    try:
        read_inputs(spec.document(inputs), server_schema.read_schema(SCHEMA))
    except SpecError as fault:
        return (
            str(fault).removeprefix("The spec does not fit the template's schema: ").rstrip(".").split("; ")
        )
    return []


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
        "day": st.sampled_from(["2026-10-07", "2026-10-32"]),
        "count": st.sampled_from([1, 2**31]),
        "ratio": st.sampled_from([1, 0.5, "1"]),
        "note": st.sampled_from(["n", 1]),
        "anything": st.dictionaries(st.sampled_from(["k"]), st.integers(0, 1)),
        "first": _subnets,
        "subnets": st.lists(_subnets, max_size=3),
        "by_zone": st.dictionaries(st.sampled_from(["a", "b"]), _subnets),
        "sise": st.just(1),
    },
)


@settings(deadline=None)
@given(_specs)
def test_provider_and_server_say_the_same_of_every_spec(inputs: dict[str, Any]) -> None:
    inputs = normalised(inputs)

    assert sorted(_provider(inputs)) == sorted(_server(inputs))


@pytest.mark.parametrize(
    ("inputs", "clauses"),
    [
        ({"first": {"name": "x"}, "subnets": [{"name": "y"}], "anything": {"k": 1}}, []),
        ({"first": {"name": "x", "labels": {"any": "key"}}}, []),
        ({"subnets": [{"name": "x", "zon": "a"}]},
         ["spec.subnets[0].zon: is not an input of the template (known: 'name', 'zone', 'labels')"]),
        ({"first": {}}, ["spec.first.name: is required"]),
        ({"day": "2026-13-01"}, ["spec.day: must have the format date"]),
        ({"count": 2**31}, ["spec.count: must have the format int32"]),
        ({"by_zone": {"a": {"name": "x"}}}, []),
        ({"by_zone": {"a": {"name": "x", "lables": {}}}},
         ["spec.by_zone.a.lables: is not an input of the template (known: 'name', 'zone', 'labels')"]),
        ({"first": {"name": "X", "zone": "c"}, "size": 9},
         ["spec.first.name: must match the pattern ^[a-z]+$", "spec.first.zone: must be one of a, b",
          "spec.size: must be at most 3"]),
        ({"ratio": float("inf")}, ["cannot be read: a number is infinite or not a number"]),
        ({"note": "x" * 60_000}, ["is longer than 51,200 characters"]),
        ({"anything": {"k": 10**400}}, ["cannot be read: a number is too long"]),
        ({"cidr": UNKNOWN, "size": 4, "sise": UNKNOWN},
         ["spec.size: must be at most 3", f"spec.sise: is not an input of the template (known: {KNOWN})"]),
    ],
)  # fmt: skip
def test_what_the_preview_says(inputs: dict[str, Any], clauses: list[str]) -> None:
    assert _provider({"cidr": "a"} | inputs) == clauses


def test_a_key_that_is_given_twice_is_refused_as_on_the_server() -> None:
    with pytest.raises(ValueError, match=r"^cannot be read: line 2, column 1: the key 'a' is given twice$"):
        spec.inputs_of("a: 1\na: 2\n")
    with pytest.raises(SpecError, match=r"cannot be read: line 3, column 3: the key 'a' is given twice"):
        read_inputs("proton: EnvironmentSpec\nspec: {a: 1,\n  a: 2}", INPUTS)


def _doubled(count: int) -> dict[str, Any]:
    """A schema whose `allOf` refers twice to the next type, `count` times."""
    types = {f"T{i}": {"allOf": [{"$ref": f"#/schema/types/T{i + 1}"}] * 2} for i in range(count)}
    types[f"T{count}"] = {"type": "string"}
    return {"properties": {"a": {"$ref": "#/schema/types/T0"}}, "schema": {"types": types}}


_SLOW = {"type": "string", "pattern": "^(?=a)(a|aa)+$"}
_TOO_MANY_STEPS = "cannot be checked: with the template's schema that takes more than 200,000 steps"


@pytest.mark.parametrize(
    ("schema", "clauses"),
    [
        ({"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}, ["must match the pattern"]),
        ({"properties": {"a": _SLOW}}, ["takes longer than 1 s"]),
        ({"properties": {"a": {"allOf": [_SLOW] * 500}}}, ["takes longer than 1 s"]),
        ({"properties": {"a": {"allOf": [{"pattern": f"a{{{n}}}{'.?' * 300}b"} for n in range(1, 900)]}}},
         [_TOO_MANY_STEPS]),
        (_doubled(30), [_TOO_MANY_STEPS]),
    ],
    ids=["a pattern", "a pattern with look-ahead", "many of them", "large ones", "references that double"],
)  # fmt: skip
def test_no_schema_holds_up_a_preview(schema: dict[str, Any], clauses: list[str]) -> None:
    """The limits are counted, but for a second in all for the engine that cannot be counted."""
    found = _provider({"a": "a" * 5_000 + "!"}, schema)

    assert [part in clause for part, clause in zip(clauses, found, strict=True)] == [True] * len(clauses)


_WITHOUT_THE_SERVER = """
import sys
for name in ("jinja2", "click", "pebble", "sqlalchemy", "starlette", "moto", "proton_server"):
    sys.modules[name] = None
from pulumi_aws_proton import Environment
from aws_proton_provider.core import spec
print(spec.violations({"a": 1}, spec.input_schema('''
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types: {Inputs: {type: object, properties: {a: {type: string}}}}
''')))
"""


def test_a_provider_without_the_servers_dependencies_checks_specs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_THE_SERVER], capture_output=True, text=True, check=False
    )

    assert done.stdout == "['spec.a: must be a string (put it in quotes)']\n", done.stderr
