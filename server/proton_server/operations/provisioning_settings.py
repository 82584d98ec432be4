"""How an environment is provisioned: with a role, through a connection to another account, into a repository.

Everything that decides which of these members fit each other, the template version and the environment lives
here. Decisions over rows; nothing is written.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from proton_server.engine import roles as connections
from proton_server.operations.errors import ConflictException, ValidationException
from proton_server.operations.role_arns import refuse_foreign_roles
from proton_server.operations.rows import connection_row, repository_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from proton_server.operations.call import Call

_CONNECTION = "environmentAccountConnectionId"
_REPOSITORY = "provisioningRepository"

MEMBERS = (*connections.ROLES, _CONNECTION, _REPOSITORY)
"""The members of CreateEnvironment and UpdateEnvironment that say how to provision."""

_NOT_BESIDE_CONNECTION = ("protonServiceRoleArn", "codebuildRoleArn", _REPOSITORY)


class _Way(NamedTuple):
    name: str
    needs: str | None = None
    refuses: tuple[str, ...] = ()


_WAYS = {
    "cloudformation": _Way("AWS-managed provisioning", "protonServiceRoleArn", (_REPOSITORY,)),
    "codebuild": _Way("CodeBuild provisioning", "codebuildRoleArn", (_REPOSITORY,)),
    "terraform": _Way("self-managed provisioning", _REPOSITORY, ("protonServiceRoleArn", _CONNECTION)),
    "customer-managed": _Way("no provisioning"),
}
"""Template engine → what AWS calls its way of provisioning, the member it needs, those it has no use for.

A role that is needed may be the connection's.
"""


def provisioning(
    call: Call, version: sa.Row[Any], request: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """The members of an environment's record that say how it is provisioned, as the request leaves them.

    `current` is the environment's record, empty for a new one. Raises ValidationException (members that do
    not fit), ResourceNotFoundException (no such connection or repository) and ConflictException (a connection
    whose state forbids its use).
    """
    given = {member: request[member] for member in MEMBERS if member in request}
    refuse_foreign_roles(call, given, connections.ROLES)
    if current:
        _refuse_conversion(given, current)
    settings = {member: current[member] for member in MEMBERS if member in current} | given
    if _CONNECTION in settings:
        _refuse(_NOT_BESIDE_CONNECTION, settings, f"beside {_CONNECTION}: the connection takes its place")
    if _REPOSITORY in given:
        repository = repository_row(call, given[_REPOSITORY]["provider"], given[_REPOSITORY]["name"])
        settings[_REPOSITORY] = {**given[_REPOSITORY], "arn": repository.record["arn"]}
    if _CONNECTION in given:
        settings["environmentAccountId"] = _account(call, given[_CONNECTION], request["name"], current)
    _check_way(call, version, {**current, **settings, "name": request["name"]})
    return settings


def _refuse_conversion(given: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """The conditions of UpdateEnvironment: which repository, and whether in another account, is for ever."""
    name = current["name"]
    if _CONNECTION in given and _CONNECTION not in current:
        message = f"Environment {name} is provisioned in its own account, which cannot change"
        raise ValidationException(f"{message}: create a new environment.")
    kept = {member: value for member, value in current.get(_REPOSITORY, {}).items() if member != "arn"}
    if given.get(_REPOSITORY, kept) != kept:
        message = f"{_REPOSITORY} of environment {name} cannot be changed: create a new environment."
        raise ValidationException(message)


def _account(call: Call, connection_id: str, name: str, current: Mapping[str, Any]) -> str:
    """The account that a connection leads to, once it is known that the environment may use it."""
    connection = connection_row(call, connection_id)
    what = f"Environment account connection {connection_id}"
    if connection.management_account_id != call.account_id:
        raise ValidationException(f"{what} is addressed to account {connection.management_account_id}.")
    if connection.environment_name != name:
        raise ValidationException(f"{what} is for environment {connection.environment_name}, not for {name}.")
    account: str = connection.account_id
    if account != current.get("environmentAccountId", account):
        message = (
            f"{what} is of account {account}, and environment {name} is in {current['environmentAccountId']}."
        )
        raise ValidationException(f"{message} That cannot change: create a new environment.")
    status = connection.record["status"]
    if status == "PENDING":
        raise ConflictException(f"{what} is PENDING: accept it first.")
    if status == "REJECTED":
        message = f"{what} is REJECTED, which is final: have account {account} create a new one."
        raise ConflictException(message)
    return account


def _check_way(call: Call, version: sa.Row[Any], environment: Mapping[str, Any]) -> None:
    way = _WAYS[version.engine]
    template = f"Environment template {version.template_name} {version.major}.{version.minor}"
    if version.engine not in call.can.engines:
        raise ValidationException(f"{template} uses {way.name}, which this server does not do yet.")
    roles = connections.roles_of(call.rows, environment)
    if roles is None:
        raise ConflictException(connections.lost(environment))
    _refuse(way.refuses, environment, f"with {way.name}, which {template} uses")
    if way.needs is None or way.needs in {**environment, **roles}:
        return
    if _CONNECTION in environment:
        message = (
            f"the connection needs {connections.ROLES[way.needs]}: use UpdateEnvironmentAccountConnection"
        )
        raise ValidationException(f"{template} uses {way.name}, for which {message}.")
    needs = way.needs if _CONNECTION in way.refuses else f"{way.needs} or {_CONNECTION}"
    raise ValidationException(f"{template} uses {way.name}, which needs {needs}.")


def _refuse(members: tuple[str, ...], settings: Mapping[str, Any], why: str) -> None:
    for member in members:
        if member in settings:
            raise ValidationException(f"{member} cannot be given {why}.")
