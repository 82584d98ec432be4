"""How a violation of a schema is worded: its path, and what the schema asks for there.

Never the value: the API marks specs as sensitive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

_MAX_LISTED = 100
_MAX_QUOTED = 500
"""Characters of one violation, which quotes the schema, and of the names that it lists."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)

Path: TypeAlias = "tuple[str | int, ...]"
"""Where a value is: what messages call the whole, then names of members and indices of items."""

_REASONS = {
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
    "required": "is required",
    "undeclared": "is not an input of the template{0}",
    "anyOf": "fits none of the alternatives that the schema allows",
    "oneOf": "must fit exactly one of the alternatives that the schema allows",
    "not": "has a form that the schema excludes",
    "unmatchable": "cannot be matched: the pattern {0[0]} of the schema {0[1]}",
}
"""What a keyword of the schema asks for; {0} is the keyword's own value."""

_A_TYPE = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


class Violation(NamedTuple):
    """One way in which a value does not fit a schema."""

    path: Path
    keyword: str
    """The keyword of the schema; or "undeclared", "unmatchable"."""
    limit: Any = None
    """The keyword's own value."""
    scalar: bool = False
    """Whether the value is a number or a truth value, which quotes would make a string."""

    @property
    def place(self) -> str:
        """The path as messages write it: `spec.subnets[0].name`."""
        return f"{self.path[0]}{''.join(map(_step, self.path[1:]))}"

    @property
    def reason(self) -> str:
        """What the schema asks for."""
        limit = self.limit
        if self.keyword == "type":
            limit = _A_TYPE[limit] + (" (put it in quotes)" if limit == "string" and self.scalar else "")
        elif self.keyword == "enum":
            limit = ", ".join(map(_plain, limit))
        elif self.keyword == "undeclared":
            limit = f" (known: {quoted(limit)})" if limit else ""
        elif self.keyword == "minLength" and limit == 1:
            return "must not be empty"
        return _REASONS[self.keyword].format(limit)

    def __str__(self) -> str:
        """Path and reason."""
        return _cut(f"{self.place}: {self.reason}")


def listed(clauses: Iterable[object]) -> list[str]:
    """Each clause or violation once, as text; of very many the first, and how many more there are."""
    texts = list(dict.fromkeys(map(str, clauses)))
    more = len(texts) - _MAX_LISTED
    return texts if more <= 0 else [*texts[:_MAX_LISTED], f"and {more} more"]


def quoted(names: Iterable[str]) -> str:
    """Names as messages list them."""
    return _cut(", ".join(f"'{name}'" for name in names))


def _step(part: str | int) -> str:
    if isinstance(part, str) and _PLAIN_NAME.fullmatch(part):
        return f".{part}"
    return f"[{json.dumps(part, ensure_ascii=False)}]"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
