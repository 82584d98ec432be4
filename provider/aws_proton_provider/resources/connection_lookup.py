"""Environment account connections in listings.

In the management account they are read from the listing alone: GetEnvironmentAccountConnection is documented
"in an environment account". The listing lacks the CodeBuild role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_proton_provider.aws.pages import LARGEST_PAGE
from aws_proton_provider.core.errors import NotFound

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton
    from aws_proton_provider.aws.operation import Operation
    from aws_proton_provider.core.values import State


def list_addressed_connections(proton: Proton) -> list[State]:
    """All connections, in any status, whose management account is the caller's."""
    return proton.all_of(
        "list_environment_account_connections",
        "environmentAccountConnections",
        requestedBy="MANAGEMENT_ACCOUNT",
        maxResults=LARGEST_PAGE,
    )


def list_requested_connections(proton: Proton, **filters: str) -> list[State]:
    """All connections, in any status, that the caller's account has requested."""
    return proton.all_of(
        "list_environment_account_connections",
        "environmentAccountConnections",
        requestedBy="ENVIRONMENT_ACCOUNT",
        maxResults=LARGEST_PAGE,
        **filters,
    )


def find_addressed_connection(identifier: str, proton: Proton) -> State | None:
    """The connection with this id among those addressed to the caller's account."""
    return connection_by_id(identifier, list_addressed_connections(proton))


def find_connection_of_refresh(
    identifier: str, state: State, operation: Operation, *, reader: str
) -> State | None:
    """The same, from a listing that all refreshes of a command share; `reader` is the resource of this one.

    What that lacks may be newer, and what is not in a state yet, or is changed by this operation, too.
    """
    proton = operation.proton
    if operation.verb == "read" and "arn" in state:
        listed = operation.answers.of(
            lambda: list_addressed_connections(proton), "connections", reader=reader
        )
        found = connection_by_id(identifier, listed or [])
        if found:
            return found
    return find_addressed_connection(identifier, proton)


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
