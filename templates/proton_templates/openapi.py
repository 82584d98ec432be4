"""OpenAPI 3.0 schemas written by strangers, on values of other strangers, in a bounded number of steps.

jsonschema's validator for OpenAPI 3.0, with what a stranger could use to stop a process taken out: patterns
run as `patterns.py` says, items are compared by hash instead of each with each, and every keyword that is
looked at counts, since references in `allOf` can double thirty times within one page of YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from proton_templates import patterns

MAX_STEPS = 200_000
"""Keywords looked at, or values filled in. The longest spec has some ten thousand values."""


class TooManySteps(ValueError):
    """A value cannot be checked or completed within `MAX_STEPS`."""


class Steps:
    """Counts what is done for one value."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def take(self) -> None:
        """One more. Raises TooManySteps at the end."""
        self._left -= 1
        if self._left < 0:
            raise TooManySteps(f"takes more than {MAX_STEPS:,} steps")


_STEPS: ContextVar[Steps] = ContextVar("steps")

_Keyword = Callable[[Any, Any, Any, Any], "Iterable[ValidationError] | None"]


def violations(value: Any, schema: Mapping[str, Any], *, formats: bool = True) -> list[ValidationError]:
    """Every way in which a value does not fit a schema, in order of their paths.

    A pattern that cannot be decided on its value counts as violated, with the reason as the error's `cause`.
    Raises TooManySteps, and RecursionError for a schema that refers to itself without end.
    """
    token = _STEPS.set(Steps())
    try:
        errors = _Validator(schema, format_checker=_FORMATS if formats else None).iter_errors(value)
        return sorted(errors, key=lambda error: [str(key) for key in error.absolute_path])
    finally:
        _STEPS.reset(token)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises jsonschema's SchemaError for what is no schema of OpenAPI 3.0."""
    _Validator.check_schema(_without_empty_required(schema), format_checker=_REGEX_ONLY)


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


def _counted(keyword: _Keyword) -> _Keyword:
    def check(validator: Any, limit: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
        _STEPS.get().take()
        return keyword(validator, limit, value, schema)

    return check


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    del schema
    if not validator.is_type(value, "string"):
        return
    try:
        if not patterns.search(pattern, value):
            yield ValidationError("does not match")
    except patterns.PatternError as fault:
        yield ValidationError("cannot be matched", cause=fault)


def _unique_items(validator: Any, unique: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    del schema
    if unique and validator.is_type(value, "array") and len({_hashable(item) for item in value}) < len(value):
        yield ValidationError("has non-unique elements")


def _hashable(value: Any) -> Any:
    """Equal for what JSON Schema calls equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, dict):
        return "object", frozenset((name, _hashable(member)) for name, member in value.items())
    if isinstance(value, list):
        return "array", tuple(map(_hashable, value))
    return ("boolean", value) if isinstance(value, bool) else value


def _additional_properties(validator: Any, others: Any, value: Any, schema: Any) -> Any:
    # OpenAPI 3.0 has no patternProperties, yet jsonschema would run them, with Python's own engine.
    declared = {name: member for name, member in schema.items() if name != "patternProperties"}
    return OAS30Validator.VALIDATORS["additionalProperties"](validator, others, value, declared)


_OWN: Mapping[str, _Keyword] = {
    "pattern": _pattern,
    "uniqueItems": _unique_items,
    "additionalProperties": _additional_properties,
}


def _is_pattern(value: object) -> bool:
    if isinstance(value, str):
        patterns.check(value)
    return True


def _formats(names: Iterable[str]) -> FormatChecker:
    """OpenAPI's formats, of which "regex" means what `pattern` takes."""
    checker = FormatChecker(())
    checker.checkers = {name: oas30_format_checker.checkers[name] for name in names}
    checker.checkers["regex"] = (_is_pattern, patterns.PatternError)
    return checker


_FORMATS = _formats(oas30_format_checker.checkers)
_REGEX_ONLY = _formats(())


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    OAS30Validator,
    {name: _counted(keyword) for name, keyword in {**OAS30Validator.VALIDATORS, **_OWN}.items()},
)
