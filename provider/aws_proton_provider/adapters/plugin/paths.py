"""A change as Pulumi's `detailedDiff` names it."""

from __future__ import annotations

import re

from pulumi.runtime.proto import provider_pb2 as messages

from aws_proton_provider.core.changes import Effect, PathChange

_Kind = messages.PropertyDiff.Kind
_KINDS = {
    (Effect.ADD, False): _Kind.ADD,
    (Effect.ADD, True): _Kind.ADD_REPLACE,
    (Effect.DELETE, False): _Kind.DELETE,
    (Effect.DELETE, True): _Kind.DELETE_REPLACE,
    (Effect.UPDATE, False): _Kind.UPDATE,
    (Effect.UPDATE, True): _Kind.UPDATE_REPLACE,
}


def property_diff(change: PathChange) -> messages.PropertyDiff:
    """What happens at a path; the old value is the one in the state's outputs, as AWS has it."""
    return messages.PropertyDiff(kind=_KINDS[change.effect, change.replaces], inputDiff=False)


def property_path(parts: tuple[str | int, ...]) -> str:
    """A path as Pulumi writes it: `spec.ports[0]["a.b"]` (sdk/go/common/resource/properties_path.go)."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[^.\[\]\"]+", part):
            text += f".{part}" if text else part
        else:
            # A backslash means itself, but for one before a quotation mark.
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
    return text
