"""Containers as a runtime starts them: a read-only root, a user without rights, the image's own command."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.image.images import Images

_SECONDS = 120
_MOUNTS = """
set -e
root=$1; shift
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount --bind /proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done; shift
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
"""
"""In a mount namespace of its own, so that all of it is gone with the process."""


@dataclass(frozen=True)
class Container:
    """A container of an image, whose commands share what is mounted.

    `mounts`: folders and files of this machine, by their path in the container.
    """

    root: Path
    configuration: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, images: Images, image: str, *, names: str = "", **options: Any) -> Container:
        """A container of an image, which has these names for 127.0.0.1."""
        container = cls(images.root_of(image), images.configuration(image), **options)
        (container.root / "etc/hosts").write_text(f"127.0.0.1 localhost {names}\n")
        return container

    def command(self, arguments: Sequence[str] = ()) -> list[str]:
        """The image's entry point with arguments, without any with the image's own."""
        return [*self.configuration["Entrypoint"], *(arguments or self.configuration["Cmd"])]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        done = subprocess.run(
            self._started(command), capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        assert not check or done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def running(self, *command: str) -> Iterator[Server]:
        """A server, once it has printed a line."""
        with subprocess.Popen(
            self._started(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                assert process.stdout.readline(), process.stderr.read()
                yield Server(process)
            finally:
                process.kill()

    def _started(self, command: Sequence[str]) -> list[str]:
        for path, source in self.mounts.items():
            self._make_place(path, source)
        uid, gid = self.configuration["User"].split(":")
        folder = self.configuration["WorkingDir"]
        of_image = dict(variable.split("=", 1) for variable in self.configuration["Env"])
        environment = of_image | {"HOME": folder} | dict(self.environment)
        return [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", _MOUNTS, "sh", str(self.root)),
            *(str(part) for path, source in self.mounts.items() for part in (source, path)),
            *("--", "setpriv", "--reuid", uid, "--regid", gid, "--clear-groups"),
            *("--no-new-privs", "--bounding-set=-all", "env", "--ignore-environment", f"--chdir={folder}"),
            *(f"{name}={value}" for name, value in environment.items()),
            *command,
        ]

    def _make_place(self, path: str, source: Path) -> None:
        """What is mounted needs a place, which a runtime makes, too."""
        place = self.root / path.lstrip("/")
        if source.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()


@dataclass(frozen=True)
class Server:
    """A server in a container."""

    process: subprocess.Popen[str]

    def ended_by_sigterm(self) -> int:
        """Its exit code after SIGTERM."""
        self.process.terminate()
        return self.process.wait(timeout=_SECONDS)

    def status(self) -> dict[str, str]:
        """What the kernel says of the process: `/proc/PID/status`."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return {name: " ".join(value.split()) for name, _, value in (line.partition(":") for line in lines)}
