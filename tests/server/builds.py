"""Steps of the tests of CodeBuild provisioning: commands, environments, and processes to wait for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.names import ACCOUNT
from tests.server.environments import create
from tests.servers import LocalServer
from tests.waiting import ended, eventually

BUILD_ROLE = f"arn:aws:iam::{ACCOUNT}:role/builds"

Publish = Callable[..., str]


def built(proton: Any, template: str, **more: Any) -> dict[str, Any]:
    """Creates an environment that CodeBuild provisions, and waits for the end."""
    return ended(proton, begun(proton, template, **more)["name"])


def begun(proton: Any, template: str, **more: Any) -> dict[str, Any]:
    return create(proton, template, protonServiceRoleArn=None, codebuildRoleArn=BUILD_ROLE, **more)


def outputs_of(proton: Any, name: str) -> dict[str, str]:
    listed = proton.list_environment_outputs(environmentName=name)["outputs"]
    return {output["key"]: output["valueString"] for output in listed}


def projects(server: LocalServer, account: str = ACCOUNT) -> list[str]:
    """Of the environments on this server; the newest build of each can be looked at with `build_of`."""
    found: list[str] = server.client("codebuild", account).list_projects()["projects"]
    return found


def project_of(server: LocalServer, name: str, account: str = ACCOUNT) -> str:
    (project,) = [each for each in projects(server, account) if each.startswith(f"AWSProton-{name}-")]
    return project


def log_of(message: str) -> Path:
    """The log that a deployment's message names."""
    found = re.search(r"Log: file://(\S+)", message)
    assert found, message
    return Path(found[1])


def appears(file: Path) -> str:
    """Waits for a file with something in it."""
    text: str = eventually(lambda: file.exists() and file.read_text().strip())
    return text


def runs(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int) -> None:
    """Waits for the end of a process."""
    eventually(lambda: not runs(pid))
