"""A spec: the inputs of an environment, as a mapping; as text only on the wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema.exceptions
import yaml

from aws_proton_provider.core import yaml_text
from aws_proton_provider.core.values import UNKNOWN, Value, has_unknown, normalised, path
from proton_templates import openapi
from proton_templates.patterns import PatternError


def inputs_of(spec: Value) -> Value:
    """The input values of a spec: a mapping of them, a whole spec document, or YAML text of either.

    Raises:
        ValueError: it is none of these.

    """
    if spec is UNKNOWN:
        return UNKNOWN
    if isinstance(spec, str):
        spec = yaml_text.loaded(spec)
    if (
        isinstance(spec, dict)
        and spec.get("proton") == "EnvironmentSpec"
        and spec.keys() <= {"proton", "spec"}
    ):
        spec = spec.get("spec") or {}
    if not isinstance(spec, dict):
        # ValueError is what pydantic takes for a finding.
        raise ValueError('must be a mapping of the template\'s inputs, such as {"vpc_cidr": "10.0.0.0/16"}')  # noqa: TRY004
    return normalised(spec)


def document(inputs: dict[str, Value]) -> str:
    """The YAML text that the API takes (User Guide, ag-create-env)."""
    return yaml.safe_dump({"proton": "EnvironmentSpec", "spec": inputs}, sort_keys=False, allow_unicode=True)


def input_schema(template_schema: str) -> dict[str, Any]:
    """The OpenAPI 3.0 schema of an environment's inputs, from a template version's `schema` (schema.yaml).

    References such as `#/schema/types/Subnet` keep working: the document's other types travel along.

    Raises:
        ValueError: it is no schema that a spec can be checked against; says why.

    """
    document = yaml_text.loaded(template_schema)
    schema = document.get("schema") if isinstance(document, dict) else None
    types, name = (
        (schema.get("types"), schema.get("environment_input_type"))
        if isinstance(schema, dict)
        else (None, None)
    )
    if not isinstance(types, dict) or not isinstance(name, str):
        raise ValueError("lacks schema.types or schema.environment_input_type")  # noqa: TRY004 - as above
    if not isinstance(types.get(name), dict):
        raise ValueError("names an environment_input_type that schema.types does not have")  # noqa: TRY004 - as above
    inputs = {**types[name], "schema": {"types": types}}
    try:
        for declared in types.values():
            openapi.check_schema(declared)
        _require_references(types, inputs)
    except jsonschema.exceptions.SchemaError as error:
        raise ValueError(f"is not OpenAPI 3.0 at{path(error.path)} in one of its types") from None
    except (LookupError, TypeError, AttributeError, RecursionError, ValueError):
        raise ValueError("holds what is not OpenAPI 3.0, or a reference that leads nowhere") from None
    return inputs


def _require_references(value: Value, root: dict[str, Any]) -> None:
    """Makes sure that all references lead to a place in `root`, and none out into the network."""
    if isinstance(value, list):
        for item in value:
            _require_references(item, root)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and (
            not reference.startswith("#/") or "$ref" in _resolved(value, root)
        ):
            raise LookupError(reference)
        for item in value.values():
            _require_references(item, root)


def violations(inputs: dict[str, Value], schema: dict[str, Any]) -> Iterator[str]:
    """One sentence per violation, with the path and never the value, which may be a secret.

    A value that is not known yet violates nothing.
    """
    yield from _strangers(inputs, schema, schema, "spec")
    try:
        complete = _with_defaults(inputs, schema, schema, openapi.Steps())
        errors = openapi.violations(complete, schema, formats=False)
    except (openapi.TooManySteps, RecursionError, OverflowError):
        # The server has limits of time, and the last word.
        return
    sentences = (
        sentence
        for error in errors
        if error.validator in _ABOUT_KEYS or not has_unknown(error.instance)
        for sentence in _sentences(error)
    )
    yield from dict.fromkeys(sentences)


_ABOUT_KEYS = ("required", "additionalProperties")
"""What is said of a mapping's keys, whatever its values are."""


_OPEN = ("additionalProperties", "allOf", "anyOf", "oneOf")
"""A schema that says one of these decides itself which other keys an object may have."""


def _strangers(value: Value, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    """The keys that the template does not know: a misspelling far more often than a wish to be ignored."""
    schema = _resolved(schema, root)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strangers(item, schema.get("items", {}), root, f"{path}[{index}]")
    elif isinstance(value, dict):
        allowed = schema.get("properties", {})
        for name in sorted(value):
            if name in allowed:
                yield from _strangers(value[name], allowed[name], root, f"{path}.{name}")
            elif allowed and not any(keyword in schema for keyword in _OPEN):
                yield _stranger(f"{path}.{name}", allowed)


def _with_defaults(value: Value, schema: dict[str, Any], root: dict[str, Any], steps: openapi.Steps) -> Value:
    """`value` as the template will see it: with the schema's defaults for what a spec leaves out.

    Raises:
        TooManySteps: the defaults have defaults that double, and double.

    """
    steps.take()
    schema = _resolved(schema, root)
    if isinstance(value, list):
        return [_with_defaults(item, schema.get("items", {}), root, steps) for item in value]
    if not isinstance(value, dict):
        return value
    declared = {name: _resolved(item, root) for name, item in schema.get("properties", {}).items()}
    defaults = {name: item["default"] for name, item in declared.items() if "default" in item}
    return {
        name: _with_defaults(item, declared.get(name, {}), root, steps)
        for name, item in {**defaults, **value}.items()
    }


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference such as `#/schema/types/Subnet` leads to."""
    for _ in range(_LONGEST_CHAIN):
        if "$ref" not in schema:
            break
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


_LONGEST_CHAIN = 10
"""References that lead to references; a circle of them is none of a registered template."""


def _stranger(path: str, allowed: Iterable[str]) -> str:
    known = ", ".join(sorted(allowed))
    return f"{path}: the template has no such input" + (f"; it has {known}" if known else "")


def _sentences(error: jsonschema.exceptions.ValidationError) -> Iterator[str]:
    where = f"spec{path(error.path)}"
    if error.validator != "additionalProperties":
        yield f"{where}: {_reason(error)}"
        return
    allowed = error.schema.get("properties", {})  # type: ignore[union-attr]
    for name in sorted(error.instance):  # type: ignore[arg-type]
        if name not in allowed:
            yield _stranger(f"{where}.{name}", allowed)


def _missing(error: jsonschema.exceptions.ValidationError) -> str:
    required: list[str] = error.schema["required"]  # type: ignore[index]
    absent = [repr(name) for name in required if name not in error.instance]  # type: ignore[operator]
    return f"lacks {', '.join(absent)}, required and without a default"


_REASONS: dict[str, str] = {
    "type": "must be of type {0}",
    "enum": "must be one of {0}",
    "pattern": "must match the pattern {0}",
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "minLength": "must have at least {0} characters",
    "maxLength": "must have at most {0} characters",
    "minItems": "must have at least {0} items",
    "maxItems": "must have at most {0} items",
    "multipleOf": "must be a multiple of {0}",
    "uniqueItems": "must have no item twice",
    "format": "must be a valid {0}",
}


def _reason(error: jsonschema.exceptions.ValidationError) -> str:
    if error.validator == "required":
        return _missing(error)
    if isinstance(error.cause, PatternError):
        return f"cannot be matched: the pattern {error.validator_value} {error.cause}"
    known = _REASONS.get(str(error.validator))
    return (
        known.format(error.validator_value)
        if known
        else f"violates {error.validator} of the template's schema"
    )
