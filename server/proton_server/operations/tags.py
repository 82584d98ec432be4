"""TagResource, UntagResource, ListTagsForResource: for every resource that can be tagged.

The tags that begin with `aws:` are not stored: they follow from the resource, and users cannot edit them.
https://docs.aws.amazon.com/proton/latest/userguide/resources.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.operations.call import page
from proton_server.operations.errors import AccessDeniedException, ResourceNotFoundException
from proton_server.operations.tagging import owner_tags, put_tags, refuse_reserved
from proton_server.persistence.tables import (
    environment_account_connections,
    environment_template_versions,
    environment_templates,
    environments,
    repositories,
    tags,
)
from proton_server.provisioning.proton_tags import ACCOUNT_TAG, ENVIRONMENT_TAG, TEMPLATE_TAG

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proton_server.operations.call import Call

_TAGGABLE = (
    environments,
    environment_account_connections,
    environment_templates,
    environment_template_versions,
    repositories,
)
"""The tables whose records can be tagged. Deployments cannot."""


def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Adds tags, or gives existing ones a new value."""
    _resource(call, request["resourceArn"])
    put_tags(call, request["resourceArn"], request["tags"])
    return {}


def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Removes tags; one that does not exist is no error."""
    _resource(call, request["resourceArn"])
    refuse_reserved(request["tagKeys"])
    for key in request["tagKeys"]:
        call.rows.delete(tags, arn=request["resourceArn"], key=key)
    return {}


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A resource's tags, AWS's own among them, in order of their keys."""
    arn = request["resourceArn"]
    everything = [*_managed_tags(call, _resource(call, arn)), *owner_tags(call, arn)]
    everything.sort(key=lambda tag: tag["key"])
    shown, token = page(
        call,
        request,
        lambda after, limit: [tag for tag in everything if not after or tag["key"] > after[0]][:limit],
        lambda tag: [tag["key"]],
    )
    return {"tags": shown, "nextToken": token}


def _resource(call: Call, arn: str) -> sa.Row[Any]:
    for table in _TAGGABLE:
        for row in call.rows.all(table, table.c.record["arn"].as_string() == arn):
            if row.account_id != call.account_id:
                # The other account of a connection can read it, but not tag it.
                raise AccessDeniedException(
                    f"{call.operation} is for the account of the resource, {row.account_id}."
                )
            return row
    raise ResourceNotFoundException(f"Resource not found: {arn}")


def _managed_tags(call: Call, row: sa.Row[Any]) -> list[dict[str, str]]:
    """AWS's own: of everything but connections, for which it generates none."""
    arn = row.record["arn"]
    noun = arn.removeprefix(call.arn("")).partition("/")[0]
    if noun == "environment-account-connection":
        return []
    managed = {f"aws:{ACCOUNT_TAG}": call.account_id}
    if noun != "repository":
        template = row.record.get("templateName") or row.record["name"]
        managed[f"aws:{TEMPLATE_TAG}"] = call.arn(f"environment-template/{template}")
    if noun == "environment":
        managed[f"aws:{ENVIRONMENT_TAG}"] = arn
    return [{"key": key, "value": value} for key, value in managed.items()]
