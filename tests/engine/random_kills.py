"""`kill -9` at random points of `pulumi up` with the plugin, and what a user does afterwards."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import time
from typing import Any

import psutil

from tests.engine.project import Project, environment, kill
from tests.servers import LocalServer

_NAMES = ("survivor-one", "survivor-two", "survivor-three")
_LONGEST = 6.0
"""Seconds. An `up` of the environments takes about as long."""


def converges_after_kills(
    project: Project, server: LocalServer, template: str, chance: random.Random, *, points: int
) -> None:
    """Kills the plugin, or it and the engine, at so many points; after each the next `up` completes all.

    What a user has to do in between: `pulumi cancel`, since an engine that was killed leaves the stack
    locked; and in the end `pulumi refresh --clear-pending-creates`, since Pulumi goes on warning of creates
    whose end it has not seen.
    """
    proton = server.client("proton")
    for point in range(1, points + 1):
        wanted = {name: environment(template, name, spec={"label": f"point-{point}"}) for name in _NAMES}
        project.declare(**wanted)
        if chance.random() < 0.3:
            project.pulumi("destroy", "--yes", "--skip-preview")
        engine = project.start("up", "--yes", "--skip-preview")
        time.sleep(chance.uniform(0, _LONGEST))
        if chance.random() < 0.5:
            kill(engine)
        else:
            _kill_plugin(engine)
        project.pulumi("cancel", "--yes")

        project.up()

        live = {item["name"] for item in proton.list_environments()["environments"]}
        assert live == set(_NAMES)
        for name in _NAMES:
            record = proton.get_environment(name=name)["environment"]
            assert record["deploymentStatus"] == "SUCCEEDED", record
            assert f"label: point-{point}" in record["spec"]
            assert _creating(proton, record["arn"]) == [], "the create has ended"
        if "pending_operations" in json.loads(project.state())["deployment"]:
            project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
        assert "pending_operations" not in json.loads(project.state())["deployment"]
        assert project.preview().summary == {"same": len(_NAMES) + 1}
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert proton.list_environments()["environments"] == []
    assert server.client("cloudformation").describe_stacks()["Stacks"] == []


def _creating(proton: Any, arn: str) -> list[dict[str, str]]:
    tags = proton.list_tags_for_resource(resourceArn=arn)["tags"]
    return [tag for tag in tags if tag["key"] == "pulumi:creating"]


def _kill_plugin(engine: subprocess.Popen[str]) -> None:
    """Kills the plugin alone, if it has been started, and lets the engine end."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in psutil.Process(engine.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "pulumi-resource-aws-proton" in " ".join(one.cmdline()):
                    one.kill()
    output, _ = engine.communicate(timeout=120)
    assert "Traceback" not in output, output
