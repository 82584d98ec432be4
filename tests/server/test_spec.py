"""Specs: what is read, what is filled in, what is refused, and that no value is ever repeated."""

from __future__ import annotations

import copy

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proton_templates.spec import SpecError, check_spec, parse_spec

SECRET = "hunter2"


def schema(properties: str, more: str = "") -> dict:
    return yaml.safe_load(f"{{type: object, properties: {{{properties}}}{more}}}")


def refusal(inputs: dict, properties: str, more: str = "") -> str:
    with pytest.raises(SpecError) as caught:
        check_spec(inputs, schema(properties, more))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("proton: EnvironmentSpec\n\nspec:\n  a: 1\n  b: [x]\n", {"a": 1, "b": ["x"]}),
        ("{proton: EnvironmentSpec, spec: {a: {b: null}}}", {"a": {"b": None}}),
        ('{"proton": "EnvironmentSpec", "spec": {"a": 1.5}}', {"a": 1.5}),
        ("proton: EnvironmentSpec\nspec:\n", {}),
        ("proton: EnvironmentSpec\nspec: {}\n", {}),
        ("proton: EnvironmentSpec\nspec: {day: 2026-10-07, at: 2026-10-07T12:00:00Z, sign: =}\n",
         {"day": "2026-10-07", "at": "2026-10-07T12:00:00Z", "sign": "="}),
        ("proton: EnvironmentSpec\nspec: {a: &x {k: v}, b: *x, c: {<<: *x, k: w}}\n",
         {"a": {"k": "v"}, "b": {"k": "v"}, "c": {"k": "w"}}),
    ],
)  # fmt: skip
def test_a_spec_is_read_as_what_stands_below_spec(text, inputs):
    assert parse_spec(text) == inputs


UNREADABLE = {
    "too long": ("proton: EnvironmentSpec\nspec: {}\n" + "#" * 51_200, "longer than 51,200 characters"),
    "bad YAML": (f"spec: {{{SECRET}", "line 2"),
    "no mapping": (f"- {SECRET}", "must be a YAML mapping"),
    "no kind": (f"spec: {{a: {SECRET}}}", "must begin with 'proton: EnvironmentSpec'"),
    "another kind": (f"proton: {SECRET}\nspec: {{}}", "must begin with 'proton: EnvironmentSpec'"),
    "no spec": ("proton: EnvironmentSpec", "a mapping of input names"),
    "a list of inputs": (f"proton: EnvironmentSpec\nspec: [{SECRET}]", "a mapping of input names"),
    "an empty string": ("proton: EnvironmentSpec\nspec: ''", "a mapping of input names"),
    "inputs beside spec": (
        f"proton: EnvironmentSpec\nspec: {{}}\nvpc: {SECRET}",
        "'vpc' beside 'proton' and 'spec'",
    ),
    "a key twice": (f"proton: EnvironmentSpec\nspec: {{a: 1, a: {SECRET}}}", "'a' is given twice"),
    "a key that is true": (f"proton: EnvironmentSpec\nspec: {{on: {SECRET}}}", "put it in quotes"),
    "an alias of nothing": (
        f"proton: EnvironmentSpec\nspec: {{a: *{SECRET}}}",
        "an alias without its anchor",
    ),
    "a tag": (f"proton: EnvironmentSpec\nspec: {{a: !{SECRET} x}}", "a YAML tag"),
    "infinity": ("proton: EnvironmentSpec\nspec: {a: .inf}", "infinite"),
    "a number of 5,000 digits": ("proton: EnvironmentSpec\nspec: {a: " + "9" * 5000 + "}", "too long"),
    "half a character": ("proton: EnvironmentSpec\nspec: {a: \ud800}", "not valid Unicode"),
    "a control character": (
        "proton: EnvironmentSpec\nspec: {a: \x07}",
        "a character that YAML does not allow",
    ),
    "depth without end": ("proton: EnvironmentSpec\nspec: " + "[" * 50_000, "nested deeper than 50 levels"),
    "a value inside itself": ("proton: EnvironmentSpec\nspec: &a {b: *a}", "makes more than 100,000 values"),
}


@pytest.mark.parametrize(("text", "cause"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_spec_of_another_shape_is_refused_without_repeating_it(text, cause):
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert cause in str(caught.value)
    assert SECRET not in str(caught.value)
    assert str(caught.value).endswith(".")


DEFAULTS = [
    ({}, "a: {type: string, default: x}", {"a": "x"}),
    ({"a": "y"}, "a: {type: string, default: x}", {"a": "y"}),
    ({"a": False}, "a: {type: boolean, default: true}", {"a": False}),
    ({}, "a: {type: string}", {}),
    ({}, "o: {type: object, properties: {a: {type: string, default: x}}}", {}),
    ({"o": {}}, "o: {type: object, properties: {a: {type: string, default: x}}}", {"o": {"a": "x"}}),
    ({}, "o: {type: object, default: {}, properties: {a: {type: string, default: x}}}", {"o": {"a": "x"}}),
    (
        {"l": [{}, {"a": 2}]},
        "l: {type: array, items: {type: object, properties: {a: {type: integer, default: 1}}}}",
        {"l": [{"a": 1}, {"a": 2}]},
    ),
    (
        {"m": {"k": {}}},
        "m: {type: object, additionalProperties: {type: object, properties: {a: {default: 1}}}}",
        {"m": {"k": {"a": 1}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "properties", "complete"), DEFAULTS)
def test_defaults_are_filled_in_at_any_depth_and_the_input_is_left_alone(inputs, properties, complete):
    given_inputs, given_schema = copy.deepcopy(inputs), schema(properties)
    given_copy = copy.deepcopy(given_schema)
    checked = check_spec(given_inputs, given_schema)
    assert checked == complete
    assert given_inputs == inputs
    for value in checked.values():
        if isinstance(value, dict):
            value["changed"] = True
    assert given_schema == given_copy


def test_a_required_input_with_a_default_may_be_left_out():
    assert check_spec({}, schema("a: {type: string, default: ttl}", ", required: [a]")) == {"a": "ttl"}


VIOLATIONS = {
    "type": ({"a": 5}, "a: {type: string}", "spec.a: must be a string"),
    "a number in quotes": ({"a": "8080"}, "a: {type: number}", "spec.a: must be a number"),
    "a truth value for a number": ({"a": True}, "a: {type: integer}", "spec.a: must be an integer"),
    "nothing": ({"a": None}, "a: {type: string}", "spec.a: must be a string"),
    "list": ({"a": "x"}, "a: {type: array, items: {type: string}}", "spec.a: must be a list"),
    "pattern": ({"a": SECRET}, "a: {type: string, pattern: '^[0-9]+$'}", "spec.a: must match the pattern ^["),
    "enum": ({"a": SECRET}, "a: {type: string, enum: [x, y]}", "spec.a: must be one of x, y"),
    "minimum": ({"a": 0}, "a: {type: number, minimum: 1}", "spec.a: must be at least 1"),
    "maximum": ({"a": 9}, "a: {type: number, maximum: 8}", "spec.a: must be at most 8"),
    "exclusive minimum": (
        {"a": 1},
        "a: {type: number, minimum: 1, exclusiveMinimum: true}",
        "spec.a: must be greater than 1",
    ),
    "exclusive maximum": (
        {"a": 1},
        "a: {type: number, maximum: 1, exclusiveMaximum: true}",
        "spec.a: must be less than 1",
    ),
    "multiple": ({"a": 5}, "a: {type: integer, multipleOf: 2}", "spec.a: must be a multiple of 2"),
    "short": ({"a": ""}, "a: {type: string, minLength: 2}", "spec.a: must have at least 2 characters"),
    "long": ({"a": SECRET}, "a: {type: string, maxLength: 3}", "spec.a: must have at most 3 characters"),
    "few": ({"a": []}, "a: {type: array, items: {}, minItems: 1}", "spec.a: must have at least 1 items"),
    "many": ({"a": [1, 2]}, "a: {type: array, items: {}, maxItems: 1}", "spec.a: must have at most 1 items"),
    "twice": ({"a": [SECRET] * 2}, "a: {type: array, items: {}, uniqueItems: true}", "the same item twice"),
    "format": ({"a": SECRET}, "a: {type: string, format: date}", "spec.a: must have the format date"),
    "any of": ({"a": SECRET}, "a: {anyOf: [{type: number}, {type: boolean}]}", "spec.a: fits none"),
    "one of": ({"a": 1}, "a: {oneOf: [{type: number}, {type: integer}]}", "spec.a: must fit exactly one"),
    "not": ({"a": SECRET}, "a: {not: {type: string}}", "spec.a: has a form that the schema excludes"),
    "in a list": (
        {"l": [{"a": "x"}, {"a": 2}]},
        "l: {type: array, items: {type: object, properties: {a: {type: string}}}}",
        "spec.l[1].a: must be a string",
    ),
    "in an object": (
        {"o": {"p": {"a": SECRET}}},
        "o: {type: object, properties: {p: {type: object, properties: {a: {type: number}}}}}",
        "spec.o.p.a: must be a number",
    ),
    "an unknown input": ({"vpc_cdir": SECRET}, "vpc_cidr: {type: string}", "spec.vpc_cdir: is not an input"),
    "an unknown member": (
        {"o": {"b": SECRET}},
        "o: {type: object, properties: {a: {type: string}}}",
        "spec.o.b: is not an input of the template (known: 'a')",
    ),
    "an unknown member by OpenAPI's own word": (
        {"o": {"b": SECRET}},
        "o: {type: object, additionalProperties: false, properties: {a: {type: string}}}",
        "spec.o.b: is not an input of the template (known: 'a')",
    ),
    "a required member": (
        {"o": {}},
        "o: {type: object, required: [a, b], properties: {a: {type: string}, b: {type: string}}}",
        "spec.o.a: is required; spec.o.b: is required",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("inputs", "properties", "clause"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_violation_is_reported_with_its_path_and_without_the_value(inputs, properties, clause):
    sentence = refusal(inputs, properties)
    assert clause in sentence
    assert SECRET not in sentence


def test_all_violations_are_reported_in_one_sentence():
    sentence = refusal(
        {"a": 1, "b": "x"}, "a: {type: string}, b: {type: number}, c: {type: string}", ", required: [c]"
    )
    for clause in ("spec.a: must be a string", "spec.b: must be a number", "spec.c: is required"):
        assert sentence.count(clause) == 1


def test_a_list_of_more_than_a_hundred_violations_is_cut():
    assert refusal({f"x{n}": n for n in range(150)}, "a: {type: string}").endswith("; and 50 more.")


def test_objects_that_say_so_take_any_member():
    for free in (
        "o: {type: object}",
        "o: {type: object, additionalProperties: true, properties: {a: {type: string}}}",
        "o: {allOf: [{type: object, properties: {a: {type: string}}}, {properties: {b: {type: string}}}]}",
    ):
        assert check_spec({"o": {"b": "x"}}, schema(free)) == {"o": {"b": "x"}}


def test_a_null_is_accepted_where_the_schema_says_nullable():
    assert check_spec({"a": None}, schema("a: {type: string, nullable: true}")) == {"a": None}


def test_types_may_refer_to_each_other():
    tree = schema("root: {$ref: '#/schema/types/Node'}")
    tree["schema"] = {
        "types": {"Node": schema("name: {type: string, default: n}, next: {$ref: '#/schema/types/Node'}")}
    }
    assert check_spec({"root": {"next": {}}}, tree) == {"root": {"name": "n", "next": {"name": "n"}}}
    with pytest.raises(SpecError, match=r"spec\.root\.next\.name: must be a string"):
        check_spec({"root": {"next": {"name": 1}}}, tree)


def test_a_schema_that_refers_to_itself_without_end_is_named_as_the_cause():
    endless = schema("a: {allOf: [{$ref: '#/schema/types/A'}]}")
    endless["schema"] = {"types": {"A": {"allOf": [{"$ref": "#/schema/types/A"}]}}}
    with pytest.raises(SpecError, match="refers to itself without end"):
        check_spec({"a": 1}, endless)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from("abo"), JSON))
def test_checking_a_checked_spec_changes_nothing(inputs):
    of = schema("a: {type: string, default: x}, b: {}, o: {type: object, properties: {n: {default: 1}}}")
    try:
        checked = check_spec(inputs, of)
    except SpecError:
        return
    assert check_spec(checked, of) == checked


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_a_spec_written_by_a_yaml_writer_is_read_as_it_was_meant(inputs):
    text = yaml.safe_dump({"proton": "EnvironmentSpec", "spec": inputs})
    assert parse_spec(text) == inputs
