"""A template version's schema, as the provider reads it: a schema to check specs against, or one reason."""

from __future__ import annotations

import re

import pytest

from aws_proton_provider.core.spec import input_schema, inputs_of

HEAD = "schema: {format: {openapi: '3.0.0'}, environment_input_type: In, %s}"
INPUTS = HEAD % "types: {In: %s}"
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
        ("", "must be a YAML mapping"),
        ("- a", "must be a YAML mapping"),
        ("schema: 5", "schema is missing or of the wrong kind"),
        ("schema: {types: {In: {}}}", "schema.format is missing or of the wrong kind"),
        (HEAD % "types: {}", "schema.environment_input_type names 'In', which schema.types does not have"),
        (INPUTS % "5", "schema.types.In is not valid OpenAPI 3.0: 5 is not of type 'object'"),
        ("{", "not valid YAML: line 2, column 1"),
        ("a: !!int x", "does not fit its type"),
        ("a: !!timestamp x", "a YAML tag (!…) is not allowed here"),
        ("a: !!bool x", "does not fit its type"),
        ("\x00", "not valid YAML: a character that YAML does not allow"),
        (LAUGHS, "makes more than 100,000 values, with its aliases written out"),
        (MERGED, "makes more than 100,000 values, with its aliases written out"),
        ("a: &a [*a]", "makes more than 100,000 values, with its aliases written out"),
        ("a: " + "[" * 10_000, "nested deeper than 50 levels"),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' is given twice"),
        ("# " + "x" * 300_000, "is longer than 51,200 characters"),
        (INPUTS % "{type: object, properties: 5}", "schema.types.In.properties is not valid OpenAPI 3.0"),
        (INPUTS % "{type: objec}", "schema.types.In.type must be one of string, number"),
        (INPUTS % "{properties: {a: {$ref: 'http://127.0.0.1:9/a'}}}", "$ref must be '#/schema/types/'"),
        (INPUTS % "{properties: {a: {$ref: '#/schema/types/No'}}}", "$ref must be '#/schema/types/'"),
        (INPUTS % "{$ref: '#/schema/types/In'}", "schema.types.In.$ref refers to itself"),
    ],
)
def test_a_schema_that_cannot_be_used_is_one_reason(schema: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        input_schema(schema)

    assert "\n" not in str(caught.value)


PATTERNS = ", ".join(f"{{pattern: '((x{{999}}){{9{n % 9}}}){n}'}}" for n in range(1_500))
NESTED = "{properties: {a: {pattern: '((((x{99}){99}){99}){99}){99}'}}}"
MIXED = ", ".join(f"{n}, a{n}" for n in range(4_000))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (
            f"{{properties: {{a: {{anyOf: [{PATTERNS}]}}}}}}",
            "schema.types cannot be checked: that takes more",
        ),
        (NESTED, "schema.types.In.properties.a.pattern is too large"),
        (f"{{properties: {{a: {{enum: [{MIXED}]}}}}}}", "schema.types.In must be of type object"),
        (f"{{allOf: [{', '.join(['{$ref: a}'] * 3_000)}]}}", "; and 2900 more"),
    ],
    ids=["large patterns", "a large pattern", "an enum of several types", "many faults"],
)
def test_a_schema_made_to_take_long_is_refused(schema: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        input_schema(INPUTS % schema)


def test_a_type_that_refers_to_itself_below_is_a_schema() -> None:
    tree = "{type: object, properties: {child: {$ref: '#/schema/types/In'}, name: {type: string}}}"

    assert input_schema(INPUTS % tree)["properties"]["child"] == {"$ref": "#/schema/types/In"}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (LAUGHS, "cannot be read: makes more than 100,000 values"),
        ("a: !!int x", "cannot be read: holds a value that does not fit its type"),
        ("a: &a [*a]", "cannot be read: makes more than 100,000 values"),
        ("proton: EnvironmentSpec\nspec: [1]", "must have a mapping of input names to values below 'spec:'"),
    ],
)
def test_a_spec_of_such_text_is_refused_too(spec: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        inputs_of(spec)
