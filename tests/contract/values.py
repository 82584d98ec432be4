"""Pulumi's values as its engine has them, and on the wire: independent of the plugin's own codec.

What is secret or unknown is marked on the wire as sdk/go/common/resource/plugin/rpc.go does it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format, struct_pb2

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""A value that is not known before something else is made: a text that nothing else is."""


@dataclasses.dataclass(frozen=True)
class Secret:
    """A value that Pulumi encrypts in its state and does not show."""

    value: Any


def to_wire(value: dict[str, Any], *, secrets: bool = True) -> struct_pb2.Struct:
    """A message of these properties; without `secrets`, as for a provider that does not accept them."""
    return json_format.ParseDict(_marked(value if secrets else revealed(value)), struct_pb2.Struct())


def _marked(value: Any) -> Any:
    if isinstance(value, Secret):
        return {_SIGNATURE: _SECRET, "value": _marked(value.value)}
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value


def from_wire(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties in a message."""
    found: dict[str, Any] = _read(json_format.MessageToDict(struct))
    return found


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return Secret(_read(value["value"]))
        return {key: _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def revealed(value: Any) -> Any:
    """The value with every secret in plain text."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def without_nulls(value: Any) -> Any:
    """The properties as a program sends them: a property that is None is not there."""
    if isinstance(value, Secret):
        return Secret(without_nulls(value.value))
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def secret_paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Where there are secrets: `["spec", "password"]`."""
    if isinstance(value, Secret):
        yield list(path)
        return
    inside = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for key, item in inside:
        yield from secret_paths(item, (*path, str(key)))


def keep_secrets(after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """`after`, where what was secret in `before` is secret again (the engine's `annotateSecrets`)."""
    kept = dict(after)
    for key in after.keys() & before.keys():
        if isinstance(after[key], dict) and isinstance(before[key], dict):
            kept[key] = keep_secrets(after[key], before[key])
        elif not isinstance(after[key], Secret) and list(secret_paths(before[key])):
            kept[key] = Secret(after[key])
    return kept
