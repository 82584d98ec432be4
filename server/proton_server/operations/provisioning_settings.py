"""How an environment is provisioned: with a role, through a connection to another account, into a repository.

Everything that decides which of these members fit each other, the template version and the environment is
here; which of them a provisioning method needs and refuses is its row's in `provisioning/methods.py`.
Decisions over rows; nothing is written.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.engine.roles import connection_deleted, roles_of
from proton_server.operations.errors import ConflictException, ValidationException
from proton_server.operations.role_arns import check_role_accounts
from proton_server.operations.rows import connection_row, repository_row
from proton_server.provisioning.methods import CONNECTION, MEMBERS, REPOSITORY, ROLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import sqlalchemy as sa

    from proton_server.operations.call import Call
    from proton_server.provisioning.methods import Method


def method_of(call: Call, version: sa.Row[Any]) -> Method:
    """The provisioning method of a template version. Raises ValidationException if the server has none."""
    method = call.can.methods.get(version.engine)
    if method is None:
        message = f"{_template(version)} uses the template engine {version.engine}, which is not implemented."
        raise ValidationException(message)
    return method


def provisioning_settings(
    call: Call, version: sa.Row[Any], request: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """The members of an environment's record that say how it is provisioned, as the request leaves them.

    `current` is the environment's record, empty for a new one. Raises ValidationException (members that do
    not fit), ResourceNotFoundException (no such connection or repository) and ConflictException (a connection
    whose state forbids its use).
    """
    given = {member: request[member] for member in MEMBERS if member in request}
    check_role_accounts(call, given, ROLES)
    if current:
        _refuse_conversion(given, current)
    settings = {member: current[member] for member in MEMBERS if member in current} | given
    if CONNECTION in settings:
        # The connection gives what its method needs.
        needed = [method.needs for method in call.can.methods.values() if method.needs]
        _refuse(needed, settings, f"be combined with {CONNECTION}: give one of them")
    if REPOSITORY in given:
        repository = repository_row(call, given[REPOSITORY]["provider"], given[REPOSITORY]["name"])
        settings[REPOSITORY] = {**given[REPOSITORY], "arn": repository.record["arn"]}
    if CONNECTION in given:
        settings["environmentAccountId"] = _account(call, given[CONNECTION], request["name"], current)
    _check_method(call, version, {**current, **settings, "name": request["name"]})
    return settings


def _refuse_conversion(given: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """The conditions of UpdateEnvironment: neither the repository nor the account can be changed."""
    name = current["name"]
    if CONNECTION in given and CONNECTION not in current:
        message = f"Environment {name} is provisioned in its own account, which cannot be changed"
        raise ValidationException(f"{message}: create a new environment.")
    kept = {member: value for member, value in current.get(REPOSITORY, {}).items() if member != "arn"}
    if given.get(REPOSITORY, kept) != kept:
        message = f"{REPOSITORY} of environment {name} cannot be changed: create a new environment."
        raise ValidationException(message)


def _account(call: Call, connection_id: str, name: str, current: Mapping[str, Any]) -> str:
    """The environment account of a connection. Refuses one that the environment cannot use."""
    connection = connection_row(call, connection_id)
    what = f"Environment account connection {connection_id}"
    if connection.management_account_id != call.account_id:
        raise ValidationException(f"{what} is for management account {connection.management_account_id}.")
    if connection.environment_name != name:
        raise ValidationException(f"{what} is for environment {connection.environment_name}, not for {name}.")
    account: str = connection.account_id
    if account != current.get("environmentAccountId", account):
        message = (
            f"{what} is of account {account}, and environment {name} is in {current['environmentAccountId']}."
        )
        raise ValidationException(f"{message} The account cannot be changed: create a new environment.")
    status = connection.record["status"]
    if status == "PENDING":
        raise ConflictException(f"{what} is PENDING: accept it first.")
    if status == "REJECTED":
        message = f"{what} is REJECTED, which is final: create a new one in account {account}."
        raise ConflictException(message)
    return account


def _check_method(call: Call, version: sa.Row[Any], environment: Mapping[str, Any]) -> None:
    method, template = method_of(call, version), _template(version)
    roles = roles_of(call.rows, environment)
    if roles is None:
        raise ConflictException(connection_deleted(environment))
    _refuse(method.refuses, environment, f"be given with {method.name}, which {template} uses")
    if method.needs is None or method.needs in {**environment, **roles}:
        return
    if CONNECTION in environment:
        message = f"the connection needs {ROLES[method.needs]}: use UpdateEnvironmentAccountConnection"
        raise ValidationException(f"{template} uses {method.name}, for which {message}.")
    needs = method.needs if CONNECTION in method.refuses else f"{method.needs} or {CONNECTION}"
    raise ValidationException(f"{template} uses {method.name}, which needs {needs}.")


def _template(version: sa.Row[Any]) -> str:
    return f"Environment template {version.template_name} {version.major}.{version.minor}"


def _refuse(members: Collection[str], settings: Mapping[str, Any], why: str) -> None:
    for member in members:
        if member in settings:
            raise ValidationException(f"{member} cannot {why}.")
