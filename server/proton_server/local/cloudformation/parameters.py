"""A stack's parameters: what the template declares and the caller gives, as values for the template.

Pure; SSM parameters are read through a callable. Messages are CloudFormation's.

Source: AWS CloudFormation User Guide, "CloudFormation template Parameters syntax".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.intrinsics import as_text
from proton_server.local.cloudformation.template_text import check_text
from proton_templates import patterns

_MAX_LENGTH = 4096
_SSM = "AWS::SSM::Parameter::Value<"


_NUMBER = re.compile(r"[-+]?[0-9]{1,300}(\.[0-9]{0,300})?")


def resolve_parameters(
    declared: Mapping[str, Any], given: Mapping[str, str], read_ssm: Callable[[str], str]
) -> dict[str, Any]:
    """The value of every declared parameter: text, a number, or a list of either.

    Args:
        declared: the template's Parameters section.
        given: the caller's values, as text.
        read_ssm: name of an SSM parameter -> its value, for types ``AWS::SSM::Parameter::Value<…>``.

    Raises:
        TemplateError: a value is missing, not declared, or breaks a declared constraint.

    """
    if unknown := sorted(given.keys() - declared.keys()):
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := [name for name, slot in declared.items() if name not in given and "Default" not in slot]:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    values = {}
    for name, slot in declared.items():
        type_ = slot.get("Type")
        if not isinstance(type_, str):
            raise TemplateError(
                f"Template format error: Every Parameters object must contain a Type member: {name} has none."
            )
        text = check_text(as_text(given[name] if name in given else slot["Default"]))
        if len(text) > _MAX_LENGTH:
            raise TemplateError(f"Parameter '{name}' must contain at most {_MAX_LENGTH} characters")
        if type_.startswith(_SSM):
            text, type_ = read_ssm(text), type_[len(_SSM) : -1]
        values[name] = _typed(name, type_, text)
        _check(name, slot, text, values[name])
    return values


def shown_parameters(declared: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The parameters as DescribeStacks shows them: NoEcho ones are hidden."""
    return [
        {"ParameterKey": name, "ParameterValue": "****" if _no_echo(declared[name]) else as_text(value)}
        for name, value in values.items()
    ]


def _no_echo(slot: Mapping[str, Any]) -> bool:
    return as_text(slot.get("NoEcho", False)).lower() == "true"


def _typed(name: str, type_: str, text: str) -> Any:
    if type_ == "CommaDelimitedList" or type_.startswith("List<"):
        items = [item.strip() for item in text.split(",")] if text else []
        return [_number(name, item) for item in items] if type_ == "List<Number>" else items
    if type_ == "Number":
        return _number(name, text)
    if type_ != "String" and not type_.startswith("AWS::"):
        raise TemplateError(f"Template format error: Unrecognized parameter type: {type_}")
    return text


def _number(name: str, text: str) -> int | float:
    try:
        number: int | float = float(text) if re.search(r"[.eE]", text) else int(text)
        if math.isfinite(float(number)):
            return number
    except (ValueError, OverflowError):
        pass
    raise TemplateError(f"Parameter validation failed: parameter value for {name} must be a number")


def _all_match(name: str, pattern: str, texts: list[str]) -> bool:
    try:
        return all(patterns.fullmatch(pattern, text) for text in texts)
    except patterns.PatternError as error:
        raise TemplateError(
            f"Template validation error: AllowedPattern of parameter {name} {error}"
        ) from None


def _check(name: str, slot: Mapping[str, Any], text: str, value: Any) -> None:
    allowed = slot.get("AllowedValues")
    if not isinstance(allowed, list | None):
        raise TemplateError(f"Template format error: AllowedValues of parameter {name} must be a list.")
    items = value if isinstance(value, list) else [text]
    if allowed is not None and not {as_text(i) for i in items} <= {as_text(item) for item in allowed}:
        raise TemplateError(f"Parameter '{name}' must be one of AllowedValues")
    pattern = slot.get("AllowedPattern")
    if pattern is not None and not _all_match(name, as_text(pattern), [as_text(item) for item in items]):
        raise TemplateError(
            slot.get("ConstraintDescription") or f"Parameter '{name}' must match pattern {pattern}"
        )
    bounds = (
        ("MinLength", len(text), 1, "must contain at least {} characters"),
        ("MaxLength", len(text), -1, "must contain at most {} characters"),
        ("MinValue", value, 1, "must be a number not less than {}"),
        ("MaxValue", value, -1, "must be a number not greater than {}"),
    )
    for bound, size, sign, sentence in bounds:
        if bound not in slot or not isinstance(size, int | float):
            continue
        limit = as_text(slot[bound])
        if not _NUMBER.fullmatch(limit):
            raise TemplateError(f"Template format error: {bound} of parameter {name} must be a number.")
        if sign * (size - float(limit)) < 0:
            raise TemplateError(f"Parameter '{name}' {sentence.format(limit)}")
