"""Finds the row that a request names, or raises ResourceNotFoundException. Nothing is changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.errors import ResourceNotFoundException
from proton_server.persistence.tables import (
    deployments,
    environment_account_connections,
    environment_template_versions,
    environment_templates,
    environments,
    repositories,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from proton_server.operations.call import Call

_PUBLISHED = environment_template_versions.c.record["status"].as_string() == "PUBLISHED"
_MAX_NUMBER = 2**31 - 1
"""The highest number of a version that its column holds. The model lets a request name one of 20 digits."""


def environment_row(call: Call, name: str) -> sa.Row[Any]:
    """The environment. Raises ResourceNotFoundException, as the other functions here do."""
    return _found(call.rows.find(environments, name=name), f"Environment not found: {name}")


def template_row(call: Call, name: str) -> sa.Row[Any]:
    """The environment template."""
    return _found(call.rows.find(environment_templates, name=name), f"Environment template not found: {name}")


def version_row(call: Call, template: str, major: str, minor: str) -> sa.Row[Any]:
    """The version of an environment template."""
    number = {"major": int(major), "minor": int(minor)}
    row = None
    if _can_be(number):
        row = call.rows.find(environment_template_versions, template_name=template, **number)
    return _found(row, f"Environment template version not found: {template}:{major}.{minor}")


def version_numbers(call: Call, template: str, **part: int) -> Sequence[sa.Row[Any]]:
    """`major`, `minor` and `status` of a template's versions, or those of one major version, oldest first.

    Not the whole rows: each has a schema, twice.
    """
    if not _can_be(part):
        return []
    table = environment_template_versions
    status = table.c.record["status"].as_string().label("status")
    return call.rows.columns(table, table.c.major, table.c.minor, status, template_name=template, **part)


def recommended_version(call: Call, template: str, major: int) -> sa.Row[Any] | None:
    """The published minor version of a major version that new deployments get: the highest."""
    if not _can_be({"major": major}):
        return None
    table = environment_template_versions
    newest = call.rows.page(
        table,
        _PUBLISHED,
        by=[table.c.minor],
        after=None,
        limit=1,
        newest_first=True,
        template_name=template,
        major=major,
    )
    return newest[0] if newest else None


def _can_be(number: dict[str, int]) -> bool:
    """Whether a version can have this number: a larger one is an error to the database."""
    return all(part <= _MAX_NUMBER for part in number.values())


def deployment_row(call: Call, deployment_id: str) -> sa.Row[Any]:
    """The deployment."""
    return _found(call.rows.find(deployments, id=deployment_id), f"Deployment not found: {deployment_id}")


def connection_row(call: Call, connection_id: str, *, lock: bool = False) -> sa.Row[Any]:
    """The environment account connection, for either account; locked against the other one with `lock`."""
    get = call.rows.lock if lock else call.rows.find
    row = get(environment_account_connections, id=connection_id)
    return _found(row, f"Environment account connection not found: {connection_id}")


def repository_row(call: Call, provider: str, name: str) -> sa.Row[Any]:
    """The linked repository."""
    row = call.rows.find(repositories, provider=provider, name=name)
    return _found(row, f"Repository not found: {provider} {name}")


def _found(row: sa.Row[Any] | None, otherwise: str) -> sa.Row[Any]:
    if row is None:
        raise ResourceNotFoundException(otherwise)
    return row
