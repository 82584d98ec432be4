"""Stack policies: which updates of which resources a stack's owner has forbidden. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any


def denial(policy: str, action: str, logical_id: str, type_: str) -> str | None:
    """Why a policy does not allow an action; None if it does. A stack without a policy allows all.

    Args:
        policy: its JSON, or nothing.
        action: ``Update:Modify``, ``Update:Replace`` or ``Update:Delete``.
        logical_id: of the resource.
        type_: of the resource.

    """
    if not policy:
        return None
    resource = f"LogicalResourceId/{logical_id}"
    is_allowed = False
    for number, statement in enumerate(_listed(json.loads(policy).get("Statement", [])), start=1):
        if not _applies(statement, action, resource, type_):
            continue
        if statement.get("Effect") == "Deny":
            asked = f"[{action}] for resource [{resource}]"
            return f"Action denied by stack policy: Statement [#{number}] does not allow {asked}"
        is_allowed = True
    return None if is_allowed else f"Action not allowed by stack policy: [{action}] for resource [{resource}]"


def _applies(statement: Mapping[str, Any], action: str, resource: str, type_: str) -> bool:
    return (
        _names(statement, "Action", action)
        and _names(statement, "Resource", resource)
        and all(
            any(fnmatchcase(type_, pattern) for pattern in _listed(condition.get("ResourceType", [])))
            for condition in statement.get("Condition", {}).values()
        )
    )


def _names(statement: Mapping[str, Any], member: str, value: str) -> bool:
    """Whether a member of a statement, or its negation, covers a value."""
    if f"Not{member}" in statement:
        return not any(fnmatchcase(value, pattern) for pattern in _listed(statement[f"Not{member}"]))
    return any(fnmatchcase(value, pattern) for pattern in _listed(statement.get(member, [])))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
