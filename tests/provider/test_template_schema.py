"""A template version's schema is a stranger's text: a schema to check specs against, or one clear reason."""

from __future__ import annotations

import time

import pytest

from aws_proton_provider.core.spec import input_schema, inputs_of

INPUTS = "schema: {format: {openapi: '3.0.0'}, environment_input_type: In, types: {In: %s}}"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{this}: &{this} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED = "a: &a {k: 1}\n" + "".join(
    f"{this}: &{this} {{<<: [{', '.join([f'*{before}'] * 10)}]}}\n"
    for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("", "lacks schema.types or schema.environment_input_type"),
        ("- a", "lacks schema.types or schema.environment_input_type"),
        ("schema: 5", "lacks schema.types or schema.environment_input_type"),
        ("schema: {types: {In: {}}}", "lacks schema.types or schema.environment_input_type"),
        ("schema: {types: {}, environment_input_type: In}", "names an environment_input_type that"),
        ("schema: {types: {In: 5}, environment_input_type: In}", "names an environment_input_type that"),
        ("{", "is not valid YAML, line 1"),
        ("a: !!int x", "is not valid YAML"),
        ("a: !!timestamp x", "is not valid YAML"),
        ("a: !!bool x", "is not valid YAML"),
        ("\x00", "is not valid YAML"),
        (LAUGHS, "says more than 100,000 values"),
        (MERGED, "says more than 100,000 values"),
        ("a: &a [*a]", "says more than 100,000 values"),
        ("[" * 10_000, "is nested too deeply"),
        ("# " + "x" * 300_000, "is longer than"),
        (INPUTS % "{type: object, properties: 5}", "is not OpenAPI 3.0 at.properties"),
        (INPUTS % "{type: objec}", "is not OpenAPI 3.0 at.type"),
        (INPUTS % "{properties: {a: {$ref: 'http://127.0.0.1:9/a'}}}", "a reference that leads nowhere"),
        (INPUTS % "{properties: {a: {$ref: '#/schema/types/No'}}}", "a reference that leads nowhere"),
        (INPUTS % "{$ref: '#/schema/types/In'}", "a reference that leads nowhere"),
    ],
)
def test_a_schema_that_is_none_is_one_reason_and_quick(schema: str, reason: str) -> None:
    began = time.monotonic()

    with pytest.raises(ValueError, match=reason) as told:
        input_schema(schema)

    assert "\n" not in str(told.value)
    assert time.monotonic() - began < 30


def test_a_type_that_refers_to_itself_below_is_a_schema() -> None:
    tree = "{type: object, properties: {child: {$ref: '#/schema/types/In'}, name: {type: string}}}"

    assert input_schema(INPUTS % tree)["properties"]["child"] == {"$ref": "#/schema/types/In"}


@pytest.mark.parametrize("spec", [LAUGHS, "a: !!int x", "a: &a [*a]"])
def test_a_spec_of_such_text_is_a_finding_too(spec: str) -> None:
    with pytest.raises(ValueError, match=r"is not valid YAML|says more than"):
        inputs_of(spec)
