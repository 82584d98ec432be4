"""Runs a build's commands in one shell, in a process group that ends when the build does, or the server.

For POSIX systems; elsewhere there is no shell to be found, and the build says so.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_WATCHED = """\
exec 3<&0 </dev/null
(read -r _ <&3; kill -9 0) &
exec 3<&-
exec "$0" "$1"
"""
"""Shell that becomes the shell of the commands, beside a reader of what was its stdin: a pipe that the server
never writes to. The pipe ends when the server does, in whatever way, and then the reader kills the group."""

_TAIL_BYTES = 2000
_TAIL_LINES = 10


class Shell:
    """The commands of a build, run one after another until one fails.

    Args:
        folder: where they start, and next to which the script is put.
        environment: all of it.
        log: a new file, for what they print.

    """

    def __init__(
        self, commands: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        self._commands, self._folder = commands, folder
        self._environment, self._log = dict(environment), log
        self._started = folder.parent / "started"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin. Raises OSError if there is no shell."""
        script = self._folder.parent / "commands.sh"
        script.write_text("".join(self._lines()))
        # Commands are written for bash, which CodeBuild's images have for sh.
        shell = shutil.which("bash") or "/bin/sh"
        with os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as log:
            self._process = subprocess.Popen(
                [shell, "-c", _WATCHED, shell, str(script)],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _lines(self) -> list[str]:
        """`eval` keeps commands from each other's syntax; they share one shell, so `cd` and `export` hold."""
        started = shlex.quote(str(self._started))
        return [
            f"echo {number} > {started}; echo '[Container] Running command {number}'\n"
            f"eval {shlex.quote(command)} || exit\n"
            for number, command in enumerate(self._commands, start=1)
        ]

    def wait(self, seconds: float) -> int | None:
        """The exit status, or None if the time was not enough. Nothing of it runs any more then."""
        assert self._process is not None  # noqa: S101 - started by the only caller
        try:
            return self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.kill()
            self._process.communicate()

    def kill(self) -> None:
        """End all processes of the group, also those that the commands have left behind. Not after `wait`."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def last_command(self) -> str:
        """Which command ran last: its number from 1, for its text may hold a secret input."""
        with suppress(OSError):
            return f"command {self._started.read_text().strip()}"
        return "the commands"


def last_lines(log: Path) -> str:
    """The end of a log in one line."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    printed = [
        line.strip() for line in lines[-_TAIL_LINES:] if line.strip() and not line.startswith("[Container]")
    ]
    return " | ".join(printed)
