"""Environment specs: reads a user's text, checks it against a template's input schema, fills in defaults.

Pure. Forbidden here: any value of a spec in a message. The API marks SpecContents as sensitive; a sentence
names the path and quotes the schema, never the value.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from proton_templates.documents import DocumentError, load_mapping
from proton_templates.openapi import Steps, TooManySteps, violations
from proton_templates.patterns import PatternError

_MAX_CHARACTERS = 51_200  # SpecContents in the API model
_MAX_SENTENCES = 10
_MAX_QUOTED = 500
"""Characters of a clause, which quotes the schema, and names that it lists."""


class SpecError(ValueError):
    """A spec is refused; the text is a sentence that names each faulty path."""


def parse_spec(text: str) -> dict[str, Any]:
    """The input values of an environment spec, as given: what stands below ``spec:``.

    A spec is YAML with two keys, ``proton: EnvironmentSpec`` and ``spec:`` (User Guide, "Create an
    environment").

    Raises SpecError if it is too long, no YAML, or has another shape than that.
    """
    if len(text) > _MAX_CHARACTERS:
        raise SpecError(f"The spec is longer than {_MAX_CHARACTERS:,} characters.")
    try:
        document = load_mapping(text)
    except DocumentError as fault:
        raise SpecError(f"The spec cannot be read: {fault}.") from None
    if document.get("proton") != "EnvironmentSpec":
        raise SpecError("The spec must begin with 'proton: EnvironmentSpec'.")
    if unknown := sorted(document.keys() - {"proton", "spec"}):
        raise SpecError(
            f"The spec has {_list(unknown)} beside 'proton' and 'spec'; input values belong below 'spec'."
        )
    # An empty "spec:" is YAML's null, and what a user writes whose template has a default for each input.
    inputs = document.get("spec", "missing")
    if inputs is None:
        return {}
    if not isinstance(inputs, dict):
        raise SpecError("The spec must have a mapping of input names to values below 'spec:'.")
    return inputs


def read_inputs(text: str, input_schema: Mapping[str, Any]) -> dict[str, Any]:
    """The input values of a spec, checked against a schema and complete. Raises SpecError."""
    return check_spec(parse_spec(text), input_schema)


def check_spec(inputs: Mapping[str, Any], input_schema: Mapping[str, Any]) -> dict[str, Any]:
    """``inputs`` with the schema's defaults filled in, also inside objects that are given; a new mapping.

    A name the schema does not know is refused: it is a misspelling far more often than a wish to be ignored.
    Objects that say ``additionalProperties``, or are composed (allOf, anyOf, oneOf), follow OpenAPI's rules.

    Raises SpecError with one sentence of every violation and its path, such as ``spec.vpc_cidr``.
    """
    try:
        complete, sentences = examine(dict(inputs), input_schema, "spec")
    except RecursionError:
        raise SpecError(
            "The spec cannot be checked: the template's schema refers to itself without end."
        ) from None
    except TooManySteps as fault:
        raise SpecError(f"The spec cannot be checked: with the template's schema that {fault}.") from None
    if sentences:
        shown = "; ".join(sentences[:_MAX_SENTENCES])
        more = f"; and {len(sentences) - _MAX_SENTENCES} more" if len(sentences) > _MAX_SENTENCES else ""
        raise SpecError(f"The spec does not fit the template's schema: {shown}{more}.")
    checked: dict[str, Any] = complete
    return checked


def examine(value: Any, schema: Mapping[str, Any], path: str) -> tuple[Any, list[str]]:
    """``value`` with defaults filled in, and a clause for each way in which it does not fit ``schema``.

    Raises RecursionError (the schema refers to itself without end) and TooManySteps.
    """
    completion = _Completion(schema)
    complete = completion.complete(value, schema, path)
    clauses = completion.clauses
    for error in violations(complete, schema):
        clauses += _clauses(error, path)
    return complete, [clause[:_MAX_QUOTED] for clause in dict.fromkeys(clauses)]


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """``schema`` itself, or the type in ``root`` that its ``$ref`` (``#/schema/types/NAME``) points to."""
    if "$ref" not in schema:
        return schema
    return resolve(root["schema"]["types"][schema["$ref"].rpartition("/")[2]], root)


class _Completion:
    """Fills defaults in. A default may have members with defaults, and so double with each reference."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root, self._steps = root, Steps()
        self.clauses: list[str] = []
        """Of the names that the schema does not know."""

    def complete(self, value: Any, schema: Any, path: str) -> Any:
        self._steps.take()
        if not isinstance(schema, Mapping):
            return value
        schema = resolve(schema, self._root)
        if isinstance(value, list):
            items = schema.get("items")
            return [self.complete(item, items, f"{path}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        properties: Mapping[str, Any] = schema.get("properties", {})
        open_ended = not properties or not schema.keys().isdisjoint({"allOf", "anyOf", "oneOf"})
        others = schema.get("additionalProperties", open_ended)
        if others is False:
            self.clauses += _unknown(value, properties, path)
        given = {name: resolve(declared, self._root) for name, declared in properties.items()}
        defaults = {
            name: copy.deepcopy(declared["default"])
            for name, declared in given.items()
            if name not in value and "default" in declared
        }
        return {
            name: self.complete(item, given.get(name, others), f"{path}.{name}")
            for name, item in {**value, **defaults}.items()
        }


# What a keyword of the schema asks for; {0} is the keyword's own value.
_CLAUSES: Mapping[str, str] = {
    "type": "must be {0}",
    "pattern": "must match the pattern {0}",
    "enum": "must be one of {0}",
    "format": "must have the format {0}",
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "exclusiveMinimum": "must be greater than {0}",
    "exclusiveMaximum": "must be less than {0}",
    "multipleOf": "must be a multiple of {0}",
    "minLength": "must have at least {0} characters",
    "maxLength": "must have at most {0} characters",
    "minItems": "must have at least {0} items",
    "maxItems": "must have at most {0} items",
    "uniqueItems": "must not have the same item twice",
    "minProperties": "must have at least {0} members",
    "maxProperties": "must have at most {0} members",
    "anyOf": "fits none of the alternatives that the schema allows",
    "oneOf": "must fit exactly one of the alternatives that the schema allows",
    "not": "has a form that the schema excludes",
}
_A_TYPE = {
    "string": "a string (put it in quotes)",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def _clauses(error: Any, path: str) -> list[str]:
    at = path + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.absolute_path)
    keyword, limit = error.validator, error.validator_value
    if isinstance(error.cause, PatternError) and keyword == "pattern":
        return [f"{at}: the pattern {limit} of the schema {error.cause}"]
    if keyword == "required":
        return [f"{at}.{name} is required" for name in limit if name not in error.instance]
    if keyword == "additionalProperties":
        return _unknown(error.instance, error.schema.get("properties", {}), at)
    if keyword == "type":
        limit = _A_TYPE[limit]
    if keyword == "enum":
        limit = ", ".join(map(str, limit))
    # In OpenAPI 3.0 "exclusiveMinimum: true" stands beside "minimum" and changes its meaning.
    if error.schema.get(exclusive := f"exclusive{str(keyword).capitalize()}") is True:
        keyword = exclusive
    return [
        f"{at} {_CLAUSES.get(keyword, f'does not satisfy the keyword {keyword} of the schema').format(limit)}"
    ]


def _unknown(value: Mapping[str, Any], properties: Mapping[str, Any], path: str) -> list[str]:
    known = _list(properties) or "none"
    return [
        f"{path}.{name} is not an input of this template (known: {known})"
        for name in value
        if name not in properties
    ]


def _list(names: Iterable[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return listed if len(listed) <= _MAX_QUOTED else f"{listed[:_MAX_QUOTED]}…"
