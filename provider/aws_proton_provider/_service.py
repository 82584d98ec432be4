"""What `check` may ask of the service, for a preview that knows as much as can be known."""

from __future__ import annotations

import functools
from typing import Any

from . import _connections, _spec
from ._client import Proton
from ._errors import AccessDenied, NotFound
from ._values import State


class ProtonService:
    """`_lifecycle.Service` over the API.

    Whatever may not be seen is answered as unknown, never as an error.
    """

    def __init__(self, proton: Proton) -> None:
        self._proton = proton
        self._schemas: dict[tuple[str, str, str], dict[str, Any]] = {}

    def minor_versions(self, template: str, major: str) -> list[State]:
        """The versions under a major version, as ListEnvironmentTemplateVersions has them."""
        try:
            return self._proton.all_of(
                "list_environment_template_versions",
                "templateVersions",
                templateName=template,
                majorVersion=major,
            )
        except (NotFound, AccessDenied):
            return []

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        """The OpenAPI 3.0 schema of a version's inputs, asked for once: it never changes."""
        key = (template, major, minor)
        if key not in self._schemas:
            try:
                version = self._proton.call(
                    "get_environment_template_version",
                    templateName=template,
                    majorVersion=major,
                    minorVersion=minor,
                )["environmentTemplateVersion"]
            except (NotFound, AccessDenied):
                return None
            if "schema" not in version:
                return None
            self._schemas[key] = _spec.input_schema(version["schema"])
        return self._schemas[key]

    def connections(self) -> list[State] | None:
        """All connections addressed to this account."""
        try:
            return _connections.addressed_here(self._proton)
        except AccessDenied:
            return None

    def used_by(self, connection: State) -> str | None:
        """The environment that uses a connection."""
        try:
            return _connections.used_by(connection, self._proton)
        except AccessDenied:
            return None


@functools.cache
def service_of(proton: Proton) -> ProtonService:
    """The service behind a client; one for each, since it remembers schemas."""
    return ProtonService(proton)
