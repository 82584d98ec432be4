"""The schema of the inputs, seen by path.

A path leads into the inputs: names of members, indices of items. Of what has no name yet it has a `Part`: the
key and the value of the n-th member of an open object, the pieces that a text is split into.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from proton_templates.budget import Budget
from proton_templates.openapi import References, Schema, other_members
from proton_templates.validation import validate


class Part(NamedTuple):
    """A piece of a value that has no name of its own: `key` and `value` of a member, `split` of a text."""

    kind: str
    of: Any


Path: TypeAlias = "tuple[str | int | Part, ...]"


class Inputs:
    """The schema of the inputs, seen by path."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._references = References(schema)
        self._types = schema.get("schema")
        self._known: dict[Path, Schema] = {}
        self._budget = Budget()

    def at(self, path: Path) -> Schema:
        """The schema of what is at a path, with compositions merged; {} where there is none."""
        if path not in self._known:
            self._known[path] = (
                self._merged(self._step(self.at(path[:-1]), path[-1])) if path else self._merged(self.schema)
            )
        return self._known[path]

    def kind(self, path: Path) -> str | None:
        """The type that the schema gives to what is at a path, if it does."""
        schema = self.at(path)
        kind: str | None = schema.get("type")
        if kind is None and schema.get("properties"):
            return "object"
        return kind

    def may_be_absent(self, path: Path) -> bool:
        """Whether a spec may leave this out, and nothing takes its place."""
        if not path or not isinstance(path[-1], str):
            return False
        if "default" in self.at(path):
            return False
        return path[-1] not in self.at(path[:-1]).get("required", ())

    def members(self, path: Path) -> list[str]:
        """The names that the schema declares for the members of an object."""
        return [*self.at(path).get("properties", {})]

    def is_open(self, path: Path) -> bool:
        """Whether an object may have members that the schema does not declare."""
        return other_members(self.at(path)) is not False

    def fits(self, path: Path, value: Any) -> bool:
        """Whether a value may stand at a path. Raises TooManySteps."""
        schema = self.at(path)
        if self._types is not None:
            schema = {**schema, "schema": self._types}
        try:
            return not validate(value, schema, ("spec",), budget=self._budget)
        except RecursionError:
            return False

    def _step(self, schema: Schema, step: str | int | Part) -> Any:
        if isinstance(step, int):
            return schema.get("items", {})
        if isinstance(step, Part):
            if step.kind == "split":
                return {"type": "array", "items": {"type": "string"}}
            others = other_members(schema)
            if step.kind == "key":
                names = [*schema.get("properties", {})]
                return {"type": "string", "enum": names} if names and others is False else {"type": "string"}
            declared = [self._merged(each) for each in schema.get("properties", {}).values()]
            if isinstance(others, dict):
                return others
            kinds = {each.get("type") for each in declared}
            return {"type": kinds.pop()} if len(kinds) == 1 else {}
        declared_members = schema.get("properties", {})
        return declared_members[step] if step in declared_members else other_members(schema)

    def _merged(self, schema: Any, depth: int = 0) -> Schema:
        if not isinstance(schema, dict) or depth > 20:
            return {}
        schema = self._references.resolve(schema)
        merged = dict(schema)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(keyword, ()):
                other = self._merged(part, depth + 1)
                properties = {**other.get("properties", {}), **merged.get("properties", {})}
                merged = {**{k: v for k, v in other.items() if k != "required"}, **merged}
                if properties:
                    merged["properties"] = properties
        return merged
