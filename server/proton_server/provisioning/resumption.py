"""Whether a deployment of a restored database may go on, by what AWS shows of it: pure decisions.

A restored database is older than AWS. A deployment that it has in progress may have ended since, and others
may have followed that the database does not know. To go on then would undo them. What is refused for that
reason can be asked for again by whoever has looked; so where it cannot be known, it is refused, too.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESTORED = "The server's database was restored from a backup, which had this deployment in progress."
_THEN = "Nothing was done for this deployment."

OVERTAKEN = (
    f"{_RESTORED} Another change began later, at {{at}}, and going on would undo that. {_THEN} Compare "
    "the environment with what is deployed, and update or delete it again."
)
GONE = (
    f"{_RESTORED} What the environment had in AWS no longer exists. {_THEN} Delete the environment, or "
    "update it to create everything anew."
)
DELETED_SINCE = (
    f"{_RESTORED} What it created in AWS was deleted since. {_THEN} Delete the environment, or update it to "
    "create everything anew."
)
UNKNOWN = (
    f"{_RESTORED} Whether AWS created anything for it, and deleted that since, cannot be found out. {_THEN} "
    "Delete the environment, or update it to create everything."
)


class Change(NamedTuple):
    """A change of what is deployed, which AWS accepted."""

    deployment_id: str | None
    """By the mark that the call left; None: it left none, or was not one of a deployment."""
    at: float
    """When AWS accepted it, in epoch seconds."""


def shown(at: float) -> str:
    """A time as messages have it."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def later_change(changes: Sequence[Change], deployment_id: str, asked_at: float) -> Change | None:
    """A change by others that began after the deployment, or after it was asked for if it never began."""
    own = max((change.at for change in changes if change.deployment_id == deployment_id), default=asked_at)
    others = (change for change in changes if change.deployment_id != deployment_id)
    return max((change for change in others if change.at > own), key=lambda change: change.at, default=None)
