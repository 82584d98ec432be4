"""What pure tests hand to `check` in the place of a running service: plain answers, no behaviour."""

from __future__ import annotations

import dataclasses
from typing import Any

from aws_proton_provider.core.ownership import Tags
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT

ROLE = "arn:aws:iam::123456789012:role/proton"
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
CONNECTION = "0fb4ee0b-1f5c-4f0c-a1bc-111111111111"
OTHER_CONNECTION = "0fb4ee0b-1f5c-4f0c-a1bc-222222222222"
REPOSITORY = {"provider": "GITHUB", "name": "team/infra", "branch": "main"}

INPUTS: dict[str, Any] = {
    "name": "dev",
    "templateName": "vpc",
    "templateMajorVersion": "2",
    "templateMinorVersion": "1",
    "spec": {"cidr": "10.0.0.0/16"},
    "protonServiceRoleArn": ROLE,
    "waitForDeployment": True,
    "tagsAll": {},
}
"""Checked inputs of an environment."""


def version(minor: str, *, recommended: str | None = None, status: str = "PUBLISHED") -> dict[str, str]:
    """A version as ListEnvironmentTemplateVersions has it."""
    summary = {"minorVersion": minor, "status": status}
    return summary if recommended is None else summary | {"recommendedMinorVersion": recommended}


def connection(identifier: str = CONNECTION, **different: str) -> dict[str, str]:
    """A connection as ListEnvironmentAccountConnections has it."""
    return {
        "id": identifier,
        "status": "CONNECTED",
        "environmentName": "dev",
        "environmentAccountId": ENVIRONMENT_ACCOUNT,
        "managementAccountId": MANAGEMENT,
        **different,
    }


@dataclasses.dataclass
class KnownService:
    """A service of one template, `vpc`: its versions by major version, one schema, and connections."""

    versions: dict[str, list[dict[str, str]]] = dataclasses.field(default_factory=dict)
    schema: dict[str, Any] | None = None
    listed: list[dict[str, str]] | None = None
    users: dict[str, str] = dataclasses.field(default_factory=dict)
    live: dict[str, tuple[dict[str, Any], Tags]] = dataclasses.field(default_factory=dict)
    requests: list[tuple[dict[str, Any], Tags]] = dataclasses.field(default_factory=list)
    provisioning: str | None = None
    owners: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def environments(self) -> dict[str, dict[str, Any]]:
        return {name: record for name, (record, _) in self.live.items()}

    def environment(self, name: str) -> tuple[dict[str, Any], Tags] | None:
        return self.live.get(name)

    def template(self, name: str) -> dict[str, Any]:
        known = {"name": name} | ({"provisioning": self.provisioning} if self.provisioning else {})
        return known if name == "vpc" else {}

    def requested(self) -> list[dict[str, Any]]:
        return [request for request, _ in self.requests]

    def tags_of(self, arn: str) -> Tags | None:
        return next((tags for request, tags in self.requests if request["arn"] == arn), None)

    def is_owner(self, owner: str, *former: str) -> tuple[str, ...]:
        self.owners[owner] = tuple(dict.fromkeys((owner, *self.owners.get(owner, ()), *former)))
        return self.owners[owner]

    def minor_versions(self, template: str, major: str) -> list[dict[str, str]]:
        return self.versions.get(major, []) if template == "vpc" else []

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        return self.schema

    def connections(self) -> list[dict[str, str]] | None:
        return self.listed

    def used_by(self, connection: dict[str, Any]) -> str | None:
        return self.users.get(connection["id"])
