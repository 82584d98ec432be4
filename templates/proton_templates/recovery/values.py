"""Values of inputs: which ones a piece of text may have been rendered from, and which fit a schema at all."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Any

from proton_templates.recovery.inputs import Inputs, Path

_INTEGER = re.compile(r"-?\d{1,400}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?", re.ASCII)
_MAX_LITERAL = 50_000
_MAX_DEPTH = 40
_BRACKETS = {"array": ("[", "]"), "object": ("{", "}")}
_CLOSING = {"[": "]", "{": "}", "(": ")"}

_EXAMPLES = (
    *("a", "b", "A", "0", "1", "aaaaaaaa", "example", "10.0.0.0/16", "10.0.0.1", "us-east-1", "us-east-1a"),
    *("t3.micro", "example.com", "https://example.com", "a@example.com", "123456789012", "2026-01-01"),
    *("2026-01-01T00:00:00Z", "vpc-12345678", "subnet-12345678", "ami-12345678", "::1", "1.0.0", "YQ=="),
    *("00000000-0000-4000-8000-000000000000", "arn:aws:iam::123456789012:role/example", "rate(1 day)"),
)
"""Texts that patterns and formats of inputs of templates often ask for."""


def readings(inputs: Inputs, path: Path, text: str) -> Iterator[Any]:
    """The values that render as a text, of the types that the schema allows at a path; likely ones first."""
    schema = inputs.at(path)
    if "enum" in schema and isinstance(schema["enum"], list):
        yield from (value for value in schema["enum"] if str(value) == text)
        return
    kind = inputs.kind(path)
    if kind in (None, "string"):
        yield text
    if kind in (None, "integer", "number"):
        yield from _numbers(text, integers_only=kind == "integer")
    if kind in (None, "boolean") and text in ("True", "False"):
        yield text == "True"
    if kind in (None, "array", "object") and text[:1] in ("[", "{") and (value := _literal(text)) is not None:
        yield value
    if text == "None" and (schema.get("nullable") is True or not schema.get("type")):
        yield None


def _numbers(text: str, *, integers_only: bool) -> Iterator[int | float]:
    if _INTEGER.fullmatch(text) and str(number := int(text)) == text:
        yield number
    elif not integers_only and _NUMBER.fullmatch(text):
        value = float(text)
        if math.isfinite(value) and str(value) == text:
            yield value


def _literal(text: str) -> Any:
    """The list or mapping that Python writes as this text, or None."""
    if len(text) > _MAX_LITERAL or literal_end(text, 0) != len(text):
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, (list, dict)) and str(value) == text else None


def literal_end(text: str, start: int) -> int:
    """Where the list or mapping ends that begins here, as Python or JSON write it; -1 if it does not."""
    closing: list[str] = []
    at = start
    while at < len(text) and at - start <= _MAX_LITERAL:
        character = text[at]
        if character in "'\"":
            at = _quoted_end(text, at)
            if at < 0:
                return -1
            continue
        if character in _CLOSING:
            closing.append(_CLOSING[character])
            if len(closing) > _MAX_DEPTH:
                return -1
        elif closing and character == closing[-1]:
            closing.pop()
            if not closing:
                return at + 1
        if not closing:
            return -1
        at += 1
    return -1


def _quoted_end(text: str, start: int) -> int:
    at, limit = start + 1, min(len(text), start + _MAX_LITERAL)
    while at < limit and text[at] != text[start]:
        at += 2 if text[at] == "\\" else 1
    return at + 1 if at < limit else -1


def ends(inputs: Inputs, path: Path, text: str, start: int) -> list[int] | None:
    """Where the text of an input may end that begins at `start`; None where only what follows can say it."""
    schema, kind = inputs.at(path), inputs.kind(path)
    if isinstance(schema.get("enum"), list):
        lengths = {len(str(value)) for value in schema["enum"] if text.startswith(str(value), start)}
        return [start + length for length in sorted(lengths, reverse=True)]
    found: list[int] | None = None
    if kind == "boolean":
        found = [start + len(word) for word in ("True", "False") if text.startswith(word, start)]
    elif kind in ("integer", "number"):
        match = (_INTEGER if kind == "integer" else _NUMBER).match(text, start)
        found = [*range(match.end(), start, -1)] if match else []
    elif kind in _BRACKETS:
        end = literal_end(text, start) if text.startswith(_BRACKETS[kind][0], start) else -1
        found = [end] if end > 0 else []
    if found is not None and schema.get("nullable") is True and text.startswith("None", start):
        found.append(start + 4)
    return found


def examples(inputs: Inputs, path: Path, depth: int = 0) -> Iterator[Any]:
    """Values that fit the schema at a path, the default first."""
    schema = inputs.at(path)
    for value in _proposed(inputs, path, depth):
        if inputs.fits(path, value) or ("default" in schema and value is schema["default"]):
            yield value


def _proposed(inputs: Inputs, path: Path, depth: int) -> Iterator[Any]:
    schema = inputs.at(path)
    if "default" in schema:
        yield schema["default"]
    if isinstance(schema.get("enum"), list):
        yield from schema["enum"][:50]
        return
    kind = inputs.kind(path)
    if kind in ("boolean", None):
        yield from (False, True)
    if kind in ("integer", "number"):
        yield from _numbers_near(schema)
    if kind in ("string", None):
        yield from _texts(schema)
    if kind == "array" and depth < _MAX_DEPTH:
        yield from _lists(inputs, path, depth)
    if kind == "object" and depth < _MAX_DEPTH:
        yield from _objects(inputs, path, depth)


def _numbers_near(schema: Any) -> Iterator[int | float]:
    given = [schema[word] for word in ("minimum", "maximum", "multipleOf") if word in schema]
    for number in given:
        yield from (number, number + 1, number - 1)
    yield from (0, 1, 2, 3, 10)


def _texts(schema: Any) -> Iterator[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000)
    for text in _EXAMPLES:
        yield text.ljust(least, "a")[:most] if least < _MAX_LITERAL else text
    yield ""


def _lists(inputs: Inputs, path: Path, depth: int) -> Iterator[list[Any]]:
    least = inputs.at(path).get("minItems", 0)
    if least > 100:
        return
    items: list[Any] = []
    for item in examples(inputs, (*path, 0), depth + 1):
        if item not in items:
            items.append(item)
        if len(items) > least + 1:
            break
    if not least:
        yield []
    if items:
        repeated = (items * (least + 2))[: least + 2]
        distinct = len(items) >= least
        yield (items if distinct else repeated)[:least] or items[:1]
        yield (items if distinct else repeated)[: least + 1]


def _objects(inputs: Inputs, path: Path, depth: int) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {}
    for name in inputs.at(path).get("required", ()):
        value = next(examples(inputs, (*path, name), depth + 1), None)
        if value is None:
            return
        made[name] = value
    yield made
    if not inputs.members(path) and inputs.is_open(path):
        yield {"a": next(examples(inputs, (*path, "a"), depth + 1), "a")}
