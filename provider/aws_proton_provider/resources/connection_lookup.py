"""Environment account connections in listings.

In the management account they are read from the listing alone: GetEnvironmentAccountConnection is documented
"in an environment account". The listing lacks the CodeBuild role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_proton_provider.core.errors import NotFound

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton
    from aws_proton_provider.core.values import State


def list_addressed_connections(proton: Proton) -> list[State]:
    """All connections, in any status, whose management account is the caller's."""
    return proton.all_of(
        "list_environment_account_connections",
        "environmentAccountConnections",
        requestedBy="MANAGEMENT_ACCOUNT",
    )


def list_requested_connections(proton: Proton, **filters: str) -> list[State]:
    """All connections, in any status, that the caller's account has requested."""
    return proton.all_of(
        "list_environment_account_connections",
        "environmentAccountConnections",
        requestedBy="ENVIRONMENT_ACCOUNT",
        **filters,
    )


def find_addressed_connection(identifier: str, proton: Proton) -> State | None:
    """The connection with this id among those addressed to the caller's account."""
    return connection_by_id(identifier, list_addressed_connections(proton))


def connection_by_id(identifier: str, connections: list[State]) -> State | None:
    """The connection with this id among `connections`."""
    return next((connection for connection in connections if connection["id"] == identifier), None)


def environment_using(connection: State, proton: Proton) -> str | None:
    """The name of the environment that uses the connection: only the one that it was requested for can."""
    try:
        environment = proton.call("get_environment", name=connection["environmentName"])["environment"]
    except NotFound:
        return None
    uses = environment.get("environmentAccountConnectionId") == connection["id"]
    return str(environment["name"]) if uses else None
