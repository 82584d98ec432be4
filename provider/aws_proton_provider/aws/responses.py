"""Whether an answer is one of the API's: judged by the service's model, once, for all that reads it.

Pure. Shapes are botocore's (`botocore.model.Shape`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

LEFT_OUT = frozenset({"lastDeploymentSucceededAt", "roleArn", "templateMajorVersion", "templateMinorVersion"})
"""Members that the model requires and AWS left out: of an environment that never succeeded, and of a
connection without AWS-managed provisioning (User Guide, "Create an environment"; CodeBuild provisioning)."""

_TYPES: Mapping[str, Any] = {
    "boolean": bool,
    "integer": int,
    "list": list,
    "string": str,
    "structure": dict,
    "timestamp": dt.datetime,
}
"""What botocore makes of the types in the answers that are read here."""


def fault(answer: dict[str, Any], shape: Any) -> str | None:
    """What is wrong with botocore's reading of an answer; None for nothing.

    Values of an enumeration may be new ones.
    """
    kind = page(answer)
    return f"it is {kind} and not JSON" if kind else next(_faults(answer, shape, ""), None)


def page(answer: dict[str, Any]) -> str | None:
    """The media type of an answer that is not JSON, as that of a proxy's page is."""
    kind = str(
        answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-type", "application/json")
    )
    return None if "json" in kind else kind.partition(";")[0][:80] or "untyped"


def _faults(value: Any, shape: Any, where: str) -> Iterator[str]:
    if not isinstance(value, _TYPES.get(shape.type_name, object)):
        yield f"{where or 'it'} is not of type {shape.type_name}"
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _faults(item, shape.member, f"{where}[{index}]")
    elif shape.type_name == "structure":
        below = f"{where}." if where else ""
        for name in shape.required_members:
            if name not in value and name not in LEFT_OUT:
                yield f"it has no {below}{name}"
        for name in shape.members.keys() & value.keys():
            yield from _faults(value[name], shape.members[name], f"{below}{name}")
