"""Removes secret values from messages: AWS's own may quote a template's inputs. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from aws_proton_provider.core.facts import secret_paths
from aws_proton_provider.core.values import State, Value

_PLACE = "[secret]"

_SHORTEST, _SHORTEST_ANYWHERE = 3, 6
"""Characters. A value shorter than the first is part of most words, and is not removed; one below the second
is removed only where it is a whole word."""


def redacted(message: str, *states: State) -> str:
    """`message` without the values that are secret in `states` (inputs or whole states)."""
    values = {
        text
        for state in states
        for path in secret_paths(state)
        if path[0] in state
        for text in _at(state, path)
    }
    for text in sorted(values, key=len, reverse=True):
        # Messages have their white space folded, and may hold the value as JSON has it.
        for form in dict.fromkeys((text, " ".join(text.split()), json.dumps(text)[1:-1])):
            if len(form) < _SHORTEST:
                continue
            pattern = re.escape(form)
            if len(form) < _SHORTEST_ANYWHERE:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            message = re.sub(pattern, _PLACE, message)
    return message


def _at(value: Value, path: Sequence[str]) -> Iterator[str]:
    """The texts at a path; where it leads nowhere (a spec's document was unwrapped), all from there on."""
    if path and isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
    elif path and isinstance(value, list) and path[0].isdigit() and int(path[0]) < len(value):
        yield from _at(value[int(path[0])], path[1:])
    else:
        yield from _texts(value)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
