"""The plugin while it waits: for many at once, until the user interrupts it, or until its time has passed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.engine.held import STATUS_MESSAGE, HeldEnvironments
from tests.engine.project import PLUGIN, Project, calls, deployments
from tests.names import unique
from tests.servers import LocalServer
from tests.waiting import eventually

MANY = 100
_UP = ("up", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def held(proton_server: LocalServer) -> HeldEnvironments:
    return HeldEnvironments(proton_server)


@pytest.fixture
def team(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path) -> Project:
    """A project with the plugin, in the Region of the environments that are held."""
    return Project(tmp_path / "project", proton_server.url, home=pulumi_home, adapter=PLUGIN)


def _interrupt(process: subprocess.Popen[str]) -> str:
    """Ctrl-C in the terminal of a command; its output."""
    os.killpg(process.pid, signal.SIGINT)
    return _output(process)


def _output(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert "Traceback" not in output, output
    return output


def _resumed(
    team: Project, held: HeldEnvironments, server: LocalServer, name: str, status: str = "SUCCEEDED"
) -> str:
    """An `up` that waits for the deployment, which ends with `status` once it was asked for."""
    before = calls(server).count("GetEnvironment")
    resuming = team.start(*_UP)
    eventually(lambda: calls(server).count("GetEnvironment") > before)
    held.wait_for(name)
    held.release(name, status=status)
    output = _output(resuming)
    assert (resuming.returncode == 0) == (status == "SUCCEEDED"), output
    return output


def test_a_hundred_environments_are_deployed_at_once(team: Project, held: HeldEnvironments) -> None:
    names = [unique("many") for _ in range(MANY)]
    team.declare(**{name: held.arguments(name) for name in names})

    creating = team.start(*_UP, "-p", str(MANY))
    held.wait_for(*names)
    held.release(*names)

    output = _output(creating)
    assert creating.returncode == 0, output
    assert team.outputs()[names[-1]] == {"name": names[-1]}
    team.pulumi("destroy", "--yes", "--skip-preview", "-p", str(MANY))


def test_an_interrupt_ends_a_wait_and_the_next_up_goes_on_with_the_same_environment(
    team: Project, held: HeldEnvironments, proton_server: LocalServer
) -> None:
    name = unique("interrupted")
    team.declare(dev=held.arguments(name))

    creating = team.start(*_UP)
    held.wait_for(name)
    output = _interrupt(creating)
    assert creating.returncode != 0
    assert held.in_progress() == {name}, "nothing has ended the deployment itself"
    assert f"environment {name}: the deployment of this create" in output
    assert team.resources()["dev"]["initErrors"]

    assert " updated" in _resumed(team, held, proton_server, name)
    assert len(deployments(held.proton, name)) == 1
    assert "initErrors" not in team.resources()["dev"]
    assert team.preview().summary == {"same": 2}

    team.declare(dev=held.arguments(name, redeploy_triggers={"run": 2}))
    updating = team.start(*_UP)
    held.wait_for(name)
    _interrupt(updating)
    _resumed(team, held, proton_server, name)
    assert len(deployments(held.proton, name)) == 2
    assert team.outputs()["dev"] == {"name": name}
    assert team.preview().summary == {"same": 2}
    destroyed = team.pulumi("destroy", "--yes", "--skip-preview").text
    assert "SUCCEEDED" not in destroyed, "how the last deployment ended is no status of the deletion"


def test_what_is_waited_for_what_took_too_long_and_what_failed_is_said_of_the_resource(
    team: Project, held: HeldEnvironments, proton_server: LocalServer
) -> None:
    name = unique("impatient")
    source = f"""
        import pulumi
        import pulumi_aws_proton as proton

        proton.Environment(
            "dev", **{held.arguments(name)!r},
            opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2s")),
        )
    """
    team.program(source)

    result = team.up(fails=True)

    assert f"environment {name}: the deployment of this create took longer than 2 s" in result.error()
    row = "aws-proton:index:Environment dev creating"
    shown = [line for line in result.text.splitlines() if row in line and "IN_PROGRESS: Waiting for" in line]
    assert shown

    failed = _resumed(team, held, proton_server, name, "FAILED")
    said = f"aws-proton:index:Environment (dev):\n    error: environment {name}: FAILED: {STATUS_MESSAGE} ("
    assert said in failed
    assert team.resources()["dev"]["initErrors"]

    _resumed(team, held, proton_server, name)
    assert team.preview().summary == {"same": 2}
