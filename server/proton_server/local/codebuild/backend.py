"""The local CodeBuild, in place of moto's: projects are moto's, builds are ours and really run."""

from __future__ import annotations

import threading
import uuid
from types import ModuleType
from typing import Any

from moto.codebuild import models
from moto.codebuild.exceptions import InvalidInputException

from proton_server.local.codebuild.build import Build
from proton_server.local.codebuild.session import account_session
from proton_server.local.codebuild.workspace import builds_folder

_OFF = (
    "This local AWS runs no builds: it was started with --no-local-builds. Start `proton-server local` "
    "without that, and the commands of builds run on this machine."
)


class LocalCodeBuild(models.CodeBuildBackend):
    """One account's CodeBuild in one region."""

    endpoint: str | None = None
    """Where builds reach the local AWS; None: builds are refused."""
    wire: ModuleType
    """The handlers of requests. moto would look for them beside this class."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._builds: dict[str, Build] = {}
        self._by_token: dict[tuple[str, str], Build] = {}
        self._starting = threading.Lock()

    @property
    def _url_module(self) -> Any:
        return self.wire

    def change_project(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Change the members that are given."""
        project = self.codebuild_projects[name]
        project.project_metadata.update(given)
        return project.project_metadata

    def run_build(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Begin a build, or answer with the one that the same idempotencyToken began.

        Raises:
            InvalidInputException: builds are switched off.

        """
        if self.endpoint is None:
            raise InvalidInputException(_OFF)
        token = request.get("idempotencyToken") or str(uuid.uuid4())
        with self._starting:
            build = self._by_token.get((name, token))
            if build is None:
                build = self._by_token[name, token] = self._new_build(self.endpoint, name, request)
                build.begin()
        return build.describe()

    def _new_build(self, endpoint: str, name: str, request: dict[str, Any]) -> Build:
        session = account_session(endpoint, self.account_id, self.region_name)
        project, history = self.codebuild_projects[name].project_metadata, self.build_history[name]
        build = Build(len(history) + 1, project, request, session, builds_folder())
        self._builds[build.id] = build
        history.insert(0, build.id)
        return build

    def batch_get_builds(self, ids: list[str]) -> list[dict[str, Any]]:
        """The builds as they are now."""
        return [self._builds[build_id].describe() for build_id in ids if build_id in self._builds]

    def stop_build(self, build_id: str) -> dict[str, Any]:
        """End a build and all that its commands have started."""
        self._builds[build_id].stop()
        return self._builds[build_id].describe()
