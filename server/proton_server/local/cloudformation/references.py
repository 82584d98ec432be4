"""What a template's expressions mention, without evaluating them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.intrinsics import VARIABLE, function_of, get_att_parts


class Reference(NamedTuple):
    """One mention of a parameter or resource: by Ref (no attribute) or by Fn::GetAtt."""

    name: str
    attribute: str | None = None


def references(value: Any, conditions: Mapping[str, bool] | None = None) -> Iterator[Reference]:
    """Every parameter and resource that `value` mentions; given `conditions`, only in the branches taken."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, conditions)
    elif isinstance(value, dict):
        name, argument = function_of(value)
        if name == "Ref":
            yield Reference(str(argument))
        elif name == "Fn::GetAtt":
            yield from _references_in_get_att(argument, conditions)
        elif name == "Fn::Sub":
            yield from _references_in_sub(argument, conditions)
        elif (
            name == "Fn::If" and conditions is not None and isinstance(argument, list) and len(argument) == 3
        ):
            yield from references(argument[1 if conditions.get(str(argument[0])) else 2], conditions)
        else:
            yield from references(list(value.values()), conditions)


def _references_in_get_att(argument: Any, conditions: Mapping[str, bool] | None) -> Iterator[Reference]:
    resource, attribute = get_att_parts(argument)
    yield Reference(resource, attribute if isinstance(attribute, str) else None)
    yield from references(attribute, conditions)


def _references_in_sub(argument: Any, conditions: Mapping[str, bool] | None) -> Iterator[Reference]:
    text, variables = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    if not isinstance(variables, dict):
        raise TemplateError("Template error: every Fn::Sub object must have a map of variables, if any")
    yield from references(variables, conditions)
    for written in VARIABLE.findall(str(text)):
        name = written.strip()
        if name in variables:
            continue
        resource, _, attribute = name.partition(".")
        yield Reference(resource, attribute or None)
