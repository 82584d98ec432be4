"""Account settings: what the service pipelines of an account and Region are provisioned with.

They are stored and returned; pipelines are not part of this server.
https://docs.aws.amazon.com/proton/latest/APIReference/API_UpdateAccountSettings.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.errors import ValidationException
from proton_server.operations.role_arns import check_role_accounts
from proton_server.persistence.tables import account_settings, repositories

if TYPE_CHECKING:
    from proton_server.operations.call import Call

_ROLES = ("pipelineServiceRoleArn", "pipelineCodebuildRoleArn")
_REPOSITORY = "pipelineProvisioningRepository"


def get_account_settings(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The settings; what was never set, or was cleared, is absent."""
    del request
    row = call.rows.find(account_settings)
    return {"accountSettings": {} if row is None else row.record}


def update_account_settings(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Changes the given settings and keeps the others. An empty string clears a role."""
    check_role_accounts(call, request, _ROLES)
    changes: dict[str, Any] = {member: request[member] for member in _ROLES if member in request}
    removes = request.get("deletePipelineProvisioningRepository", False)
    if removes and _REPOSITORY in request:
        raise ValidationException(
            f"deletePipelineProvisioningRepository cannot be given together with {_REPOSITORY}."
        )
    if removes:
        changes[_REPOSITORY] = None
    elif _REPOSITORY in request:
        changes[_REPOSITORY] = _linked(call, request[_REPOSITORY])
    row = call.rows.find(account_settings)
    record = {} if row is None else row.record
    record = {member: value for member, value in (record | changes).items() if value}
    if row is None:
        call.rows.insert(account_settings, record=record)
    else:
        call.rows.update(account_settings, {}, record=record)
    return {"accountSettings": record}


def _linked(call: Call, given: dict[str, str]) -> dict[str, str]:
    """The repository with its ARN. The model has no ResourceNotFoundException here: a wrong value."""
    row = call.rows.find(repositories, provider=given["provider"], name=given["name"])
    if row is None:
        message = (
            f"{_REPOSITORY} is not linked: {given['provider']} {given['name']}. Use CreateRepository first."
        )
        raise ValidationException(message)
    return {**given, "arn": row.record["arn"]}
