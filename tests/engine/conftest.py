"""The real Pulumi CLI against `proton-server local`: a program, its stack, and what the engine said of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tools import pulumi_cli

_ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/proton-service"

_PROJECT = """\
name: {name}
runtime:
  name: python
  options: {{toolchain: pip}}
"""

_DECLARED = """\
import json, pathlib
import pulumi
import pulumi_aws_proton as proton

for name, arguments in json.loads(pathlib.Path("environments.json").read_text()).items():
    environment = proton.Environment(name, **arguments)
    pulumi.export(name, environment.outputs)
    version = [environment.template_major_version, environment.template_minor_version]
    pulumi.export(f"{name}-facts", [environment.arn, *version, environment.deployment_status])
"""


@dataclasses.dataclass(frozen=True)
class Said:
    """What one Pulumi command answered."""

    code: int
    text: str

    def error(self) -> str:
        """The one error that the command showed a person (in the table and again below it)."""
        said = {line.partition("error: ")[2].strip() for line in self.text.splitlines() if "error: " in line}
        (error,) = said - {"update failed", "preview failed"}
        return error


@dataclasses.dataclass(frozen=True)
class Preview:
    """A preview, by the name that each resource has in the program."""

    steps: dict[str, dict[str, Any]]
    summary: dict[str, int]
    text: str

    def deployment_type(self, name: str) -> str | None:
        """The deploymentType that the preview shows for an environment."""
        kind: str | None = self.steps[name]["newState"]["inputs"].get("deploymentType")
        return kind


class Project:
    """A Pulumi project with one stack in a folder of its own."""

    def __init__(
        self, folder: Path, url: str, *, name: str = "engine", stack: str = "test", home: Path
    ) -> None:
        self.folder, self.stack, self.name = folder, stack, name
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = pulumi_cli.environment(home, url) | {"PULUMI_CONFIG_PASSPHRASE": "test"}
        self.environment["PULUMI_BACKEND_URL"] = folder.as_uri()
        (folder / "Pulumi.yaml").write_text(_PROJECT.format(name=name))
        self.program(_DECLARED)
        self.pulumi("stack", "init", stack)

    def program(self, source: str) -> None:
        """Makes `source` the program."""
        (self.folder / "__main__.py").write_text(textwrap.dedent(source))

    def declare(self, **environments: dict[str, Any]) -> None:
        """Makes these environments (arguments by name) the program."""
        (self.folder / "environments.json").write_text(json.dumps(environments))

    def pulumi(self, *arguments: str, fails: bool = False) -> Said:
        """Runs a command, which must succeed, or with `fails` must not."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = Said(done.returncode, done.stdout + done.stderr)
        assert (said.code != 0) == fails, said.text
        assert "Traceback" not in said.text, said.text
        return said

    def up(self, *, fails: bool = False) -> Said:
        """`pulumi up`."""
        return self.pulumi("up", "--yes", "--skip-preview", fails=fails)

    def preview(self) -> Preview:
        """`pulumi preview`, taken apart."""
        said = self.pulumi("preview", "--json")
        digest = json.loads(said.text[said.text.index("{") :])
        steps = {step["urn"].rpartition("::")[2]: step for step in digest["steps"]}
        return Preview(steps, digest["changeSummary"], said.text)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json").text)
        return found

    def state(self) -> str:
        """The whole stack as Pulumi keeps it, as text."""
        return self.pulumi("stack", "export").text

    def resources(self) -> dict[str, dict[str, Any]]:
        """The stack's custom resources by name."""
        found = json.loads(self.state())["deployment"].get("resources", [])
        return {item["urn"].rpartition("::")[2]: item for item in found if item["custom"]}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command in a process group of its own."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[str]) -> None:
    """Kills a process and all it started, without a chance to say anything."""
    # Pulumi gives each plugin a process group of its own, and one that lost its engine waits for ever.
    engine = psutil.Process(process.pid)
    for one in [engine, *engine.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()


def wait_for(look: Callable[[], Any], seconds: float = 120) -> Any:
    """What `look` answers as soon as it is true."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pulumi")


@pytest.fixture
def project(tmp_path: Path, proton_server: Any, pulumi_home: Path) -> Project:
    """A project whose AWS is the session's server."""
    return Project(tmp_path / "project", proton_server.url, home=pulumi_home)


@pytest.fixture
def proton(proton_server: Any) -> Any:
    """The server as any AWS client sees it."""
    return proton_server.client("proton")


@pytest.fixture(scope="session")
def publish(published_template: Callable[..., str]) -> Callable[..., str]:
    """Publishes bundles as versions of one template: `publish("folder", …, majors=("1", …))` → its name."""

    def versions(*folders: str, majors: tuple[str | None, ...] = ("1",), **options: Any) -> str:
        name = None
        for folder, major in zip(folders, majors, strict=True):
            name = published_template(_ROOT / folder, name=name, major_version=major, **options)
        assert name
        return name

    return versions


@pytest.fixture
def slow_server(restartable_server: Callable[..., Any]) -> Any:
    """A server of the test's own, on which every stack operation takes two seconds."""
    return restartable_server("--deploy-seconds", "2")


def writes(server: Any) -> list[str]:
    """The requests that a server logged which could have changed something."""
    calls = re.findall(r"\b([A-Z][A-Za-z]+) \d{12} [a-z0-9-]+ [A-Za-z]+ \d+ms", server.log.read_text())
    assert calls, "the server's log is not as expected"
    return [call for call in calls if not call.startswith(("Get", "List"))]


@pytest.fixture(scope="session")
def workshop(publish: Any) -> str:
    """A template with one version, as `template_name`."""
    name: str = publish("tests/engine/workshop")
    return name


@pytest.fixture(scope="session")
def queue(publish: Any) -> str:
    """The template of example 02 with its versions 1.0, 1.1 and 2.0."""
    folder = "examples/02-change-and-preview/template-v"
    name: str = publish(f"{folder}1.0", f"{folder}1.1", f"{folder}2.0", majors=("1", "1", None))
    return name


def environment(template: str, name: str, **more: Any) -> dict[str, Any]:
    """The arguments of an environment that needs no input."""
    return {
        "name": name,
        "template_name": template,
        "template_major_version": "1",
        "spec": {},
        "proton_service_role_arn": ROLE,
        **more,
    }


def deployments(proton: Any, name: str) -> list[dict[str, Any]]:
    """The deployments that the server recorded of an environment."""
    found: list[dict[str, Any]] = proton.list_deployments(environmentName=name)["deployments"]
    return found
