"""A made-up machine to try our set-up on: its own PATH and cache, and no network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPANIONS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")

# A Go that knows only what the build asks of it, and counts how often it builds.
_GO = """#!/bin/sh
case "$1" in
  version) echo "go version go9.9.9 linux/amd64" ;;
  list) echo "{sdk}" ;;
  build)
    echo built >> "{builds}"
    sleep {seconds}
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho v3.999.0\\n' > "$2"
    chmod 755 "$2" ;;
esac
"""


class FakeMachine:
    """A machine of its own: an empty PATH (but for the system's shell), an empty cache, and no network."""

    def __init__(self, home: Path) -> None:
        self.path = home / "path"
        self.cache = home / "cache" / "pulumi-aws-proton"
        self.builds = home / "builds"
        self._sdk = home / "sdk"
        self.path.mkdir()
        self.cache.mkdir(parents=True)
        unreachable = "http://127.0.0.1:9"
        self.environment = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(self.cache.parent),
            "PATH": f"{self.path}:/usr/bin:/bin",
            "https_proxy": unreachable,
            "http_proxy": unreachable,
        }

    def command(self, name: str, script: str, folder: Path | None = None) -> Path:
        program = (folder or self.path) / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    def pulumi(
        self, folder: Path, script: str = "echo v3.999.0", companions: tuple[str, ...] = COMPANIONS
    ) -> Path:
        for name in companions:
            self.command(name, "exit 0", folder)
        return self.command("pulumi", script, folder)

    def go(self, *, seconds: float = 0) -> None:
        for script in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
            (self._sdk / script).parent.mkdir(parents=True, exist_ok=True)
            (self._sdk / script).write_text("#!/bin/sh\n")
        go = self.command("go", "")
        go.write_text(_GO.format(sdk=self._sdk, builds=self.builds, seconds=seconds))

    def start(self, statement: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-c", f"from tools import pulumi_cli, uv; {statement}"]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def output_of(self, statement: str) -> str:
        """What one of our tools prints on this machine, in a process of its own."""
        return self.start(statement).communicate(timeout=60)[0]
