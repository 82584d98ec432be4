"""Environment account connections: an environment account requests, a management account accepts or rejects.

The connection belongs to the environment account and both can read it; for other accounts it does not exist.
https://docs.aws.amazon.com/proton/latest/userguide/ag-env-account-connections.html
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from proton_server.operations.call import page
from proton_server.operations.client_tokens import made_before, remember
from proton_server.operations.errors import AccessDeniedException, ConflictException, ValidationException
from proton_server.operations.role_arns import check_role_accounts
from proton_server.operations.rows import connection_row
from proton_server.operations.tagging import drop_tags, put_tags
from proton_server.persistence.tables import environment_account_connections, environments
from proton_server.provisioning.methods import CONNECTION, ROLES

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proton_server.operations.call import Call

_ROLES = tuple(ROLES.values())

_ENVIRONMENT_ACCOUNT, _MANAGEMENT_ACCOUNT = "account_id", "management_account_id"
"""The two sides of a connection, by the column that names the account."""

_SIDES = {"ENVIRONMENT_ACCOUNT": _ENVIRONMENT_ACCOUNT, "MANAGEMENT_ACCOUNT": _MANAGEMENT_ACCOUNT}

_STATUS_AFTER = {
    ("accept", "PENDING"): "CONNECTED",
    ("accept", "CONNECTED"): "CONNECTED",
    ("reject", "PENDING"): "REJECTED",
    ("reject", "CONNECTED"): "REJECTED",
    ("reject", "REJECTED"): "REJECTED",
}
"""Decision and status → next status. AWS: one that was rejected can neither be accepted nor used."""


def create_environment_account_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Requests that the management account provision an environment here. It is PENDING until then."""
    repeated = made_before(
        call, request, lambda made: call.rows.find(environment_account_connections, id=made)
    )
    if repeated is not None:
        return {"environmentAccountConnection": repeated.record}
    management, environment = request["managementAccountId"], request["environmentName"]
    if management == call.account_id:
        message = (
            "managementAccountId must be another account: an environment of this one needs no connection."
        )
        raise ValidationException(message)
    check_role_accounts(call, request, _ROLES)
    _refuse_second(call, management, environment)
    connection_id = str(uuid.uuid4())
    record = {
        "id": connection_id,
        "arn": call.arn(f"environment-account-connection/{connection_id}"),
        "environmentAccountId": call.account_id,
        "environmentName": environment,
        "managementAccountId": management,
        "status": "PENDING",
        "requestedAt": call.now,
        "lastModifiedAt": call.now,
        **{member: request[member] for member in _ROLES if member in request},
    }
    call.rows.insert(
        environment_account_connections,
        id=connection_id,
        management_account_id=management,
        environment_name=environment,
        record=record,
    )
    put_tags(call, record["arn"], request.get("tags", []))
    remember(call, request, connection_id)
    return {"environmentAccountConnection": record}


def get_environment_account_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The connection, for either of its accounts."""
    return {"environmentAccountConnection": connection_row(call, request["id"]).record}


def update_environment_account_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Changes roles. The next step of any deployment uses them; no deployment is started."""
    row = _row_of(call, request["id"], _ENVIRONMENT_ACCOUNT)
    if row.record["status"] == "REJECTED":
        raise ConflictException(f"Environment account connection {row.id} is REJECTED, which is final.")
    check_role_accounts(call, request, _ROLES)
    return _changed(call, row, {member: request[member] for member in _ROLES if member in request})


def delete_environment_account_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Deletes the connection, even one that an environment uses and cannot be deployed without.

    It succeeds without a result if there is none.
    """
    if call.rows.find(environment_account_connections, id=request["id"]) is None:
        return {}
    row = _row_of(call, request["id"], _ENVIRONMENT_ACCOUNT)
    call.rows.delete(environment_account_connections, id=row.id)
    drop_tags(call, row.record["arn"])
    return {"environmentAccountConnection": row.record}


def accept_environment_account_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Accepts the connection for its environment. Accepting it again changes nothing."""
    return _decide(call, request["id"], "accept")


def reject_environment_account_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Rejects the connection for ever; also one that was accepted, unless an environment uses it."""
    return _decide(call, request["id"], "reject")


def list_environment_account_connections(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The connections that this account requested, or that it decides on, in order of their environments."""
    table = environment_account_connections
    conditions = [table.c[_SIDES[request["requestedBy"]]] == call.account_id]
    if "environmentName" in request:
        conditions.append(table.c.environment_name == request["environmentName"])
    if request.get("statuses"):
        conditions.append(table.c.record["status"].as_string().in_(request["statuses"]))
    by = [table.c.environment_name, table.c.id]
    rows, token = page(
        call,
        request,
        lambda after, limit: call.rows.page(table, *conditions, by=by, after=after, limit=limit),
        lambda row: [row.environment_name, row.id],
    )
    return {"environmentAccountConnections": [row.record for row in rows], "nextToken": token}


def _refuse_second(call: Call, management: str, environment: str) -> None:
    """The User Guide has one connection for each environment. A rejected one does not count."""
    for other in call.rows.all(
        environment_account_connections,
        account_id=call.account_id,
        management_account_id=management,
        environment_name=environment,
    ):
        status = other.record["status"]
        if status != "REJECTED":
            message = f"environment {environment} of account {management}: {other.id} is {status}"
            raise ConflictException(f"There is already an environment account connection for {message}.")


def _row_of(call: Call, connection_id: str, side: str) -> sa.Row[Any]:
    """The connection, locked against its other account, for an operation that only one side may call."""
    row = connection_row(call, connection_id, lock=True)
    if getattr(row, side) != call.account_id:
        what = "environment" if side == _ENVIRONMENT_ACCOUNT else "management"
        raise AccessDeniedException(
            f"{call.operation} is for the {what} account of the connection, {getattr(row, side)}."
        )
    return row


def _decide(call: Call, connection_id: str, decision: str) -> dict[str, Any]:
    row = _row_of(call, connection_id, _MANAGEMENT_ACCOUNT)
    status = row.record["status"]
    after = _STATUS_AFTER.get((decision, status))
    if after is None:
        message = f"Environment account connection {row.id} is REJECTED, which is final"
        raise ConflictException(f"{message}: create a new one in account {row.account_id}.")
    if after == status:
        return {"environmentAccountConnection": row.record}
    user = call.rows.find(environments, name=row.environment_name)
    if after == "REJECTED" and user and user.record.get(CONNECTION) == row.id:
        message = (
            f"is used by environment {user.name} and cannot be rejected until the environment is deleted"
        )
        raise ConflictException(f"Environment account connection {row.id} {message}.")
    return _changed(call, row, {"status": after})


def _changed(call: Call, row: sa.Row[Any], changes: dict[str, Any]) -> dict[str, Any]:
    record = {**row.record, **changes, "lastModifiedAt": call.now}
    call.rows.update(environment_account_connections, {"id": row.id}, record=record)
    return {"environmentAccountConnection": record}
