"""The judge of specs agrees with jsonschema, and is right about values that are not known yet.

jsonschema knows neither OpenAPI 3.0 nor Proton's defaults, so a schema is translated for it here, and the
defaults are filled in, by code that shares nothing with what is tested.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, FormatChecker

from proton_templates.budget import Budget
from proton_templates.defaults import with_defaults
from proton_templates.openapi import schema_errors
from proton_templates.spec import examine
from proton_templates.validation import validate

UNKNOWN = object()
TYPES = ("string", "number", "integer", "boolean", "array", "object")
NAMES = ("a", "b", "c")
FORMATS = {
    "date": ["2024-02-29", "2023-02-29", "20240101"],
    "date-time": ["2024-01-01T00:00:00Z", "2024-01-01t00:00:00.5+01:00", "2024-01-01 00:00:00", "2024-13-01"],
    "email": ["a@b", "a"],
    "ipv4": ["1.2.3.4", "1.2.3", "01.2.3.4"],
    "ipv6": ["::1", "fe80::1%eth0", ":"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"],
    "byte": ["YQ==", "YQ=", "é"],
    "regex": ["^a$", "("],
    "int32": [2**31 - 1, 2**31, -(2**31) - 1],
    "int64": [2**63 - 1, 2**63],
    "password": [],
    "a-format-of-ones-own": [],
}  # fmt: skip

_scalars = st.sampled_from(
    [None, True, False, -1, 0, 1, 2, 3, 10**20, 0.5, 1.0, 2.5, "", "a", "b", "ab", "abc", "ä"]
    + [value for values in FORMATS.values() for value in values]
)
_names = st.sampled_from([*NAMES, "d"])
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=8,
)

_few = st.integers(0, 3)
_limits = st.sampled_from([-1, 0, 1, 2, 0.5])
_ANY = {
    "nullable": st.booleans(),
    "enum": st.sampled_from([[1, "a"], [None, "b"], [True, 0.5, "ab"], [{"a": 1.0}, [1, 2], []]]),
    "default": _values,
    "description": st.just("words"),
}
_OF_TYPE: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "string": {
        "minLength": _few,
        "maxLength": _few,
        "pattern": st.sampled_from(["^a", "b$", "[^a]"]),
        "format": st.sampled_from([*FORMATS]),
    },
    "number": {
        "minimum": _limits,
        "maximum": _limits,
        "exclusiveMinimum": st.booleans(),
        "exclusiveMaximum": st.booleans(),
        "multipleOf": st.sampled_from([1, 2, 0.5, 1e-300]),
        "format": st.sampled_from([*FORMATS]),
    },
    "boolean": {},
    "array": {"minItems": _few, "maxItems": _few, "uniqueItems": st.booleans()},
    "object": {
        "required": st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
        "minProperties": _few,
        "maxProperties": _few,
        "readOnly": st.booleans(),
    },
}
_OF_TYPE["integer"] = _OF_TYPE["number"]


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> dict[str, Any]:
    """A schema object with any of the keywords that OpenAPI 3.0 has and that a template may use."""
    kind = draw(st.sampled_from([*TYPES, "object", "array", "reference", "composed"]))
    if kind == "reference" and depth:
        return {"$ref": f"#/schema/types/T{draw(st.integers(0, 1))}", "maxLength": 0}
    if kind in ("reference", "composed"):
        members = dict(_OF_TYPE[draw(st.sampled_from(TYPES))])
    else:
        members = dict(_OF_TYPE[kind])
    if depth:
        inner = schemas(depth - 1)
        listed = st.lists(inner, min_size=1, max_size=3)
        if kind == "composed":
            members |= {"allOf": listed, "anyOf": listed, "oneOf": listed, "not": inner}
        if kind in ("object", "composed"):
            members["properties"] = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
            members["additionalProperties"] = st.booleans() | inner
        if kind == "array":
            members["items"] = inner
    made = draw(st.fixed_dictionaries({}, optional=members | _ANY))
    for limit in ("minimum", "maximum"):
        if limit not in made:  # as the metaschema of draft 4 wants it
            made.pop(f"exclusive{limit.capitalize()}", None)
    return made | ({"type": kind} if kind in TYPES else {})


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, Any]:
    """A template's inputs as `read_schema` returns them, with types that they refer to."""
    made = draw(schemas())
    types = {"T0": draw(schemas(depth=0)), "T1": draw(schemas(depth=0))}
    return {**made, "schema": {"types": types}}


def resolved(schema: Any, root: dict[str, Any]) -> Any:
    return root["schema"]["types"][schema["$ref"][-2:]] if "$ref" in schema else schema


def translated(schema: Any, root: dict[str, Any], *, closed: bool = True) -> Any:
    """The schema in JSON Schema's draft 4, where it means to jsonschema what it means to Proton."""
    if not isinstance(schema, dict):
        return {} if schema else {"not": {}}
    schema = resolved(schema, root)
    made = {key: value for key, value in schema.items() if key not in ("nullable", "default", "schema")}
    if "type" in made and schema.get("nullable"):
        made["type"] = [made["type"], "null"]
    for key in {"allOf", "anyOf", "oneOf"} & made.keys():
        made[key] = [translated(each, root, closed=False) for each in made[key]]
    if "not" in made:
        made["not"] = translated(made["not"], root, closed=False)
    if "items" in made:
        made["items"] = translated(made["items"], root, closed=closed)
    return made | translated_members(schema, root, closed=closed)


def translated_members(schema: dict[str, Any], root: dict[str, Any], *, closed: bool) -> dict[str, Any]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    if others is None:
        others = not (closed and properties and not {"allOf", "anyOf", "oneOf"} & schema.keys())
    elif isinstance(others, dict):
        others = translated(others, root, closed=closed)
    needed = [
        name
        for name in schema.get("required", [])
        if not resolved(properties.get(name, {}), root).get("readOnly")
    ]
    return {
        "properties": {name: translated(each, root, closed=closed) for name, each in properties.items()},
        "additionalProperties": others,
        "required": needed,
    }


def filled(value: Any, schema: Any, root: dict[str, Any]) -> Any:
    """The value with Proton's defaults."""
    schema = resolved(schema, root) if isinstance(schema, dict) else {}
    if isinstance(value, list):
        return [filled(item, schema.get("items"), root) for item in value]
    if not isinstance(value, dict):
        return value
    value, properties = dict(value), schema.get("properties", {})
    for name, declared in properties.items():
        if "default" in resolved(declared, root):
            value.setdefault(name, resolved(declared, root)["default"])
    return {
        n: filled(v, properties.get(n, schema.get("additionalProperties")), root) for n, v in value.items()
    }


def _is_base64(value: Any) -> bool:
    try:
        return not isinstance(value, str) or base64.b64decode(value, validate=True) is not None
    except ValueError:
        return False


def _checker() -> FormatChecker:
    checker = FormatChecker(("date", "date-time", "email", "ipv4", "ipv6", "uuid", "regex"))
    checker.checks("byte")(_is_base64)
    for name, bits in (("int32", 31), ("int64", 63)):
        checker.checks(name)(lambda v, n=2**bits: type(v) is not int or -n <= v < n)
    return checker


CHECKER = _checker()


def faulty_paths(value: Any, schema: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """Where jsonschema finds the value wrong; a member that is missing or too much has a path, too."""
    found = set()
    for error in Draft4Validator(schema, format_checker=CHECKER).iter_errors(value):
        path, declared = tuple(error.absolute_path), error.schema.get("properties", {})
        if error.validator == "required":
            found |= {(*path, name) for name in error.validator_value if name not in error.instance}
        elif error.validator == "additionalProperties":
            found |= {(*path, name) for name in error.instance if name not in declared}
        else:
            found.add(path)
    return found


def judged(value: Any, schema: dict[str, Any]) -> set[tuple[str | int, ...]]:
    budget = Budget()
    complete = with_defaults(value, schema, budget)
    found = validate(complete, schema, ("spec",), unknown=UNKNOWN, budget=budget)
    assert all(str(violation) for violation in found)
    return {violation.path[1:] for violation in found}


@settings(max_examples=200, deadline=None)
@given(inputs(), _values)
def test_the_judge_finds_what_jsonschema_finds_and_where(schema: dict[str, Any], value: Any) -> None:
    assert list(schema_errors({k: v for k, v in schema.items() if k != "schema"})) == []
    complete = filled(value, schema, schema)

    assert with_defaults(value, schema, Budget()) == complete
    assert judged(value, schema) == faulty_paths(complete, translated(schema, schema))


@st.composite
def partly_unknown(draw: st.DrawFn, value: Any) -> Any:
    """The value with some parts of it not known yet."""
    if draw(st.integers(0, 3)) == 0:
        return UNKNOWN
    if isinstance(value, dict):
        return {name: draw(partly_unknown(member)) for name, member in value.items()}
    return [draw(partly_unknown(item)) for item in value] if isinstance(value, list) else value


@st.composite
def known(draw: st.DrawFn, value: Any) -> Any:
    """The value with anything in the place of what was not known."""
    if value is UNKNOWN:
        return draw(_values)
    if isinstance(value, dict):
        return {name: draw(known(member)) for name, member in value.items()}
    return [draw(known(item)) for item in value] if isinstance(value, list) else value


@settings(max_examples=100, deadline=None)
@given(inputs(), _values, st.data())
def test_what_is_refused_with_unknown_values_is_refused_whatever_they_turn_out_to_be(
    schema: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    unknown = data.draw(partly_unknown(value))
    refused = judged(unknown, schema)

    for _ in range(3):
        assert refused <= judged(data.draw(known(unknown)), schema)


NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("value", "schema", "clauses"),
    [
        (UNKNOWN, {"type": "string", "enum": ["a"], "pattern": "^a", "minLength": 3}, []),
        (UNKNOWN, {"type": "object", "required": ["a"]}, []),
        (UNKNOWN, {"not": {}}, ["spec: has a form that the schema excludes"]),
        (UNKNOWN, {"not": {"type": "string"}}, []),
        (UNKNOWN, {"anyOf": [{"type": "string"}, NUMBER]}, []),
        (UNKNOWN, {"oneOf": [{}, {}]},
         ["spec: must fit exactly one of the alternatives that the schema allows"]),
        (UNKNOWN, {"oneOf": [NUMBER, {"minimum": 1}]}, []),
        ({"a": UNKNOWN}, {"required": ["a", "b"]}, ["spec.b: is required"]),
        ({"c": UNKNOWN}, {"properties": {"a": {}}}, ["spec.c: is not an input of the template (known: 'a')"]),
        ({"a": UNKNOWN}, {"type": "array"}, ["spec: must be a list"]),
        ({"a": UNKNOWN}, {"enum": [{"a": 1}]}, []),
        ({"a": UNKNOWN, "b": "x"}, {"properties": {"a": NUMBER, "b": NUMBER}}, ["spec.b: must be a number"]),
        ([UNKNOWN, UNKNOWN], {"uniqueItems": True}, []),
        ([1, UNKNOWN, 1.0], {"uniqueItems": True}, ["spec: must not have the same item twice"]),
        ([UNKNOWN], {"minItems": 2}, ["spec: must have at least 2 items"]),
        ({"o": UNKNOWN}, {"properties": {"o": {"properties": {"a": {"default": 1}}}}}, []),
        ({"o": {"a": UNKNOWN}}, {"anyOf": [{"properties": {"o": {"type": "string"}}}, NUMBER]},
         ["spec: fits none of the alternatives that the schema allows"]),
    ],
)  # fmt: skip
def test_what_is_said_of_values_that_are_not_known_yet(
    value: Any, schema: dict[str, Any], clauses: list[str]
) -> None:
    assert examine(value, schema, unknown=UNKNOWN)[1] == clauses


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ('spec["a.b"]', {"properties": {"a.b": NUMBER}}),
        ('spec["ä \\n"]', {"properties": {"ä \n": NUMBER}}),
        ("spec.a-b", {"properties": {"a-b": NUMBER}}),
    ],
)
def test_a_name_that_is_not_a_plain_word_is_quoted_in_its_path(path: str, schema: dict[str, Any]) -> None:
    (name,) = schema["properties"]

    assert examine({name: "x"}, schema)[1] == [f"{path}: must be a number"]


def test_a_multiple_of_a_number_is_found_where_floats_end() -> None:
    assert examine(10**400, {"multipleOf": 0.5})[1] == []
    assert examine(10**400 + 1, {"multipleOf": 2.0})[1] == ["spec: must be a multiple of 2.0"]


def test_equal_numbers_are_the_same_item_and_truth_values_are_no_numbers() -> None:
    unique = {"uniqueItems": True}

    assert examine([1, True, 0, False, "1", None], unique)[1] == []
    assert examine([{"a": [1]}, {"a": [1.0]}], unique)[1] == ["spec: must not have the same item twice"]
    assert examine(True, {"enum": [1]})[1] == ["spec: must be one of 1"]
