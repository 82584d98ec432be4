"""What `check` needs from outside: the stack's configuration, and what it may ask of AWS Proton."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.values import State


class Service(Protocol):
    """What `check` may ask of AWS Proton. None: access is denied, or the server does not answer.

    A listing is asked for once for all resources of a preview.
    """

    def environments(self) -> Mapping[str, State] | None:
        """The environments of the account by name, as ListEnvironments has them."""

    def environment(self, name: str) -> tuple[State, Tags] | None:
        """An environment as it is at this moment, and its tags; None where there is none, too."""

    def template(self, name: str) -> State | None:
        """An environment template as ListEnvironmentTemplates has it, empty where there is none."""

    def minor_versions(self, template: str, major: str) -> list[State] | None:
        """The versions under a major one: minorVersion, status and, once known, recommendedMinorVersion."""

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        """The OpenAPI 3.0 schema of a version's inputs."""

    def connections(self) -> list[State] | None:
        """The environment account connections addressed to this account."""

    def used_by(self, connection: State) -> str | None:
        """The environment that uses a connection."""

    def requested(self) -> list[State] | None:
        """The environment account connections that this account has requested."""

    def tags_of(self, arn: str) -> Tags | None:
        """The tags of an object, as they are at this moment."""

    def is_owner(self, owner: str, *former: str) -> tuple[str, ...]:
        """All names under which a resource was seen as an owner in this preview; adds `former` ones."""


@dataclasses.dataclass(frozen=True)
class CheckContext:
    """What `check` needs from outside the program: the stack's configuration, and the service.

    `service` is None where it cannot be asked, since the account to ask in does not exist yet.
    """

    default_tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    max_deployment_type: str | None = None
    service: Service | None = None
