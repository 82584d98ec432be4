"""What `check` may ask of the service, for a preview that knows as much as can be known."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from aws_proton_provider.aws.answers import Answers, until_a_write
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.pages import LARGEST_PAGE
from aws_proton_provider.core import spec
from aws_proton_provider.core.errors import AccessDenied, NotFound, ProtonError, Refused
from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.connection_lookup import (
    environment_using,
    list_addressed_connections,
    list_requested_connections,
)
from aws_proton_provider.resources.environment.listing import shared_environments
from aws_proton_provider.resources.environment.waits import get_environment
from aws_proton_provider.resources.tags import read_tags


class ProtonService:
    """`Service` over the API, and the answers that all operations on its account share.

    Each listing is asked for once and remembered, for all resources of one command: a preview of N
    environments costs ⌈N/100⌉ ListEnvironments and one call for each template version. What the
    caller may not read is unknown. So is what only warns or refuses earlier (environments, templates, tags)
    when the server does not answer; without a schema or a connection's status a preview would promise too
    much, and there the error is raised.
    """

    def __init__(self, proton: Proton) -> None:
        self.answers = Answers()
        self._proton = proton
        self._adding = threading.Lock()
        self._owners: dict[str, tuple[str, ...]] = {}

    def environments(self) -> Mapping[str, State] | None:
        """The environments of the account by name."""
        return shared_environments(self._proton, self.answers)

    def environment(self, name: str) -> tuple[State, Tags] | None:
        """An environment as it is at this moment, and its tags."""
        try:
            live = get_environment(name, self._proton)
            return live, read_tags(live["arn"], self._proton)
        except ProtonError:
            return None

    def template(self, name: str) -> State | None:
        """An environment template as ListEnvironmentTemplates has it, empty where there is none."""
        listed = self.answers.of(
            lambda: {
                item["name"]: item
                for item in self._proton.all_of(
                    "list_environment_templates", "templates", maxResults=LARGEST_PAGE
                )
            },
            "templates",
            unknown=ProtonError,
        )
        if listed is None or name in listed:
            return None if listed is None else listed[name]
        try:
            # It may have been made since, by this very program.
            found: State = self._proton.call("get_environment_template", name=name)["environmentTemplate"]
        except NotFound:
            return {}
        except ProtonError:
            return None
        return found

    def minor_versions(self, template: str, major: str) -> list[State] | None:
        """The versions under a major version, as ListEnvironmentTemplateVersions has them."""

        def ask() -> list[State]:
            try:
                return self._proton.all_of(
                    "list_environment_template_versions",
                    "templateVersions",
                    templateName=template,
                    majorVersion=major,
                    maxResults=LARGEST_PAGE,
                )
            except NotFound:
                return []

        return self.answers.of(ask, "versions", template, major, lasting=bool, unknown=AccessDenied)

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        """The OpenAPI 3.0 schema of a version's inputs; it never changes."""

        def ask() -> dict[str, Any] | None:
            try:
                version = self._proton.call(
                    "get_environment_template_version",
                    templateName=template,
                    majorVersion=major,
                    minorVersion=minor,
                )["environmentTemplateVersion"]
            except NotFound:
                return None
            try:
                return spec.input_schema(version["schema"]) if "schema" in version else None
            except ValueError as error:
                raise Refused(
                    f"no spec can be checked against version {major}.{minor} of template {template}: its "
                    f"schema is not valid: {error}; register a new version with a schema that is valid"
                ) from None

        return self.answers.of(ask, "schema", template, major, minor, lasting=bool, unknown=AccessDenied)

    def connections(self) -> list[State] | None:
        """All connections addressed to this account."""
        return self.answers.of(
            lambda: list_addressed_connections(self._proton),
            "connections",
            valid=until_a_write,
            unknown=AccessDenied,
        )

    def used_by(self, connection: State) -> str | None:
        """The environment that uses a connection."""
        try:
            return environment_using(connection, self._proton)
        except AccessDenied:
            return None

    def requested(self) -> list[State] | None:
        """The environment account connections that this account has requested."""
        return self.answers.of(
            lambda: list_requested_connections(self._proton),
            "requested",
            valid=until_a_write,
            unknown=ProtonError,
        )

    def tags_of(self, arn: str) -> Tags | None:
        """The tags of an object, as they are at this moment."""
        try:
            return read_tags(arn, self._proton)
        except ProtonError:
            return None

    def is_owner(self, owner: str, *former: str) -> tuple[str, ...]:
        """All names under which a resource was seen as an owner; adds `former` ones.

        A replacement is checked a second time without its old inputs, and may have been renamed meanwhile.
        """
        if not owner:
            return former
        with self._adding:
            known = dict.fromkeys((owner, *self._owners.get(owner, ()), *former))
            self._owners[owner] = tuple(known)
            return self._owners[owner]
