"""An operation of Pulumi's engine while it is carried out: what it acts with, and what it reports."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Literal

from aws_proton_provider.aws.answers import Answers
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import types
from aws_proton_provider.core.values import State

Verb = Literal["create", "read", "update", "delete"]


def nobody(_status: str) -> None:
    """Where an adapter cannot show a status."""


@dataclasses.dataclass
class Operation:
    """A create, read, update or delete of one resource.

    Args:
        proton: The account that it acts in.
        verb: What it does.
        limit: How many seconds it may wait at most, as Pulumi's `customTimeouts` say; None where they do not.
        keeps_failed: Whether Pulumi keeps in the state what a create made before it failed.
        status: Shows a line about what is being waited for, until the next one.
        refresh_tags: Whether a read asks for tags also where nothing else has changed.
        answers: What it may take from other operations of the command in the same account.
        interrupted: Set when the user wants Pulumi to stop; a wait then ends at once.
        kept: The id and state of the object since AWS has it, and until the operation has ended.

    """

    proton: Proton
    verb: Verb
    limit: float | None = None
    keeps_failed: bool = False
    status: Callable[[str], None] = nobody
    refresh_tags: bool = False
    answers: Answers = dataclasses.field(default_factory=Answers)
    interrupted: threading.Event = dataclasses.field(default_factory=threading.Event)
    kept: tuple[str, State] | None = None

    def keep(self, identifier: str, state: State) -> None:
        """From here on AWS has the object, so that a failure must not lose it."""
        self.kept = identifier, state

    def patience(self, properties: State, default: str) -> float:
        """How many seconds it may wait: what `customTimeouts` say, or `timeouts`, or `default` ("90m")."""
        own = (properties.get("timeouts") or {}).get(self.verb, default)
        return self.limit or types.seconds(own)
