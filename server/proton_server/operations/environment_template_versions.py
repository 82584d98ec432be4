"""Versions of environment templates: registered from a bundle in S3, numbered, published, deleted.

Registration itself happens in the background (`engine/registrations.py`). How versions are numbered and which
one is recommended: https://docs.aws.amazon.com/proton/latest/userguide/ag-template-versions.html
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from proton_server.operations.call import page
from proton_server.operations.client_tokens import made_before, remember
from proton_server.operations.errors import ConflictException, ResourceNotFoundException, ValidationException
from proton_server.operations.rows import recommended_version, template_row, version_numbers, version_row
from proton_server.operations.tagging import drop_tags, owner_tags, put_tags
from proton_server.persistence.tables import (
    bundles,
    deployments,
    environment_template_versions,
    environment_templates,
    environments,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proton_server.operations.call import Call


def create_environment_template_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Numbers a version; it is registered in the background.

    Without majorVersion it is the first minor of a new major version, with it the next minor under it.
    """
    template = template_row(call, request["templateName"])
    repeated = made_before(call, request, lambda made: call.rows.find(environment_template_versions, id=made))
    if repeated is not None:
        return {"environmentTemplateVersion": _shown(call, repeated)}
    major, minor = _next_number(call, template.name, request.get("majorVersion"))
    record = {
        "arn": call.arn(f"environment-template/{template.name}:{major}.{minor}"),
        "templateName": template.name,
        "majorVersion": str(major),
        "minorVersion": str(minor),
        "status": "REGISTRATION_IN_PROGRESS",
        "createdAt": call.now,
        "lastModifiedAt": call.now,
    }
    if "description" in request:
        record["description"] = request["description"]
    version_id = str(uuid.uuid4())
    call.rows.insert(
        environment_template_versions,
        template_name=template.name,
        major=major,
        minor=minor,
        id=version_id,
        record=record,
        source=request["source"]["s3"],
        next_at=0.0,
    )
    put_tags(
        call,
        record["arn"],
        _with_inherited(request.get("tags", []), owner_tags(call, template.record["arn"])),
    )
    remember(call, request, version_id)
    return {
        "environmentTemplateVersion": _shown(call, version_row(call, template.name, str(major), str(minor)))
    }


def get_environment_template_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The version with its schema, once it is registered."""
    return {"environmentTemplateVersion": _shown(call, _requested(call, request))}


def update_environment_template_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Changes the description, and publishes. A PUBLISHED version cannot become a draft again."""
    row = _requested(call, request)
    changes: dict[str, Any] = {"lastModifiedAt": call.now}
    if "description" in request:
        changes["description"] = request["description"]
    if "status" in request:
        _check_publication(row, request["status"])
        changes["status"] = "PUBLISHED"
    record = {**row.record, **changes}
    call.rows.update(environment_template_versions, {"id": row.id}, record=record)
    if "status" in changes:
        _recommend(call, row)
    return {"environmentTemplateVersion": _shown(call, _requested(call, request))}


def delete_environment_template_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Deletes a version that nothing uses. It succeeds without a result if there is none."""
    try:
        row = _requested(call, request)
    except ResourceNotFoundException:
        return {}
    _check_deletion(call, row)
    shown = _shown(call, row)
    call.rows.delete(environment_template_versions, id=row.id)
    call.rows.delete(bundles, version_id=row.id)
    drop_tags(call, row.record["arn"])
    template = template_row(call, row.template_name)
    if template.record.get("recommendedVersion") == f"{row.major}.{row.minor}":
        left = {key: value for key, value in template.record.items() if key != "recommendedVersion"}
        call.rows.update(environment_templates, {"name": template.name}, record=left)
    return {"environmentTemplateVersion": shown}


def list_environment_template_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The minor versions of a major version; without majorVersion, one entry for each major version."""
    template = template_row(call, request["templateName"])
    part = {"major": int(request["majorVersion"])} if "majorVersion" in request else {}
    numbers = version_numbers(call, template.name, **part)
    recommended = {number.major: number.minor for number in numbers if number.status == "PUBLISHED"}
    wanted = [(number.major, number.minor) for number in numbers]
    if not part:
        # A major version is shown by its recommended minor version, else by its newest.
        wanted = list((dict(wanted) | recommended).items())
    shown, token = page(
        call,
        request,
        lambda after, limit: [number for number in wanted if not after or list(number) > list(after)][:limit],
        list,
    )
    table = environment_template_versions
    rows = call.rows.all(
        table, sa.tuple_(table.c.major, table.c.minor).in_(shown), template_name=template.name
    )
    return {
        "templateVersions": [_summary(row, recommended.get(row.major)) for row in rows],
        "nextToken": token,
    }


def _requested(call: Call, request: dict[str, Any]) -> sa.Row[Any]:
    return version_row(call, request["templateName"], request["majorVersion"], request["minorVersion"])


def _shown(call: Call, row: sa.Row[Any]) -> dict[str, Any]:
    recommended = recommended_version(call, row.template_name, row.major)
    return _summary(row, None if recommended is None else recommended.minor)


def _summary(row: sa.Row[Any], recommended_minor: int | None) -> dict[str, Any]:
    # AWS's walk-through shows "0" for a major version of which nothing is published yet.
    return {**row.record, "recommendedMinorVersion": str(recommended_minor or 0)}


def _next_number(call: Call, template: str, major: str | None) -> tuple[int, int]:
    numbers = version_numbers(call, template)
    if major is None:
        return (numbers[-1].major + 1 if numbers else 1), 0
    minors = [number.minor for number in numbers if number.major == int(major)]
    # Tools of AWS's own pass "1" for the very first version, and succeeded.
    if not minors and (numbers or major != "1"):
        message = f"Environment template {template} has no major version {major}"
        raise ResourceNotFoundException(f"{message}: leave majorVersion out for a new one.")
    return int(major), max(minors, default=-1) + 1


def _with_inherited(
    given: Sequence[dict[str, str]], parents: Sequence[dict[str, str]]
) -> list[dict[str, str]]:
    # "Customer managed tags propagate to child AWS Proton resources in the same way that AWS managed tags
    # do", at the child's creation only.
    keys = {tag["key"] for tag in given}
    return [*given, *(tag for tag in parents if tag["key"] not in keys)]


def _check_publication(row: sa.Row[Any], status: str) -> None:
    if status != "PUBLISHED":
        raise ValidationException(
            f"The status of a version can be changed to PUBLISHED only, not to {status}."
        )
    if row.record["status"] not in ("DRAFT", "PUBLISHED"):
        message = f"{row.record['arn']} is {row.record['status']}, and only a DRAFT version can be published."
        raise ConflictException(message)


def _recommend(call: Call, row: sa.Row[Any]) -> None:
    """The highest published version is the recommended one; an older one published later is not."""
    template = template_row(call, row.template_name)
    highest = max(
        (number.major, number.minor)
        for number in version_numbers(call, template.name)
        if number.status == "PUBLISHED"
    )
    record = {**template.record, "recommendedVersion": "{}.{}".format(*highest), "lastModifiedAt": call.now}
    call.rows.update(environment_templates, {"name": template.name}, record=record)


def _check_deletion(call: Call, row: sa.Row[Any]) -> None:
    """The rules of the API reference's page on DeleteEnvironmentTemplateVersion."""
    arn = row.record["arn"]
    user = _user(call, row)
    if user is not None:
        raise ConflictException(f"{arn} is used by environment {user} and cannot be deleted.")
    mine = (row.major, row.minor)
    others = [
        number for number in version_numbers(call, row.template_name) if (number.major, number.minor) != mine
    ]
    number = f"{row.major}.{row.minor}"
    if others and template_row(call, row.template_name).record.get("recommendedVersion") == number:
        raise ConflictException(
            f"{arn} is the recommended version and cannot be deleted while there are others."
        )
    recommended = recommended_version(call, row.template_name, row.major)
    siblings = [other for other in others if other.major == row.major]
    if siblings and recommended is not None and recommended.id == row.id:
        message = f"{arn} is the recommended minor version and cannot be deleted"
        raise ConflictException(f"{message} while there are other minor versions.")


def _user(call: Call, version: sa.Row[Any]) -> str | None:
    """The name of an environment that has this version or is being brought to it."""
    wanted = {
        "templateName": version.record["templateName"],
        "templateMajorVersion": version.record["majorVersion"],
        "templateMinorVersion": version.record["minorVersion"],
    }

    def at_version(state: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        return [state[member].as_string() == value for member, value in wanted.items()]

    deployed = call.rows.all(environments, *at_version(environments.c.record))
    target = at_version(deployments.c.record["targetState"]["environment"])
    coming = call.rows.all(deployments, deployments.c.next_at.is_not(None), *target)
    names = [row.name for row in deployed] + [row.environment_name for row in coming]
    return names[0] if names else None
