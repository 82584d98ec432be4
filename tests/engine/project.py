"""The real Pulumi CLI: a project, its program and stack, and what the engine printed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.names import REGION, SERVICE_ROLE
from tools import pulumi_cli

DYNAMIC, PLUGIN = "dynamic", "plugin"
"""The adapters: dynamic resources, and the native plugin."""

with_dynamic = pytest.mark.parametrize("adapter", [DYNAMIC], indirect=True)
with_plugin = pytest.mark.parametrize("adapter", [PLUGIN], indirect=True)
"""Tests that run with one of them: what they show is no matter of the adapter, or only there."""

_PROJECT = f"""\
name: {{name}}
runtime:
  name: python
  options: {{{{toolchain: pip}}}}
plugins:
  providers:
    - {{{{name: aws-proton, path: {Path(sys.executable).parent}}}}}
"""

_IMPORT = "import pulumi_aws_proton as"
"""The line of a program that says which adapter it uses."""

_IMPORTS = {DYNAMIC: _IMPORT, PLUGIN: "import pulumi_aws_proton.plugin as"}

_ITS_OWN = re.compile(
    r"^(update failed|[Pp]review failed|1 error occurred)(: |:?$)(step application failed: )?"
)

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
class CommandResult:
    """The exit code of a Pulumi command, and what it printed."""

    code: int
    text: str

    def error(self) -> str:
        """The one error that the command showed a person (in the table and again below it)."""
        # Of a plugin's resource that exists and is not as wanted, Pulumi says the reasons in a list.
        text = re.sub(r"error: 1 error occurred:\s+\* ", "error: ", self.text)
        shown = {line.partition("error: ")[2].strip() for line in text.splitlines() if "error: " in line}
        # What the command itself says beside the resource's own error, or before it.
        errors = {_ITS_OWN.sub("", line) for line in shown} - {""}
        (error,) = errors
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
    """A Pulumi project with one stack in a folder of its own.

    Its programs are written for the dynamic resources; `adapter` says which ones they get.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        name: str = "engine",
        stack: str = "test",
        home: Path,
        adapter: str = DYNAMIC,
        region: str = REGION,
    ) -> None:
        self.folder, self.stack, self.name, self.adapter = folder, stack, name, adapter
        folder.mkdir(parents=True, exist_ok=True)
        own = pulumi_cli.environment(home, url, region=region)
        self.environment = own | {"PULUMI_CONFIG_PASSPHRASE": "test"}
        self.environment["PULUMI_BACKEND_URL"] = folder.as_uri()
        (folder / "Pulumi.yaml").write_text(_PROJECT.format(name=name))
        self.program(_DECLARED)
        self.pulumi("stack", "init", stack)

    def program(self, source: str) -> None:
        """Makes `source` the program."""
        moved = textwrap.dedent(source).replace(_IMPORT, _IMPORTS[self.adapter])
        (self.folder / "__main__.py").write_text(moved)

    def declare(self, **environments: dict[str, Any]) -> None:
        """Makes these environments (arguments by name) the program."""
        (self.folder / "environments.json").write_text(json.dumps(environments))

    def pulumi(self, *arguments: str, fails: bool = False) -> CommandResult:
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
        result = CommandResult(done.returncode, done.stdout + done.stderr)
        assert (result.code != 0) == fails, result.text
        assert "Traceback" not in result.text, result.text
        return result

    def up(self, *, fails: bool = False) -> CommandResult:
        """`pulumi up`."""
        return self.pulumi("up", "--yes", "--skip-preview", fails=fails)

    def preview(self) -> Preview:
        """`pulumi preview`, taken apart."""
        result = self.pulumi("preview", "--json")
        # Behind it may be warnings.
        digest, _ = json.JSONDecoder().raw_decode(result.text, result.text.index("{"))
        steps = {step["urn"].rpartition("::")[2]: step for step in digest["steps"]}
        return Preview(steps, digest["changeSummary"], result.text)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json").text)
        return found

    def state(self) -> str:
        """The whole stack as Pulumi keeps it, as text."""
        return self.pulumi("stack", "export").text

    def resources(self) -> dict[str, dict[str, Any]]:
        """The stack's custom resources by name, without the providers that Pulumi makes by itself."""
        found = json.loads(self.state())["deployment"].get("resources", [])
        named = {item["urn"].rpartition("::")[2]: item for item in found if item["custom"]}
        return {name: item for name, item in named.items() if not _is_default_provider(item)}

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


def _is_default_provider(resource: dict[str, Any]) -> bool:
    name = resource["urn"].rpartition("::")[2]
    return resource["type"].startswith("pulumi:providers:") and name.startswith("default")


def kill(process: subprocess.Popen[str]) -> None:
    """Kills a process and all it started, without a chance to say anything."""
    # Pulumi gives each plugin a process group of its own, and one that lost its engine waits for ever.
    engine = psutil.Process(process.pid)
    for one in [engine, *engine.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()


def calls(server: Any) -> list[str]:
    """The operations of the requests that a server logged."""
    logged = re.findall(r"\b([A-Z][A-Za-z]+) \d{12} [a-z0-9-]+ [A-Za-z]+ \d+ms", server.log.read_text())
    assert logged, "the server's log is not as expected"
    return logged


def writes(server: Any) -> list[str]:
    """Those that could have changed something."""
    return [call for call in calls(server) if not call.startswith(("Get", "List"))]


def environment(template: str, name: str, **more: Any) -> dict[str, Any]:
    """The arguments of an environment that needs no input."""
    return {
        "name": name,
        "template_name": template,
        "template_major_version": "1",
        "spec": {},
        "proton_service_role_arn": SERVICE_ROLE,
        **more,
    }


def deployments(proton: Any, name: str) -> list[dict[str, Any]]:
    """The deployments that the server recorded of an environment."""
    found: list[dict[str, Any]] = proton.list_deployments(environmentName=name)["deployments"]
    return found
