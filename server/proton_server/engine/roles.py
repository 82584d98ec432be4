"""What an environment account connection gives its environment, and what to say when it is gone.

Read at each step of a deployment, not stored with the environment: a role that the environment account
exchanges holds from then on. Nothing is written here, and nothing is provisioned.
https://docs.aws.amazon.com/proton/latest/userguide/ag-env-account-connections.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.persistence.tables import environment_account_connections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proton_server.persistence.store import Rows

ROLES = {
    "protonServiceRoleArn": "roleArn",
    "codebuildRoleArn": "codebuildRoleArn",
    "componentRoleArn": "componentRoleArn",
}
"""Member of an environment → member of the connection that takes its place."""


def roles_of(rows: Rows, environment: Mapping[str, Any]) -> dict[str, str] | None:
    """The roles that come from the environment's connection, by the environment's members.

    Empty for an environment without a connection; None if its connection was deleted.
    """
    if "environmentAccountConnectionId" not in environment:
        return {}
    connection = rows.find(environment_account_connections, id=environment["environmentAccountConnectionId"])
    if connection is None:
        return None
    return {role: connection.record[member] for role, member in ROLES.items() if member in connection.record}


def lost(environment: Mapping[str, Any]) -> str:
    """What to say of an environment whose connection was deleted: out of reach until it gets a new one."""
    name, account = environment["name"], environment["environmentAccountId"]
    return (
        f"Account {account} has deleted environment account connection "
        f"{environment['environmentAccountConnectionId']}, which environment {name} depends on. "
        f"Create a new one for environment {name} in account {account}, accept it, and give it to "
        "UpdateEnvironment as environmentAccountConnectionId."
    )
