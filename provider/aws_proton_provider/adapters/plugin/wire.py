"""Pulumi's values on the wire (protobuf `Struct`) and the core's: unknowns and secrets are objects there.

The signatures are those of Pulumi's SDKs (sdk/go/common/resource/plugin/rpc.go); nothing but them makes a
value unknown or secret.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from google.protobuf import struct_pb2

from aws_proton_provider.core.values import UNKNOWN, State, Value

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - it says what is secret, and is none
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS = frozenset(
    {
        _UNKNOWN,  # of a text, and of any type
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)

SecretPath = list[str]
"""Where a secret is in an object: keys, and indices as text, since facts hold these paths."""


def decode(struct: struct_pb2.Struct | None) -> tuple[State, list[SecretPath]]:
    """The object in a message, and where in it there are secrets.

    As Pulumi itself treats it, an empty place in a mapping is no place; whole numbers are integers again.
    """
    secrets: list[SecretPath] = []
    return ({} if struct is None else _object(struct, (), secrets)), secrets


def encode(state: State, secrets: Iterable[Sequence[str]] = ()) -> struct_pb2.Struct:
    """A state or inputs as a message, with secrets at these paths.

    Of a path that leads nowhere (a spec's document was unwrapped) the last place that exists is a secret.
    """
    struct = struct_pb2.Struct()
    _fill(struct, state, [path for path in secrets if path])
    return struct


def _object(struct: struct_pb2.Struct, path: tuple[str, ...], secrets: list[SecretPath]) -> State:
    found = {}
    for key, value in struct.fields.items():
        item = _value(value, (*path, key), secrets)
        if item is not None:
            found[key] = item
    return found


def _value(value: struct_pb2.Value, path: tuple[str, ...], secrets: list[SecretPath]) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
            secrets.append(list(path))
            return _value(fields["value"], path, [])
        return _object(value.struct_value, path, secrets)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "list_value":
        items = enumerate(value.list_value.values)
        return [_value(item, (*path, str(index)), secrets) for index, item in items]
    return value.bool_value if kind == "bool_value" else None


def _fill(struct: struct_pb2.Struct, values: State, secrets: Collection[Sequence[str]]) -> None:
    for key, value in values.items():
        below = [path[1:] for path in secrets if path[0] == key]
        _set(struct.fields[key], value, below)


def _set(target: struct_pb2.Value, value: Any, secrets: Collection[Sequence[str]]) -> None:
    if secrets and any(not _leads_on(value, path) for path in secrets):
        target.struct_value.fields[_SIGNATURE].string_value = _SECRET
        _set(target.struct_value.fields["value"], value, ())
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        _fill(target.struct_value, value, secrets)
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for index, item in enumerate(value):
            below = [path[1:] for path in secrets if path[0] == str(index)]
            _set(target.list_value.values.add(), item, below)
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN
    elif isinstance(value, bool):
        target.bool_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    else:
        target.number_value = value


def _leads_on(value: Any, path: Sequence[str]) -> bool:
    """Whether a path below a value leads to one inside it."""
    if not path:
        return False
    if isinstance(value, dict):
        return path[0] in value
    return isinstance(value, list | tuple) and path[0].isdigit() and int(path[0]) < len(value)
