"""`kill -9` of the plugin, or of it and Pulumi's engine, at 20 random points."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.engine.project import PLUGIN, Project
from tests.engine.random_kills import converges_after_kills
from tests.names import REPOSITORY
from tests.servers import LocalServer, publisher


def test_twenty_kills_leave_no_orphan_and_no_duplicate(
    restartable_server: Callable[..., LocalServer], tmp_path: Path, chance: random.Random
) -> None:
    server = restartable_server("--deploy-seconds", "2")
    template = publisher(server)(REPOSITORY / "tests" / "engine" / "workshop")
    project = Project(tmp_path / "project", server.url, home=tmp_path / "pulumi", adapter=PLUGIN)

    converges_after_kills(project, server, template, chance, points=20)
