"""The demo's own `proton-server local`, in the background: started, found again, stopped.

Forbidden here: taking a process for ours because of its number alone; numbers are reused.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tools import uv

_PORT = 4030
_START_S = 60
_STOP_S = 10


class DemoServer:
    """The server whose files are in the folder `state`: `server.json` (pid, url), database, log and lock."""

    def __init__(self, state: Path) -> None:
        """`state`: the demo's folder, which exists."""
        self._record = state / "server.json"
        self._lock = state / "server.lock"
        self._database = state / "server.sqlite3"
        self.log = state / "server.log"

    def ready(self) -> tuple[str, str]:
        """The URL of a server that answers, and in words where it came from; exits when none starts."""
        if self._is_alive():
            url = self._recorded()["url"]
            if _is_healthy(url):
                return url, "still running from before"
            self.stop()
        known = (
            " again, with what it knew; its local AWS is in memory, and empty now"
            if self._database.exists()
            else ""
        )
        port, remark = _port()
        url = f"http://127.0.0.1:{port}"
        process = self._start(port, url)
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and process.poll() is None:
            if _is_healthy(url):
                return url, f"started{known}{remark}"
            time.sleep(0.1)
        self.stop()
        return sys.exit(f"The server did not start: {self._last_words()} (its log: {self.log})")

    def stop(self) -> bool:
        """Stop the server if it is ours and runs; whether there was one to stop."""
        if not self._is_alive():
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._recorded()["pid"]), number)
            deadline = time.monotonic() + _STOP_S
            while time.monotonic() < deadline:
                if not self._is_alive():
                    return True
                time.sleep(0.1)
        return True

    def _start(self, port: int, url: str) -> subprocess.Popen[bytes]:
        command = [
            str(uv.VENV / "bin" / "proton-server"),
            "local",
            "--port",
            str(port),
            "--database",
            str(self._database),
        ]
        with self._lock.open("w") as lock, self.log.open("a") as log:
            # The server inherits the locked file and holds it for as long as it lives: that is how it is
            # found again.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A session of its own, so that Ctrl-C in the demo doesn't stop the server in the middle of a
            # deployment.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
            self._record.write_text(json.dumps({"pid": str(process.pid), "url": url}))
        return process

    def _is_alive(self) -> bool:
        if not self._lock.exists() or not self._record.exists():
            return False
        with self._lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _recorded(self) -> dict[str, str]:
        recorded: dict[str, str] = json.loads(self._record.read_text())
        return recorded

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _port() -> tuple[int, str]:
    """The usual port, or a free one and a remark that says so."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does: no wait after a restart
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
            free: int = probe.getsockname()[1]
            return free, f" on a free port, because {_PORT} is taken"
    return _PORT, ""


def _is_healthy(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never ask a proxy for loopback
    with contextlib.suppress(OSError), direct.open(f"{url}/health", timeout=2) as answer:
        return bool(answer.status == 200)
    return False
