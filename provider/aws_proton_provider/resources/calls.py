"""A call as a value, so that it is decided what to do before anything is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aws_proton_provider.core.values import State

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton


@dataclasses.dataclass(frozen=True)
class Call:
    """A call of an operation (`"update_environment"`) with its members."""

    operation: str
    members: State


def make(calls: Iterable[Call], proton: Proton) -> State:
    """Makes the calls, one after another, and returns the last answer."""
    answer: State = {}
    for call in calls:
        answer = proton.call(call.operation, **call.members)
    return answer
