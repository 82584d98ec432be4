"""What a thousand deployments in flight cost the server: its memory, and its processor time for each.

The server is `serve`, with SQLite, and AWS is another process that is not counted. The end is looked at in
the database, past the server.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measure import Measurement, Ratio, Subject
from tests.bundles import SPEC, bundle
from tests.names import SERVICE_ROLE, unique
from tests.servers import LocalServer, ServedBesideAws, publisher

_NUMBER, _DEPLOY_SECONDS, _THREADS = 1000, 120, 8
_SERVE = f"serve, {_NUMBER:,} in flight"
_GOAL_MS, _GOAL_MB = "the goal: 20 ms", "the goal: 200 MB"

_NOTE_MS = """\
Found with py-spy, and with the processor time of each function's thread (72.7 ms on the same machine before):
each deployment was stepped by itself every 30 seconds, although it was watched (now the watch puts that off),
and looked at its stack before its creation and right after it (now neither); statements were built anew for
each execution (now once for each table and key); a template was compiled for each environment (now once in a
worker); a listing began for each stack that was begun (now one rests the longer, the more it shows).
What remains, in ms: the step that begins 5, of which CreateStack 2.7; the request 6.5, as each asks once for
the check of its spec and is run again; the step that ends 2.5; workers 2; listings 1.5; being there 1.7."""
_NOTE_MB = """\
143 MB of it is there with nothing to do: the server and its workers with their modules. A client of botocore
takes 0.4 MB, and there is one for each role and service, 64 at most; sessions share the services' models."""


@dataclass
class Processes:
    """A process with all that it started, from when this is made."""

    root: int
    peak_mb: float = 0.0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def seconds(self) -> float:
        """Processor time of those that run."""
        ticks = 0
        for pid in self._all():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Memory, shared pages counted once (PSS)."""
        kilobytes = 0
        for pid in self._all():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return kilobytes / 1024

    def stop(self) -> None:
        """Ends the sampling of the peak."""
        self.stopping.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.stopping.wait(0.5):
            self.peak_mb = max(self.peak_mb, self.megabytes())

    def _all(self) -> Iterator[int]:
        waiting = [self.root]
        while waiting:
            pid = waiting.pop()
            yield pid
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
            except OSError:
                continue


@dataclass
class Flight:
    """What was measured of one server."""

    idle_mb: float
    """With nothing to do."""
    peak_mb: float
    milliseconds: float
    """Processor time for each deployment, from the request until all have ended."""


def fly(number: int = _NUMBER, deploy_seconds: int = _DEPLOY_SECONDS) -> Flight:
    """Deploys so many environments at once, on a server of its own."""
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder), deploy_seconds) as server:
        template = publisher(server)(bundle(Path(folder) / "bundle"))
        proton = server.client("proton")
        assert server.process is not None  # noqa: S101  # it was started
        processes = Processes(server.process.pid)
        time.sleep(3)
        idle, before = processes.megabytes(), processes.seconds()
        _create(proton, template, number)
        while _in_flight(server):
            time.sleep(1)
        used = processes.seconds() - before
        processes.stop()
        return Flight(idle, processes.peak_mb, used / number * 1000)


def _create(proton: Any, template: str, number: int) -> None:
    def create(name: str) -> None:
        proton.create_environment(
            name=name,
            templateName=template,
            templateMajorVersion="1",
            protonServiceRoleArn=SERVICE_ROLE,
            spec=SPEC,
        )

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(create, [unique("flight") for _ in range(number)]))


def _in_flight(server: ServedBesideAws) -> int:
    with closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)) as database:
        (count,) = database.execute("SELECT count(*) FROM deployments WHERE next_at IS NOT NULL").fetchone()
        return int(count)


@contextmanager
def _servers(folder: Path, deploy_seconds: int) -> Iterator[ServedBesideAws]:
    (folder / "aws").mkdir()
    aws = LocalServer(folder / "aws", ("--deploy-seconds", str(deploy_seconds)))
    server = ServedBesideAws(folder, aws=aws)
    try:
        aws.start()
        server.start()
        yield server
    finally:
        server.kill()
        aws.kill()


@contextmanager
def _flights() -> Iterator[Sequence[Measurement]]:
    flights: list[Flight] = []

    def milliseconds() -> float:
        flights.append(fly())
        return flights[-1].milliseconds

    yield [
        Measurement(
            f"Processor time for each of {_NUMBER:,} deployments that are in flight together",
            "ms",
            {_SERVE: milliseconds, _GOAL_MS: lambda: 20.0},
            [Ratio(_SERVE, _GOAL_MS, at_most=1.0)],
            _NOTE_MS,
        ),
        # Of the same runs.
        Measurement(
            "Memory (PSS) of the server with its workers, at most",
            "MB",
            {
                _SERVE: lambda: flights.pop(0).peak_mb,
                _GOAL_MB: lambda: 200.0,
            },
            [Ratio(_SERVE, _GOAL_MB, at_most=1.0)],
            _NOTE_MB,
        ),
    ]


FLIGHT = Subject(
    f"{_NUMBER:,} deployments in flight",
    _flights,
    ["botocore", "sqlalchemy"],
    minutes=60,
)
