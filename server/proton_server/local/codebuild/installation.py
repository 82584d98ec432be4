"""Puts the local CodeBuild where moto has its own."""

from __future__ import annotations

from moto.codebuild import models

from proton_server.local.codebuild import responses
from proton_server.local.codebuild.backend import LocalCodeBuild


def install(endpoint: str | None) -> None:
    """Replace moto's CodeBuild. Must run before moto serves its first request.

    Args:
        endpoint: where builds reach the local AWS; None: builds are refused.

    """
    LocalCodeBuild.endpoint = endpoint
    LocalCodeBuild.wire = responses
    models.codebuild_backends.backend = LocalCodeBuild
