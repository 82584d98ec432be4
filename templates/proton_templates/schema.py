"""The schema file of an environment template: read, checked, compared with the version before.

Pure. Archives and paths are not known here; the caller names the file. Source: User Guide, "Schema file", and
OpenAPI 3.0.3 for what stands below ``types``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from proton_templates.budget import Budget, TooManySteps
from proton_templates.defaults import with_defaults
from proton_templates.documents import DocumentError, load_mapping
from proton_templates.openapi import References, Schema, schema_errors
from proton_templates.patterns import PatternError
from proton_templates.validation import validate
from proton_templates.violations import listed

_MAX_CHARACTERS = (
    51_200  # TemplateSchema in the API model: GetEnvironmentTemplateVersion must be able to return it
)
_MAX_NAME = 100
_MAX_COMPARED = 10_000
"""Pairs of types that refer to each other in circles of different lengths can be many more than the types."""
_TOO_COMPLEX = "its types refer to each other in more ways than can be compared"
_TYPES = ("string", "number", "integer", "boolean", "array", "object")
_REFERENCE = re.compile(r"#/schema/types/(?P<name>[\w.-]+)")
# OpenAPI 3.0 is stricter here than the JSON Schema that its schemas are checked against.
_KINDS = {"format": str, "items": dict}
_A = {str: "a string", dict: "a mapping"}
# JSON Schema's "id" would move the place that references start from, and OpenAPI's "discriminator" leads to
# "#/components/schemas", which a schema file does not have.
_FOREIGN = {"id", "discriminator"}


def read_schema(text: str) -> dict[str, Any]:
    """The OpenAPI object that describes an environment's inputs; complete in itself, so it can be stored.

    Where it refers to other types, their definitions travel with it below the key ``schema``, which is where
    their references (``#/schema/types/…``) point.

    Raises DocumentError with every fault of the file.
    """
    if len(text) > _MAX_CHARACTERS:
        raise DocumentError(f"is longer than {_MAX_CHARACTERS:,} characters")
    schema = _member(load_mapping(text), "schema", dict, "the mapping that all else stands below")
    dialect = _member(schema, "format", dict, "with 'openapi: \"3.0.0\"' below it", "schema.").get("openapi")
    if not str(dialect).startswith("3.0"):
        raise DocumentError('schema.format.openapi must be "3.0.0"')
    if service := sorted({"service_input_type", "pipeline_input_type"} & schema.keys()):
        raise DocumentError(
            f"schema.{service[0]} belongs to a service template; this is an environment template"
        )
    types = _member(schema, "types", dict, "a mapping of type names to OpenAPI objects", "schema.")
    name = _member(schema, "environment_input_type", str, "the type that describes the inputs", "schema.")
    if name not in types:
        raise DocumentError(f"schema.environment_input_type names '{name}', which schema.types does not have")
    if faults := listed(_faults(types)):
        raise DocumentError(*faults)
    inputs = dict(References({"schema": schema}).resolve(types[name]))
    if inputs.get("type") != "object" or not inputs.get("properties"):
        raise DocumentError(f"schema.types.{name} must be of type object and have at least one property")
    if too_long := [key for key in inputs["properties"] if len(key) > _MAX_NAME]:
        raise DocumentError(
            f"the input name '{too_long[0][:_MAX_NAME]}…' is longer than {_MAX_NAME} characters"
        )
    if '"$ref"' in json.dumps(types):
        inputs["schema"] = {"types": types}
    return inputs


def check_customer_managed(inputs: Schema) -> None:
    """What the Guide asks of a customer-managed template: string properties only, and no defaults.

    Raises DocumentError with every property that is not so.
    """
    references, faults = References(inputs), []
    for name, reference in inputs["properties"].items():
        declared = references.resolve(reference)
        if declared.get("type") != "string":
            faults.append(f"the property '{name}' must be of type string in a customer-managed template")
        if "default" in declared:
            faults.append(f"the property '{name}' must not have a default in a customer-managed template")
    if faults:
        raise DocumentError(*faults)


def minor_incompatibility(previous: Schema, new: Schema) -> str | None:
    """Why a spec written for ``previous`` may fail under ``new``, or None: the test of a minor version.

    "Best effort" in the User Guide, without rules. Ours: no input disappears, none changes its type, and none
    becomes required without a default, at any depth of objects and lists.
    """
    references = References(previous), References(new)
    try:
        cause = next(_incompatibilities((previous, new), references, "", set()), None)
    except RecursionError:
        cause = _TOO_COMPLEX
    return cause and f"The schema is not compatible with the minor version before: {cause}."


def _incompatibilities(
    schemas: tuple[Any, Any],
    references: tuple[References, References],
    path: str,
    compared: set[tuple[int, int]],
) -> Iterator[str]:
    before, after = (root.resolve(schema) for root, schema in zip(references, schemas, strict=True))
    if (id(before), id(after)) in compared:  # a type that contains itself
        return
    compared.add((id(before), id(after)))
    if len(compared) > _MAX_COMPARED:
        yield _TOO_COMPLEX
        return
    if before.get("type") != after.get("type"):
        yield f"the input '{path}' changes its type from {before.get('type')} to {after.get('type')}"
        return
    old, now = before.get("properties", {}), after.get("properties", {})
    prefix = f"{path}." if path else ""
    for name in sorted(old.keys() - now.keys()):
        yield f"the input '{prefix}{name}' disappears"
    for name in sorted(_needed(after, references[1]) - _needed(before, references[0])):
        yield f"the input '{prefix}{name}' becomes required and has no default"
    for name in sorted(old.keys() & now.keys()):
        yield from _incompatibilities((old[name], now[name]), references, prefix + name, compared)
    if "items" in before and "items" in after:
        yield from _incompatibilities((before["items"], after["items"]), references, f"{path}[]", compared)


def _needed(schema: Schema, references: References) -> set[str]:
    """The members that a spec must give: required, and without a default."""
    members = schema.get("properties", {})
    required = schema.get("required", [])
    return {name for name in required if "default" not in references.resolve(members.get(name, {}))}


def _faults(types: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the types; with their defaults only where nothing else is."""
    budget = Budget()
    found = False
    try:
        for name, declared in types.items():
            for fault in _type_faults(declared, types, f"schema.types.{name}", budget):
                found = True
                yield fault
        if not found:
            yield from _default_faults(types, budget)
    except TooManySteps as fault:
        yield f"schema.types cannot be checked: that {fault}"


def _type_faults(declared: Any, types: Mapping[str, Any], path: str, budget: Budget) -> Iterator[str]:
    known: set[str] = set()
    for place, schema in _subschemas(declared, path):
        for key, fault in _keyword_faults(schema, types, budget):
            known.add(f"{place}.{key}")
            yield f"{place}.{key} {fault}"
    for error in schema_errors(declared):
        place = path + "".join(f".{key}" for key in error.absolute_path)
        if place not in known:
            yield f"{place} is not valid OpenAPI 3.0: {error.message[:200]}"


def _keyword_faults(schema: Schema, types: Mapping[str, Any], budget: Budget) -> Iterator[tuple[str, str]]:
    """The keywords of one schema object that are wrong, and what is wrong with each."""
    if "type" in schema and schema["type"] not in _TYPES:
        yield "type", f"must be one of {', '.join(_TYPES)}"
    for keyword, kind in _KINDS.items():
        if keyword in schema and not isinstance(schema[keyword], kind):
            yield keyword, f"must be {_A[kind]}"
    for foreign in sorted(_FOREIGN & schema.keys()):
        yield foreign, "is not for schema files of Proton; leave it out"
    if "$ref" in schema and (fault := _reference_fault(schema["$ref"], types)):
        yield "$ref", fault
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        try:
            budget.compile(pattern)
        except PatternError as fault:
            yield "pattern", str(fault)


def _reference_fault(reference: Any, types: Mapping[str, Any]) -> str | None:
    """Only whole types of this file; anything else would let a template make the server fetch it."""
    seen = set()
    while reference is not None:
        match = _REFERENCE.fullmatch(str(reference))
        if not match or match["name"] not in types:
            return "must be '#/schema/types/' followed by one of the types in this file"
        name = match["name"]
        if name in seen:
            return "refers to itself"
        seen.add(name)
        reference = types[name].get("$ref") if isinstance(types[name], dict) else None
    return None


def _subschemas(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """``schema`` and each schema inside it, with its place; OpenAPI's own check finds what is no mapping."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "allOf", "anyOf", "oneOf"):
        inner = schema.get(key)
        members = (
            inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        )
        for name, member in members:
            yield from _subschemas(member, f"{path}.{key}.{name}")
    for key in ("items", "additionalProperties", "not"):
        yield from _subschemas(schema.get(key), f"{path}.{key}")


def _default_faults(types: Mapping[str, Any], budget: Budget) -> Iterator[str]:
    """The defaults that do not fit their own schemas."""
    for name, declared in types.items():
        for place, schema in _subschemas(declared, f"schema.types.{name}"):
            # What stands beside a reference is ignored.
            if "default" in schema and "$ref" not in schema:
                context = {**schema, "schema": {"types": types}}
                try:
                    complete = with_defaults(schema["default"], context, budget)
                    yield from listed(validate(complete, context, (f"{place}.default",), budget=budget))
                except RecursionError:
                    yield f"{place} refers to itself without end"


def _member(mapping: Mapping[str, Any], key: str, kind: type, meaning: str, parent: str = "") -> Any:
    value = mapping.get(key)
    if not isinstance(value, kind):
        raise DocumentError(f"{parent}{key} is missing or of the wrong kind; it must be {meaning}")
    return value
