"""Environment account connections as the management account sees them.

It may list those addressed to it; GetEnvironmentAccountConnection is documented "in an environment account"
alone, so nothing here relies on it. The listing lacks codebuildRoleArn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_proton_provider.core.errors import NotFound

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton
    from aws_proton_provider.core.values import State


def addressed_here(proton: Proton) -> list[State]:
    """All connections, in any status, whose management account the credentials reach."""
    return proton.all_of(
        "list_environment_account_connections",
        "environmentAccountConnections",
        requestedBy="MANAGEMENT_ACCOUNT",
    )


def requested_here(proton: Proton, **narrower: str) -> list[State]:
    """All connections, in any status, that the account itself has requested."""
    return proton.all_of(
        "list_environment_account_connections",
        "environmentAccountConnections",
        requestedBy="ENVIRONMENT_ACCOUNT",
        **narrower,
    )


def find(identifier: str, proton: Proton) -> State | None:
    """The connection of this id, None where nobody (any more) asks this account with it."""
    return by_id(identifier, addressed_here(proton))


def by_id(identifier: str, connections: list[State]) -> State | None:
    """The connection of this id among `connections`."""
    return next((connection for connection in connections if connection["id"] == identifier), None)


def used_by(connection: State, proton: Proton) -> str | None:
    """The name of the environment that uses the connection: only the one that it was made for can."""
    try:
        environment = proton.call("get_environment", name=connection["environmentName"])["environment"]
    except NotFound:
        return None
    uses = environment.get("environmentAccountConnectionId") == connection["id"]
    return str(environment["name"]) if uses else None
