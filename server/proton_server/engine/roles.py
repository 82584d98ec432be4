"""The roles that an environment account connection gives its environment.

They are read at each step of a deployment, not stored with the environment: when the environment account
changes a role, the next step uses the new one. Nothing is written here, and nothing is provisioned.
https://docs.aws.amazon.com/proton/latest/userguide/ag-env-account-connections.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.persistence.tables import environment_account_connections
from proton_server.provisioning.methods import CONNECTION, ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proton_server.persistence.rows import Rows


def roles_of(rows: Rows, environment: Mapping[str, Any]) -> dict[str, str] | None:
    """The roles that come from the environment's connection, by the environment's members.

    Empty for an environment without a connection; None if its connection was deleted.
    """
    if CONNECTION not in environment:
        return {}
    connection = rows.find(environment_account_connections, id=environment[CONNECTION])
    if connection is None:
        return None
    return {role: connection.record[member] for role, member in ROLES.items() if member in connection.record}


def connection_deleted(environment: Mapping[str, Any]) -> str:
    """The message for an environment whose connection was deleted: it cannot be reached without a new one."""
    name, account = environment["name"], environment["environmentAccountId"]
    return (
        f"Account {account} has deleted environment account connection "
        f"{environment[CONNECTION]}, which environment {name} needs. "
        f"Create a new connection for environment {name} in account {account}, accept it, and give it to "
        f"UpdateEnvironment as {CONNECTION}."
    )
