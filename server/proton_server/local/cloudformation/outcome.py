"""What a deployment reports: events while it runs, outputs when it is done. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class ResourceEvent(NamedTuple):
    """What happened to one resource, or to the stack itself."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None = None


Recorder = Callable[[ResourceEvent], None]


@dataclass(frozen=True)
class Output:
    """One evaluated output of a stack."""

    key: str
    value: str
    description: str | None
    export: str | None
