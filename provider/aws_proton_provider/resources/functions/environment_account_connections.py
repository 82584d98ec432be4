"""https://docs.aws.amazon.com/proton/latest/APIReference/API_ListEnvironmentAccountConnections.html."""

from __future__ import annotations

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import types
from aws_proton_provider.core.declaration import Kind, Model, output, prop
from aws_proton_provider.core.records import from_record, to_request
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.environment_account_connection import EnvironmentAccountConnection
from aws_proton_provider.resources.environment_account_connection_accepter import (
    EnvironmentAccountConnectionAccepter,
)
from aws_proton_provider.resources.functions.function import READ_FROM, Function, summary_of


@summary_of(EnvironmentAccountConnection, EnvironmentAccountConnectionAccepter.property_of("connectionId"))
class EnvironmentAccountConnectionSummary(Model):
    """An environment account connection, as a listing has it. "This account" is its environment account."""


class GetEnvironmentAccountConnections(Function):
    """The environment account connections of one side: those to decide on, or those requested."""

    requested_by: types.ConnectionRequester = prop(
        doc="The side of this account. MANAGEMENT_ACCOUNT: the connections that it decides on. "
        "ENVIRONMENT_ACCOUNT: those that it has requested."
    )
    statuses: list[types.ConnectionStatus] | None = prop(doc="Only the connections in one of these statuses.")
    environment_name: types.ResourceName | None = prop(doc="Only the connections for this environment.")
    account: types.Account | None = READ_FROM
    environment_account_connections: list[EnvironmentAccountConnectionSummary] = output(
        doc="The connections."
    )

    @classmethod
    def answer(cls, inputs: State, proton: Proton) -> State:
        """All pages of the listing."""
        listed = proton.all_of(
            "list_environment_account_connections",
            "environmentAccountConnections",
            maxResults=100,
            **to_request(cls.of_kind(Kind.INPUT), inputs),
        )
        connections = []
        for item in listed:
            found = from_record(EnvironmentAccountConnection, item)
            connections.append(found | {"connectionId": item["id"]})
        return {"environmentAccountConnections": connections}
