"""The values that travel between Pulumi and AWS: plain JSON-like data, in which anything may be unknown.

Pure; nothing here knows of Pulumi or of AWS. Adapters translate Pulumi's own unknowns into `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Value = Any
"""JSON-like data: None, bool, int, float, str, list, dict, or `UNKNOWN` in the place of any of them."""

State = dict[str, Value]
"""The properties of one resource by wire name, inputs and outputs together, as Pulumi stores them."""


class _Unknown:
    """Stands for a value that only the update will know (an output of a resource not yet created)."""

    _only: _Unknown | None = None

    def __new__(cls) -> _Unknown:  # noqa: PYI034 - there is only the one
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __deepcopy__(self, _memo: object) -> _Unknown:
        return self

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


def path(parts: Iterable[str | int]) -> str:
    """The way to a place below a value, as messages write it: `.users[0].name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def has_unknown(value: Value) -> bool:
    """Whether `value` is unknown or holds an unknown anywhere."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return value is UNKNOWN


def normalised(value: Value) -> Value:
    """A copy of `value` as the program meant it.

    Pulumi carries every number as a double, so `3` comes back as `3.0`: whole floats become integers again.
    An empty place (None) in a mapping is the same as no place, as Pulumi itself treats it.
    """
    if isinstance(value, dict):
        return {str(key): normalised(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [normalised(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def same(one: Value, other: Value) -> bool:
    """Whether two normalised values mean the same. Unknown is the same as nothing; True is not 1."""
    if one is UNKNOWN or other is UNKNOWN:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
