"""Schema objects of OpenAPI 3.0: which ones are valid, where their references lead, which members they allow.

Source: OpenAPI 3.0.3, "Schema Object" and "Reference Object".
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Schema = Mapping[str, Any]
"""A schema object. That of a template's inputs has the types that it refers to below `schema.types`."""

_COMPOSED = frozenset({"allOf", "anyOf", "oneOf"})


class References:
    """The types of a template's schema, by their references (`#/schema/types/NAME`)."""

    def __init__(self, root: Schema) -> None:
        self._types: Mapping[str, Any] = root.get("schema", {}).get("types", {})
        self._known: dict[str, Schema] = {}

    def resolve(self, schema: Schema) -> Schema:
        """The schema, or what it refers to. What stands beside a `$ref` is ignored, as OpenAPI 3.0 says.

        Raises RecursionError for a reference that leads to itself.
        """
        reference = schema.get("$ref")
        if reference is None:
            return schema
        if reference not in self._known:
            self._known[reference] = self.resolve(self._types[reference.rpartition("/")[2]])
        return self._known[reference]


def other_members(schema: Schema) -> Any:
    """What an object may have besides its `properties`: anything (True), nothing (False), or a schema.

    Proton's rule where the schema does not say it: an object that declares properties has no others.
    """
    open_ended = not schema.get("properties") or not _COMPOSED.isdisjoint(schema)
    return schema.get("additionalProperties", open_ended)


def schema_errors(schema: Any) -> Iterator[ValidationError]:
    """Every way in which `schema` is not valid: jsonschema's errors, whose paths lead into it."""
    yield from _metaschema().iter_errors(_without_empty_required(schema))


def comparable(value: Any) -> Hashable:
    """Equal for what JSON Schema calls equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, dict):
        return "object", frozenset((name, comparable(member)) for name, member in value.items())
    if isinstance(value, list):
        return "array", tuple(map(comparable, value))
    return ("boolean", value) if isinstance(value, bool) else value


@lru_cache(maxsize=1)
def _metaschema() -> Any:
    """Importing jsonschema takes longer than a preview does without it."""
    from jsonschema import Draft4Validator  # noqa: PLC0415 - as said
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    def unique_items(validator: Any, unique: bool, value: Any, _: Any) -> Iterator[ValidationError]:  # noqa: FBT001 - jsonschema's
        # jsonschema's own compares each item with each other one.
        if unique and validator.is_type(value, "array") and len({*map(comparable, value)}) < len(value):
            yield ValidationError("has non-unique elements")

    validator = extend(Draft4Validator, {"uniqueItems": unique_items})  # type: ignore[no-untyped-call]
    # With "$schema" in it, jsonschema would go on with its own class below.
    own = ("$schema", "id")
    return validator({key: value for key, value in Draft4Validator.META_SCHEMA.items() if key not in own})


def _without_empty_required(node: Any) -> Any:
    """OpenAPI wants at least one name in ``required``, but bundles in the wild carry an empty one."""
    if isinstance(node, list):
        return [_without_empty_required(item) for item in node]
    if isinstance(node, dict):
        return {
            key: _without_empty_required(value)
            for key, value in node.items()
            if (key, value) != ("required", [])
        }
    return node
