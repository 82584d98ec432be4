"""CodeBuild's requests that moto's wire lacks or cuts short. Everything else is moto's.

`url_bases` and `url_paths` are how moto finds the handlers of a backend.
"""

from __future__ import annotations

import json
from typing import Any, cast

from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.codebuild.urls import url_bases
from moto.core.responses import ActionResult

from proton_server.local.codebuild.backend import LocalCodeBuild

_NEWEST_FIRST = "DESCENDING"


class LocalCodeBuildResponse(CodeBuildResponse):
    """moto's CodeBuild wire with our corrections."""

    @property
    def _backend(self) -> LocalCodeBuild:
        return cast("LocalCodeBuild", self.codebuild_backend)

    def update_project(self) -> ActionResult:
        """What moto does not know."""
        request = self._request()
        return ActionResult({"project": self._backend.change_project(self._existing("name"), request)})

    def start_build(self) -> ActionResult:
        """As moto's, with everything that the request overrides."""
        return ActionResult(
            {"build": self._backend.run_build(self._existing("projectName"), self._request())}
        )

    def list_builds_for_project(self) -> ActionResult:
        """As moto's, in CodeBuild's order: newest first."""
        ids = self._backend.list_builds_for_project(self._existing("projectName"))
        newest_first = self._request().get("sortOrder", _NEWEST_FIRST) == _NEWEST_FIRST
        return ActionResult({"ids": ids if newest_first else ids[::-1]})

    def stop_build(self) -> ActionResult:
        """As moto's, for a request that may name no build."""
        self._required("id")
        return super().stop_build()

    def batch_get_builds(self) -> ActionResult:
        """As moto's, for a request that may name no builds."""
        self._required("ids")
        return super().batch_get_builds()

    def _request(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))

    def _required(self, member: str) -> Any:
        """A member of the request, which a client that builds its requests itself may leave out."""
        value = self._request().get(member)
        if not value:
            raise InvalidInputException(
                f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
                "Member must not be null"
            )
        return value

    def _existing(self, member: str) -> str:
        name = self._required(member)
        if name not in self._backend.codebuild_projects:
            arn = f"arn:aws:codebuild:{self.region}:{self.current_account}:project/{name}"
            raise ResourceNotFoundException(f"Project cannot be found: {arn}")
        return cast("str", name)


url_paths = {"{0}/$": LocalCodeBuildResponse.dispatch}

__all__ = ["LocalCodeBuildResponse", "url_bases", "url_paths"]
