"""Whether a value fits an OpenAPI 3.0 schema, where parts of the value may not be known yet.

The one judge of specs: the server asks it about specs of which everything is known, the provider in a preview
about specs in which outputs of resources to come are unknown. A violation is reported only if it is one
whatever the unknown values turn out to be.

jsonschema is not used for this: it knows no unknown values, writes the whole value into each message, runs
patterns with Python's own engine, and cannot be stopped. Tests compare with it (decision 0010).

Pure. Source: OpenAPI 3.0.3, "Schema Object", and JSON Schema Wright-00, which it refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from proton_templates.budget import Budget
from proton_templates.formats import fits_format
from proton_templates.openapi import References, Schema, comparable, other_members
from proton_templates.patterns import PatternError
from proton_templates.violations import Path, Violation

NOTHING: Any = object()
"""In the place of `unknown`: everything is known."""

_NUMBER = (int, float)
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "number": _NUMBER,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


class _Assertion(NamedTuple):
    """A keyword that says something of values of one kind, whatever their members are."""

    kind: type | tuple[type, ...]
    holds: Callable[[Any, Any], bool]
    """Of the value and the keyword's own value."""


def _is_multiple(value: Any, of: Any) -> bool:
    try:
        return bool((value / of).is_integer()) if isinstance(of, float) else value % of == 0
    except OverflowError:
        return (Fraction(value) / Fraction(of)).denominator == 1


_ASSERTIONS: Mapping[str, _Assertion] = {
    "format": _Assertion(object, fits_format),
    "minimum": _Assertion(_NUMBER, lambda value, limit: value >= limit),
    "maximum": _Assertion(_NUMBER, lambda value, limit: value <= limit),
    "exclusiveMinimum": _Assertion(_NUMBER, lambda value, limit: value > limit),
    "exclusiveMaximum": _Assertion(_NUMBER, lambda value, limit: value < limit),
    "multipleOf": _Assertion(_NUMBER, _is_multiple),
    "minLength": _Assertion(str, lambda value, limit: len(value) >= limit),
    "maxLength": _Assertion(str, lambda value, limit: len(value) <= limit),
    "minItems": _Assertion(list, lambda value, limit: len(value) >= limit),
    "maxItems": _Assertion(list, lambda value, limit: len(value) <= limit),
    "minProperties": _Assertion(dict, lambda value, limit: len(value) >= limit),
    "maxProperties": _Assertion(dict, lambda value, limit: len(value) <= limit),
}
_EXCLUSIVE = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
"""In OpenAPI 3.0, `exclusiveMinimum: true` stands beside `minimum` and changes what that says."""


def validate(
    value: Any, schema: Schema, path: Path, *, unknown: Any = NOTHING, budget: Budget | None = None
) -> list[Violation]:
    """Every way in which `value` does not fit `schema`.

    Args:
        value: JSON-like data, defaults filled in.
        schema: an object of OpenAPI 3.0 as `read_schema` returns it; its references lead into itself.
        path: where the value stands, such as `("spec",)`.
        unknown: the object that stands in the value for what is not known yet.
        budget: what may be spent; without it, that of one value.

    Objects that declare properties refuse other members, unless the schema says otherwise: a member that the
    schema does not declare is a misspelling far more often than a wish to have it ignored.

    Raises TooManySteps, and RecursionError for a schema that refers to itself without end.

    """
    validation = _Validation(References(schema), budget or Budget(), unknown)
    validation.check(value, schema, path, closed=True)
    return validation.violations


class _Undecided(Exception):
    """What is compared holds an unknown value."""


class _Validation:
    """One value, and what is found out about it."""

    def __init__(self, references: References, budget: Budget, unknown: Any) -> None:
        self._references, self._budget, self._unknown = references, budget, unknown
        self._enums: dict[int, frozenset[Any]] = {}
        self.violations: list[Violation] = []
        self.undecided = False
        """Whether a keyword may be violated or not, depending on an unknown value."""

    def check(self, value: Any, schema: Any, path: Path, *, closed: bool) -> None:
        """Adds what is wrong. `closed`: members that are not declared are refused, as `validate` says."""
        self._budget.take()
        if not isinstance(schema, Mapping):  # `additionalProperties: true`
            return
        schema = self._references.resolve(schema)
        if value is self._unknown:
            self.undecided |= not _COMPOSITIONS.keys() >= schema.keys()
        else:
            self._assert(value, schema, path)
            if isinstance(value, dict):
                self._check_members(value, schema, path, closed=closed)
            elif isinstance(value, list) and "items" in schema:
                for index, item in enumerate(value):
                    self.check(item, schema["items"], (*path, index), closed=closed)
        for keyword, compose in _COMPOSITIONS.items():
            if keyword in schema:
                compose(self, value, schema[keyword], path)

    def _assert(self, value: Any, schema: Schema, path: Path) -> None:
        for keyword, limit in schema.items():
            if keyword in _COMPARISONS:
                self._budget.take()
                self._compare(keyword, limit, value, schema, path)
            elif keyword in _ASSERTIONS and not isinstance(limit, bool):
                self._budget.take()
                exclusive = _EXCLUSIVE.get(keyword)
                name = exclusive if exclusive and schema.get(exclusive) is True else keyword
                kind, holds = _ASSERTIONS[name]
                if isinstance(value, kind) and not isinstance(value, bool) and not holds(value, limit):
                    self.violations.append(Violation(path, name, limit))

    def _compare(self, keyword: str, limit: Any, value: Any, schema: Schema, path: Path) -> None:
        try:
            if not _COMPARISONS[keyword](self, value, limit, schema):
                self.violations.append(Violation(path, keyword, limit, isinstance(value, _NUMBER)))
        except PatternError as fault:
            self.violations.append(Violation(path, "unmatchable", (limit, str(fault))))
        except _Undecided:
            self.undecided = True

    def has_type(self, value: Any, name: str, schema: Schema) -> bool:
        if value is None:
            return schema.get("nullable") is True
        if isinstance(value, bool):
            return name == "boolean"
        return isinstance(value, _TYPES[name])

    def matches(self, value: Any, pattern: str, _: Schema) -> bool:
        return not isinstance(value, str) or self._budget.search(pattern, value)

    def is_listed(self, value: Any, listed: list[Any], _: Schema) -> bool:
        if id(listed) not in self._enums:
            self._enums[id(listed)] = frozenset(map(self._comparable, listed))
        return self._comparable(value) in self._enums[id(listed)]

    def is_unique(self, value: Any, unique: bool, _: Schema) -> bool:  # noqa: FBT001 - the keyword's value
        if not unique or not isinstance(value, list):
            return True
        seen, undecided = set(), False
        for item in value:
            try:
                comparable = self._comparable(item)
            except _Undecided:
                undecided = True
                continue
            if comparable in seen:
                return False
            seen.add(comparable)
        if undecided:
            raise _Undecided
        return True

    def _comparable(self, value: Any) -> Hashable:
        """As `comparable`. Raises _Undecided where there is an unknown value."""
        waiting = [value]
        while waiting:
            part = waiting.pop()
            if part is self._unknown:
                raise _Undecided
            if isinstance(part, dict | list):
                self._budget.take(walked=len(part))
                waiting += part.values() if isinstance(part, dict) else part
        return comparable(value)

    def _check_members(self, value: dict[str, Any], schema: Schema, path: Path, *, closed: bool) -> None:
        declared: Mapping[str, Any] = schema.get("properties", {})
        others = other_members(schema) if closed else schema.get("additionalProperties", True)
        for name, member in value.items():
            if name in declared:
                self.check(member, declared[name], (*path, name), closed=closed)
            elif others is False:
                self.violations.append(Violation((*path, name), "undeclared", declared))
            else:
                self.check(member, others, (*path, name), closed=closed)
        required = schema.get("required", ())
        self._budget.take(0, walked=len(required))
        for name in required:
            if name not in value and not self._is_read_only(declared.get(name)):
                self.violations.append(Violation((*path, name), "required"))

    def _is_read_only(self, schema: Any) -> bool:
        """Of a property that only answers have; a spec is a request."""
        return isinstance(schema, Mapping) and self._references.resolve(schema).get("readOnly") is True

    def all_of(self, value: Any, schemas: Iterable[Any], path: Path) -> None:
        for schema in schemas:
            self.check(value, schema, path, closed=False)

    def any_of(self, value: Any, schemas: Iterable[Any], path: Path) -> None:
        self._settle(_any(self._fits(value, schema, path) for schema in schemas), path, "anyOf")

    def one_of(self, value: Any, schemas: Iterable[Any], path: Path) -> None:
        fitting = [self._fits(value, schema, path) for schema in schemas]
        if fitting.count(True) > 1:
            self.violations.append(Violation(path, "oneOf", None))
        else:
            fits_one = None if None in fitting else True in fitting
            self._settle(fits_one, path, "oneOf" if any(each is not False for each in fitting) else "anyOf")

    def excludes(self, value: Any, schema: Any, path: Path) -> None:
        fits = self._fits(value, schema, path)
        self._settle(None if fits is None else not fits, path, "not")

    def _fits(self, value: Any, schema: Any, path: Path) -> bool | None:
        """Whether the value fits; None if that depends on an unknown value."""
        inner = _Validation(self._references, self._budget, self._unknown)
        inner.check(value, schema, path, closed=False)
        return False if inner.violations else None if inner.undecided else True

    def _settle(self, holds: bool | None, path: Path, keyword: str) -> None:  # noqa: FBT001 - a verdict
        if holds is None:
            self.undecided = True
        elif not holds:
            self.violations.append(Violation(path, keyword, None))


def _any(verdicts: Iterable[bool | None]) -> bool | None:
    undecided = False
    for verdict in verdicts:
        if verdict:
            return True
        undecided |= verdict is None
    return None if undecided else False


_COMPARISONS: Mapping[str, Callable[[_Validation, Any, Any, Schema], bool]] = {
    "type": _Validation.has_type,
    "pattern": _Validation.matches,
    "enum": _Validation.is_listed,
    "uniqueItems": _Validation.is_unique,
}
"""The keywords that need more than the value and their own."""

_COMPOSITIONS: Mapping[str, Callable[[_Validation, Any, Any, Path], None]] = {
    "allOf": _Validation.all_of,
    "anyOf": _Validation.any_of,
    "oneOf": _Validation.one_of,
    "not": _Validation.excludes,
}
