"""Environment templates: a name with versions below it.

https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironmentTemplate.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.call import digest, page, refuse_unless_repeated
from proton_server.operations.errors import ValidationException
from proton_server.operations.rows import template_row
from proton_server.operations.tagging import drop_tags, put_tags
from proton_server.persistence.tables import environment_template_versions, environment_templates

if TYPE_CHECKING:
    from proton_server.operations.call import Call


def create_environment_template(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Creates a template without versions. A repeated request returns the existing one."""
    name = request["name"]
    existing = call.rows.find(environment_templates, name=name)
    if existing is not None:
        refuse_unless_repeated(f"Environment template {name}", existing, request)
        return {"environmentTemplate": existing.record}
    given = {key: value for key, value in request.items() if key != "tags"}
    record = {
        **given,
        "arn": call.arn(f"environment-template/{name}"),
        "createdAt": call.now,
        "lastModifiedAt": call.now,
    }
    call.rows.insert(environment_templates, name=name, record=record, created_by=digest(request))
    put_tags(call, record["arn"], request.get("tags", []))
    return {"environmentTemplate": record}


def get_environment_template(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The template; `recommendedVersion` is absent until a version is published."""
    return {"environmentTemplate": template_row(call, request["name"]).record}


def update_environment_template(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Changes the description and display name; the rest of a template is fixed at its creation."""
    row = template_row(call, request["name"])
    record = {**row.record, **request, "lastModifiedAt": call.now}
    call.rows.update(environment_templates, {"name": row.name}, record=record, created_by=None)
    return {"environmentTemplate": record}


def delete_environment_template(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Removes a template without versions. It succeeds without a result if there is none."""
    row = call.rows.find(environment_templates, name=request["name"])
    if row is None:
        return {}
    if call.rows.all(environment_template_versions, template_name=row.name):
        # AWS's own message, and ValidationException is its code.
        raise ValidationException("Environment template has major versions that must first be deleted.")
    call.rows.delete(environment_templates, name=row.name)
    drop_tags(call, row.record["arn"])
    return {"environmentTemplate": row.record}


def list_environment_templates(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The templates in order of their names."""
    table = environment_templates
    rows, token = page(
        call,
        request,
        lambda after, limit: call.rows.page(table, by=[table.c.name], after=after, limit=limit),
        lambda row: [row.name],
    )
    return {"templates": [row.record for row in rows], "nextToken": token}
