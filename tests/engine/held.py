"""Environments whose deployments go on until the test says that they have ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.project import environment
from tests.names import REPOSITORY
from tests.server.self_managed.git_repository import GitRepository, notify
from tests.servers import LocalServer, publisher
from tests.waiting import eventually

BUNDLE = REPOSITORY / "examples" / "06-self-managed" / "template"
STATUS_MESSAGE = "as the automation has it"
"""What is notified with the end of a deployment."""


class HeldEnvironments:
    """Self-managed environments of a template of its own: the test is the automation that provisions them."""

    def __init__(self, server: LocalServer) -> None:
        self.proton = server.client("proton")
        self._template = publisher(server)(Path(BUNDLE))
        self._repository = GitRepository(server)

    def arguments(self, name: str, **more: Any) -> dict[str, Any]:
        """The arguments of an environment of this kind."""
        held = environment(self._template, name, spec={"cidr_block": "10.0.0.0/16"}, **more)
        del held["proton_service_role_arn"]
        return held | {"provisioning_repository": self._repository.link}

    def in_progress(self) -> set[str]:
        """The names of those whose deployment is in progress."""
        pages = self.proton.get_paginator("list_environments").paginate()
        return {
            item["name"]
            for page in pages
            for item in page["environments"]
            if item["templateName"] == self._template and item["deploymentStatus"] == "IN_PROGRESS"
        }

    def wait_for(self, *names: str) -> None:
        """Waits until exactly these are being deployed, all at the same time."""
        eventually(lambda: self.in_progress() == set(names))

    def release(self, *names: str, status: str = "SUCCEEDED") -> None:
        """Ends the deployments that are in progress."""
        for name in names:
            record = self.proton.get_environment(name=name)["environment"]
            outputs = [{"key": "name", "valueString": name}]
            notify(self.proton, record, status, statusMessage=STATUS_MESSAGE, outputs=outputs)
