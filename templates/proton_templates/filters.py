"""Proton's filters for CloudFormation templates: values of inputs become text.

Pure. A result that goes over several lines is continued by the renderer at the column where it stands.

Source: User Guide, "Parameter filters for CloudFormation IaC files".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from jinja2 import Undefined


class Refusal(Exception):
    """A sentence of our own, free of values, raised inside a template."""


_SAFE = re.compile(r"[a-zA-Z0-9_-]*")
_ARN = re.compile(r"arn:[a-zA-Z-]+:[a-zA-Z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:[\w+=,.@:/*#-]+", re.ASCII)
_POLICY_ARN = re.compile(r"arn:[a-zA-Z-]+:iam::\d{12}:policy/", re.ASCII)


def _ecs_environment(variables: Any, raw: bool = True) -> str:  # noqa: FBT001, FBT002 - as the Guide has it
    return _yaml([{"Name": name, "Value": value} for name, value in _plain(variables, raw=raw).items()])


def _lambda_environment(variables: Any, raw: bool = True) -> str:  # noqa: FBT001, FBT002 - likewise
    return _yaml(_plain(variables, raw=raw))


def _iam_policy_arns(variables: Any) -> str:
    return _yaml([value for value in _members(variables).values() if _POLICY_ARN.match(str(value))])


def _sanitize(value: Any) -> str:
    text = str(value)
    if not _SAFE.fullmatch(text) and not _ARN.fullmatch(text):
        raise Refusal(f"Illegal character(s) detected. Must match regex ^{_SAFE.pattern}$ or be a valid ARN")
    return text


FILTERS: Mapping[str, Callable[..., str]] = {
    "proton_cfn_ecs_task_definition_formatted_env_vars": _ecs_environment,
    "proton_cfn_lambda_function_formatted_env_vars": _lambda_environment,
    "proton_cfn_iam_policy_arns": _iam_policy_arns,
    "proton_cfn_sanitize": _sanitize,
}


def _plain(variables: Any, *, raw: bool) -> dict[str, Any]:
    for name, value in (members := _members(variables)).items():
        if isinstance(value, (dict, list)):
            raise Refusal(f"{name} is a list or mapping, which no environment variable can hold")
        if not raw and not _SAFE.fullmatch(str(value)):
            raise Refusal(f"Illegal character(s) detected in {name}. Must match regex ^{_SAFE.pattern}$")
    return members


def _members(variables: Any) -> dict[str, Any]:
    if isinstance(variables, Undefined):
        str(variables)  # fails, and names what is missing
    if not isinstance(variables, dict):
        raise Refusal("the filter takes a mapping of names to values")
    return dict(variables)


def _yaml(value: dict[str, Any] | list[Any]) -> str:
    """Block style, as the Guide shows it, because it may continue a list or mapping; nothing for nothing."""
    return yaml.safe_dump(value, sort_keys=False, width=math.inf) if value else ""
