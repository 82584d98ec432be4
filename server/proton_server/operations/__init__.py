"""What each operation does: one file per noun, and a function's name is its operation's name in snake case.

An operation takes the call and its checked input, changes rows in the call's transaction, and returns the
response as stored records. No wire format here, no SQL dialect, no AWS calls: what takes time is recorded in
a row, for the reconciler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations import (
    account_settings,
    adoption,
    deployments,
    environment_account_connections,
    environment_template_versions,
    environment_templates,
    environments,
    notifications,
    repositories,
    tags,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton_server.operations.call import Call

    Operation = Callable[[Call, dict[str, Any]], dict[str, Any]]

_NOUNS = (
    account_settings,
    deployments,
    environment_account_connections,
    environment_template_versions,
    environment_templates,
    environments,
    notifications,
    repositories,
    tags,
)

OPERATIONS: dict[str, Operation] = {
    name: function
    for noun in _NOUNS
    for name, function in vars(noun).items()
    if getattr(function, "__module__", None) == noun.__name__ and not name.startswith("_")
}
"""Function by name: adding an operation is writing its function."""

OWN_OPERATIONS: dict[str, Operation] = {"adopt_environment": adoption.adopt_environment}
"""Those that AWS Proton never had. Their model is in `api/models/`."""
