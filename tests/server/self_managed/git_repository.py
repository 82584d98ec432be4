"""A repository in the local stand-in for a hosting service, and what its people and automation do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.bundles import spec
from tests.names import ACCOUNT, REPOSITORY, unique
from tests.servers import LocalServer
from tests.waiting import eventually

EXAMPLE = REPOSITORY / "examples" / "06-self-managed"
LINK = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1"
SPEC = spec(cidr_block="10.0.0.0/16")


class GitRepository:
    """A bare repository in the server's folder of them, linked, with a first commit on `main`."""

    def __init__(self, server: LocalServer, *, files: dict[str, str] | None = None) -> None:
        self.name = f"acme/{unique('infrastructure')}"
        self.place = server.folder / "proton-git" / self.name
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", f"{self.place}.git")
        self.commit(files or {"README.md": "Ours"})
        server.client("proton").create_repository(provider="GITHUB", name=self.name, connectionArn=LINK)

    @property
    def link(self) -> dict[str, str]:
        return {"provider": "GITHUB", "name": self.name, "branch": "main"}

    def git(self, *arguments: str, stdin: str = "") -> str:
        command = ["git", "--git-dir", f"{self.place}.git", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout

    def commit(self, files: dict[str, str]) -> None:
        """Somebody else's commit on `main`."""
        on = "from refs/heads/main^0\n" if self.git("for-each-ref", "refs/heads/main") else ""
        stream = f"commit refs/heads/main\ncommitter Somebody <s@localhost> 1 +0000\ndata 3\nOur\n{on}"
        for path, text in files.items():
            stream += f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"
        self.git("fast-import", "--quiet", stdin=stream)

    def requests(self) -> list[dict[str, Any]]:
        files = Path(f"{self.place}.requests").glob("*.json")
        return [json.loads(file.read_text()) for file in sorted(files, key=lambda file: int(file.stem))]

    def request(self, number: int = 1) -> dict[str, Any]:
        """Waits for the pull request of that number."""
        return eventually(lambda: len(self.requests()) >= number and self.requests()[number - 1])

    def merge(self, number: int = 1) -> None:
        self.git("update-ref", "refs/heads/main", self.request(number)["commit"])

    def close(self, number: int = 1) -> None:
        request = self.request(number)
        Path(f"{self.place}.requests/{number}.json").write_text(json.dumps(request | {"state": "closed"}))

    def files(self, revision: str) -> dict[str, str]:
        paths = self.git("ls-tree", "-r", "--name-only", revision).splitlines()
        return {path: self.git("show", f"{revision}:{path}") for path in paths}


def notify(proton: Any, environment: dict[str, Any], status: str = "SUCCEEDED", **more: Any) -> None:
    """What the automation says of the environment's deployment."""
    proton.notify_resource_deployment_status_change(resourceArn=environment["arn"], status=status, **more)


def message(proton: Any, name: str) -> str:
    record: dict[str, Any] = proton.get_environment(name=name)["environment"]
    return str(record.get("deploymentStatusMessage", ""))


def update(proton: Any, name: str, **inputs: Any) -> dict[str, Any]:
    text = spec(**{"cidr_block": "10.0.0.0/16", **inputs})
    record: dict[str, Any] = proton.update_environment(
        name=name, deploymentType="CURRENT_VERSION", spec=text
    )["environment"]
    return record
