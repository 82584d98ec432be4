"""The plugin as a process: started by hand for a debugger, killed at any time, and gone with its engine."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import PLUGIN, Project, environment, with_plugin
from tests.engine.random_kills import converges_after_kills
from tests.servers import LocalServer

_PROGRAM = Path(sys.executable).with_name("pulumi-resource-aws-proton")


@pytest.fixture
def plugin_port(project: Project) -> Iterator[str]:
    """The port of a plugin that somebody has started, with an engine's address at which there is none."""
    command = [_PROGRAM, "127.0.0.1:9"]
    with subprocess.Popen(command, env=project.environment, stdout=subprocess.PIPE, text=True) as plugin:
        assert plugin.stdout
        yield plugin.stdout.readline().strip()
        assert plugin.poll() is None, "it serves one command after the other"
        plugin.terminate()
        assert plugin.wait(timeout=30) == 0


@with_plugin
def test_a_plugin_that_was_started_by_hand_serves_one_command_after_the_other(
    project: Project, proton: Any, workshop: str, plugin_port: str
) -> None:
    project.declare(dev=environment(workshop, "debugged"))
    project.environment["PULUMI_DEBUG_PROVIDERS"] = f"aws-proton:{plugin_port}"
    # Nothing else could be found.
    manifest = project.folder / "Pulumi.yaml"
    manifest.write_text(manifest.read_text().partition("plugins:")[0])

    project.up()
    assert proton.get_environment(name="debugged")["environment"]["deploymentStatus"] == "SUCCEEDED"
    project.declare(dev=environment(workshop, "debugged", spec={"days": 99}))
    assert "spec.days: must be at most 14" in project.pulumi("preview", fails=True).text
    project.pulumi("destroy", "--yes", "--skip-preview")


def test_what_is_killed_at_any_time_is_completed_by_the_next_up(
    tmp_path: Path, slow_server: LocalServer, publish: Any, pulumi_home: Path
) -> None:
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")  # noqa: T201 - for whoever sees it fail
    project = Project(tmp_path / "project", slow_server.url, home=pulumi_home, adapter=PLUGIN)
    template = publish("tests/engine/workshop", server=slow_server)

    converges_after_kills(project, slow_server, template, random.Random(seed), points=3)
