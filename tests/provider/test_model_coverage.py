"""botocore's model against the declarations: what the API takes is declared, or there is a reason why not."""

from __future__ import annotations

import re
import typing
from typing import Any

import botocore.session
import pytest

from aws_proton_provider.core import types
from aws_proton_provider.core.declaration import Kind, Property, bare
from aws_proton_provider.resources import RESOURCES
from aws_proton_provider.resources.account_settings import AccountSettings
from aws_proton_provider.resources.environment.resource import Environment
from aws_proton_provider.resources.environment_account_connection import EnvironmentAccountConnection
from aws_proton_provider.resources.environment_account_connection_accepter import (
    EnvironmentAccountConnectionAccepter,
)

MODEL = botocore.session.get_session().get_service_model("proton")

DECLARED_BY = {
    "EnvironmentAccountConnection": (EnvironmentAccountConnection, EnvironmentAccountConnectionAccepter),
    "EnvironmentAccountConnections": (EnvironmentAccountConnectionAccepter,),
    "AccountSettings": (AccountSettings,),
    "Environment": (Environment,),
}
"""The noun of an operation's name → the resources that stand for it."""

OPERATIONS = [
    name
    for name in MODEL.operation_names
    if re.fullmatch(
        r"(Accept|Create|Delete|Get|Reject|Update)(Environment|EnvironmentAccountConnection)", name
    )
    or name in ("ListEnvironmentAccountConnections", "GetAccountSettings", "UpdateAccountSettings")
]

REASONS = {
    "clientToken": "derived from the owner, so that a repeated create is the same request",
    "id": "the connection's id: Pulumi's id, and the accepter's connectionId",
    "deploymentType": "computed by check",
    "deletePipelineProvisioningRepository": "sent where the program removes pipelineProvisioningRepository",
    "requestedBy": "each resource acts on one side",
    "maxResults": "pages are read to the end",
    "nextToken": "pages are read to the end",
    "statuses": "the provider looks at all",
}
"""Input members that no program gives, each with its reason."""


def test_the_operations_of_the_api_change_are_thirteen() -> None:
    assert len(OPERATIONS) == 13


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_input_member_is_declared_or_has_a_reason(operation: str) -> None:
    noun = re.sub("^(Accept|Create|Delete|Get|List|Reject|Update)", "", operation)
    declared = {
        item.wire for resource in DECLARED_BY[noun] for item in resource.properties if item.from_program
    }
    shape = MODEL.operation_model(operation).input_shape

    assert [member for member in shape.members if member not in declared | REASONS.keys()] == []


@pytest.mark.parametrize(
    ("resource", "shape"),
    [
        (Environment, "Environment"),
        (EnvironmentAccountConnection, "EnvironmentAccountConnection"),
        (EnvironmentAccountConnectionAccepter, "EnvironmentAccountConnectionSummary"),
        (AccountSettings, "AccountSettings"),
    ],
)
def test_every_member_of_a_record_is_declared(resource: Any, shape: str) -> None:
    declared = {item.wire for item in resource.properties}

    assert [member for member in MODEL.shape_for(shape).members if member not in declared | {"id"}] == []


def test_what_a_listing_of_environments_lacks_is_declared_so() -> None:
    record, summary = (MODEL.shape_for(shape).members for shape in ("Environment", "EnvironmentSummary"))
    unlisted = {
        item.wire
        for item in Environment.properties
        if item.kind in (Kind.INPUT, Kind.OUTPUT) and not item.listed
    }

    assert unlisted == {*(record.keys() - summary.keys()), "outputs"}


def test_every_reason_is_still_needed() -> None:
    members = {member for name in OPERATIONS for member in MODEL.operation_model(name).input_shape.members}

    assert members >= REASONS.keys()


def _inputs() -> list[Any]:
    return [
        pytest.param(item, id=f"{resource.__name__}-{item.wire}")
        for resource in RESOURCES
        for item in resource.of_kind(Kind.INPUT)
    ]


_NAMED_OTHERWISE = {
    "connectionId": "EnvironmentAccountConnectionId",
    "environmentAccountId": "AwsAccountId",
}
"""Ours to look a connection up by: no operation has these members, but they mean these shapes."""


def _shape_of(wire: str) -> Any:
    if wire in _NAMED_OTHERWISE:
        return MODEL.shape_for(_NAMED_OTHERWISE[wire])
    inputs = (MODEL.operation_model(name).input_shape.members for name in OPERATIONS)
    return next(members[wire] for members in inputs if wire in members)


@pytest.mark.parametrize(
    "item", [item for item in _inputs() if item.values[0].wire not in ("spec", "decision")]
)
def test_the_limits_of_a_type_are_those_of_the_api(item: Property) -> None:
    shape = _shape_of(item.wire)

    if item.model:
        hints = typing.get_type_hints(item.model, include_extras=True)
        assert {name: _limits(hints[name]) for name in shape.members} == {
            name: _modelled(member) for name, member in shape.members.items()
        }
    else:
        assert _limits(bare(item.type)[0]) == _modelled(shape)


def _limits(hint: Any) -> Any:
    """The values of an enumeration, or pattern, least and most characters of a text."""
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    (text,) = (part for part in hint.__metadata__ if isinstance(part, types.Text))
    return text.pattern, text.least, text.most


def _modelled(shape: Any) -> Any:
    """The same of botocore's shape. Where it gives no lengths, the pattern says them; an empty ARN is our way
    to clear."""
    if shape.enum:
        return shape.enum
    pattern = shape.metadata.get("pattern", "")
    if shape.name == "RoleArnOrEmptyString":
        pattern = pattern.removeprefix("(^$)|(").removesuffix(")")
        return pattern, 1, shape.metadata["max"]
    lengths = {"AwsAccountId": (12, 12), "EnvironmentAccountConnectionId": (36, 36)}
    least, most = lengths.get(shape.name, (shape.metadata.get("min"), shape.metadata.get("max")))
    return pattern, least, most
