"""The values that a spec leaves out and its schema has defaults for. Pure."""

from __future__ import annotations

from typing import Any

from proton_templates.budget import Budget
from proton_templates.openapi import References, Schema, other_members


def with_defaults(value: Any, schema: Schema, budget: Budget) -> Any:
    """A copy of `value` with the defaults of `schema`, also inside objects that are given, or are defaults.

    `schema` is one of OpenAPI 3.0 as `read_schema` returns it. Objects that are composed (allOf, anyOf,
    oneOf) get the defaults of their own `properties` only.

    Raises TooManySteps: a default may have members with defaults, and so double with each reference.
    """
    return _Completion(References(schema), budget).complete(value, schema)


class _Completion:
    def __init__(self, references: References, budget: Budget) -> None:
        self._references, self._budget = references, budget

    def complete(self, value: Any, schema: Any) -> Any:
        """What is neither a mapping nor a list, such as a value not known yet, stays as it is."""
        self._budget.take()
        schema = self._references.resolve(schema) if isinstance(schema, dict) else {}
        if isinstance(value, list):
            items = schema.get("items")
            return [self.complete(item, items) for item in value]
        if not isinstance(value, dict):
            return value
        properties, others = schema.get("properties", {}), other_members(schema)
        self._budget.take(0, walked=len(properties))
        declared = {name: self._references.resolve(each) for name, each in properties.items()}
        defaults = {name: each["default"] for name, each in declared.items() if "default" in each}
        return {
            name: self.complete(item, declared.get(name, others))
            for name, item in {**value, **{n: d for n, d in defaults.items() if n not in value}}.items()
        }
