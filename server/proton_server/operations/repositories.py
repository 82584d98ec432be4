"""Linked repositories: where the pull requests of self-managed environments are opened.

A link is a record of an account for which the server has a token of the hosting service; whether the token
may write to the repository is seen at the first pull request.
https://docs.aws.amazon.com/proton/latest/userguide/ag-create-repo.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from proton_server.operations.call import digest, page, refuse_unless_repeated
from proton_server.operations.errors import ConflictException, ValidationException
from proton_server.operations.rows import repository_row
from proton_server.operations.tagging import drop_tags, put_tags
from proton_server.persistence.tables import account_settings, environments, repositories
from proton_server.provisioning.git_hosting import HostingError
from proton_server.provisioning.methods import REPOSITORY

if TYPE_CHECKING:
    from proton_server.operations.call import Call

_NAME = re.compile(r"(?!\.{1,2}/)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)
"""What the providers allow. The model's pattern is wider: it would let `a/../../b` through."""


def create_repository(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Links a repository. A repeated request returns the existing link.

    The server opens the pull requests: it must not open them where the account has no access.
    """
    provider, name = request["provider"], request["name"]
    existing = call.rows.find(repositories, provider=provider, name=name)
    if existing is not None:
        refuse_unless_repeated(f"Repository {provider} {name}", existing, request)
        return {"repository": existing.record}
    if not _NAME.fullmatch(name):
        raise ValidationException(f"The repository name {name!r} is not of the form owner/repository.")
    try:
        call.can.hosting(call.account_id, provider)
    except HostingError as error:
        raise ValidationException(str(error)) from None
    given = {member: value for member, value in request.items() if member != "tags"}
    record = {**given, "arn": call.arn(f"repository/{provider.lower()}:{name}")}
    call.rows.insert(repositories, provider=provider, name=name, record=record, created_by=digest(request))
    put_tags(call, record["arn"], request.get("tags", []))
    return {"repository": record}


def get_repository(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The link."""
    return {"repository": repository_row(call, request["provider"], request["name"]).record}


def delete_repository(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Removes the link, not the repository. It succeeds without a result if there is none."""
    key = {"provider": request["provider"], "name": request["name"]}
    row = call.rows.find(repositories, **key)
    if row is None:
        return {}
    user = _used_by(call, row.record["arn"])
    if user is not None:
        raise ConflictException(
            f"Repository {row.provider} {row.name} is used by {user} and cannot be deleted."
        )
    call.rows.delete(repositories, **key)
    drop_tags(call, row.record["arn"])
    return {"repository": row.record}


def list_repositories(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The links in order of provider and name."""
    by = [repositories.c.provider, repositories.c.name]
    rows, token = page(
        call,
        request,
        lambda after, limit: call.rows.page(repositories, by=by, after=after, limit=limit),
        lambda row: [row.provider, row.name],
    )
    return {"repositories": [row.record for row in rows], "nextToken": token}


def _used_by(call: Call, arn: str) -> str | None:
    """What still uses the link, if anything."""
    used = environments.c.record[(REPOSITORY, "arn")].as_string() == arn
    for environment in call.rows.all(environments, used):
        return f"environment {environment.name}"
    settings = call.rows.find(account_settings)
    if settings and settings.record.get("pipelineProvisioningRepository", {}).get("arn") == arn:
        return "the account settings"
    return None
