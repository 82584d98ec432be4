"""AWS JSON 1.0, driven by botocore's own service model, and one of ours: the only file that knows the wire.

Requests are checked against the model in full and responses are cut to it, so an operation sees only members
that exist and returns records as they are stored. Nothing here knows what an operation does, and nothing
here calls AWS: the model is data.

A message never shows the value of a shape that the model marks sensitive (specs, descriptions).
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from proton_server.operations.errors import (
    SerializationException,
    UnknownOperationException,
    ValidationException,
)
from proton_server.persistence.databases import STORABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT_TYPE = "application/x-amz-json-1.0"
MAX_BODY_BYTES = 1024 * 1024
"""No request comes near: the largest members are a spec of 51,200 characters and 50 tags."""

MODELS = Path(__file__).parent / "models"
"""A folder as botocore's loaders search it, with the model of our own operations."""


def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader([str(MODELS)]).load_service_model(service, "service-2"), service)


_MODEL = _model("proton")
TARGET_PREFIX = f"{_MODEL.metadata['targetPrefix']}."
_MODELS = {model.metadata["targetPrefix"]: model for model in (_MODEL, _model("proton-server"))}
"""By what an `X-Amz-Target` begins with."""


def names_proton(target: str) -> bool:
    """Whether an `X-Amz-Target` header is for Proton or this server, whatever operation it names, if any."""
    return target.partition(".")[0] in _MODELS


def operation_of(target: str) -> OperationModel:
    """The operation that an `X-Amz-Target` header names, which `names_proton`.

    Raises UnknownOperationException for a name Proton never had.
    """
    service, _, name = target.partition(".")
    model = _MODELS[service]
    if name not in model.operation_names:
        whose = model.metadata["serviceFullName"]
        raise UnknownOperationException(f"{whose} has no operation {_shortened(name)!r}.")
    return model.operation_model(name)


def parse(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """The checked input of an operation: only members of the model, null members left out.

    Raises SerializationException (no JSON object) and ValidationException (the first violations in one
    message, in AWS's own words).
    """
    document = _decode(body)
    violations = list(islice(_violations(operation.input_shape, document, ""), _MAX_VIOLATIONS + 1))
    if violations:
        shown = violations[:_MAX_VIOLATIONS]
        count = f"{'More than ' if len(violations) > len(shown) else ''}{len(shown)} validation error"
        raise ValidationException(f"{count}{'s' if len(shown) > 1 else ''} detected: {'; '.join(shown)}")
    return document


def serialise(operation: OperationModel, response: Mapping[str, Any]) -> bytes:
    """The response of an operation, cut to the model; timestamps stay epoch seconds."""
    return json.dumps(_cut(operation.output_shape, response)).encode()


def serialise_error(code: str, message: str) -> bytes:
    """The body of an error response."""
    return json.dumps({"__type": code, "message": message}).encode()


def _decode(body: bytes) -> dict[str, Any]:
    try:
        document = _without_nulls(json.loads(body or b"{}", parse_constant=_refuse_constant))
    except ValueError:
        raise SerializationException("The request body is not a JSON document in UTF-8.") from None
    except RecursionError:
        raise SerializationException("The request body is nested too deeply.") from None
    if not isinstance(document, dict):
        raise SerializationException("The request body is not a JSON object.")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


_PYTHON_TYPES: dict[str, Any] = {
    "structure": dict,
    "list": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}
"""Every type that occurs in an input of Proton; a new one fails loudly, with a KeyError."""


_MAX_VIOLATIONS = 10
_MAX_SHOWN = 100
"""How many violations a message has, and how many characters of a wrong value or name."""


def _violations(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    if shape is None:
        return
    if type(value) is not _PYTHON_TYPES[shape.type_name]:
        yield f"Value at '{path}' failed to satisfy constraint: Member must be of type {shape.type_name}"
    elif isinstance(shape, StructureShape):
        yield from _structure_violations(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _limit_violations(shape, len(value), f"Value at '{path}'", "length")
        for number, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")
    else:
        yield from _scalar_violations(shape, value, path)


def _structure_violations(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{prefix}{name}' failed to satisfy constraint: Member must not be null"
    if shape.is_tagged_union and len(value) != 1:
        yield f"Value at '{path}' failed to satisfy constraint: Exactly one member must be set"
    for name, member in value.items():
        if name in shape.members:
            yield from _violations(shape.members[name], member, f"{prefix}{name}")
        else:
            shown = f"Value at '{prefix}{_shortened(name)}'"
            yield f"{shown} failed to satisfy constraint: Member is not known"


def _scalar_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    sensitive = shape.metadata.get("sensitive")
    shown = f"Value at '{path}'" if sensitive else f"Value '{_shortened(str(value))}' at '{path}'"
    if isinstance(value, str):
        yield from _text_violations(shape, value, shown, path)
    elif not isinstance(value, bool):
        yield from _limit_violations(shape, value, shown, "value")


def _text_violations(shape: Shape, value: str, shown: str, path: str) -> Iterator[str]:
    if not STORABLE.fullmatch(value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be Unicode text without NUL"
    yield from _limit_violations(shape, len(value), shown, "length")
    allowed, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if allowed and value not in allowed:
        allowed_set = ", ".join(allowed)
        yield f"{shown} failed to satisfy constraint: Member must satisfy enum value set: [{allowed_set}]"
    # Some patterns take seconds, or hours, for what is much longer than a value may be.
    short_enough = len(value) <= shape.metadata.get("max", len(value))
    if pattern and short_enough and not _compiled(pattern).fullmatch(value):
        must = "Member must satisfy regular expression pattern"
        yield f"{shown} failed to satisfy constraint: {must}: {pattern}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _limit_violations(shape: Shape, size: int, shown: str, measure: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    must = f"{shown} failed to satisfy constraint: Member must have {measure}"
    if low is not None and size < low:
        yield f"{must} greater than or equal to {low}"
    if high is not None and size > high:
        yield f"{must} less than or equal to {high}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The model's patterns are Java's, where \d and \w are ASCII.
    return re.compile(pattern, re.ASCII)


def _cut(shape: Shape | None, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            name: _cut(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_cut(shape.member, item) for item in value]
    return value if shape is not None else {}
