"""When `proton-server local` answers its first AWS call, and its memory then, beside moto's own server."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psutil

from bench.clients import client_of
from bench.measure import Measurement, Ratio, Subject
from tests.names import ACCOUNT
from tests.servers import Door, free_port

_OURS, _MOTO = "this server", "moto's own server"
_PROGRAMS = {
    _OURS: ("proton_server.cli", "local", "--port", "{port}"),
    _MOTO: ("moto.server", "-p", "{port}"),
}
_REST_SECONDS = 3.0
_MEGABYTE = 1024 * 1024


def seconds_to_first_call(program: Sequence[str], service: str) -> float:
    """From the start of the process to the response of its first call, of any list operation."""
    began = time.perf_counter()
    with _answering(program, service):
        return time.perf_counter() - began


def megabytes_at_rest(program: Sequence[str], service: str) -> float:
    """The memory of all the program's processes after its first call; what they share is counted once."""
    with _answering(program, service) as process:
        time.sleep(_REST_SECONDS)
        everyone = [process, *process.children(recursive=True)]
        return sum(one.memory_full_info().pss for one in everyone) / _MEGABYTE


_CALLS: dict[str, Callable] = {
    "sqs": lambda client: client.list_queues(),
    "proton": lambda client: client.list_environments(),
}


@contextmanager
def _answering(program: Sequence[str], service: str) -> Iterator[psutil.Process]:
    """The program from when it has answered a call of the service."""
    port = str(free_port())
    command = [sys.executable, "-m", *(word.format(port=port) for word in program)]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for_listener(int(port))
            _CALLS[service](client_of(Door(f"http://127.0.0.1:{port}", ACCOUNT, "local"), service))
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait_for_listener(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("The server does not listen.")


_START_NOTE = """\
moto's own server imports a service with its first call; here the local CloudFormation is part of moto before
it answers, and imports the models of some 60 services: 2.7 s, of which EC2's list of zones takes 0.9. It runs
in a thread beside the server, so Proton answers before. Of Proton's own 2.3 s SQLAlchemy's import takes 0.6,
and the fork server of the evaluation workers 0.4."""
_MEMORY_NOTE = """\
The models of those services are 130 MB; the server, its fork server and two evaluation workers share most of
their pages: 115 MB in all before moto is loaded."""


@contextmanager
def _measurements() -> Iterator[Sequence[Measurement]]:
    ours, moto = _PROGRAMS[_OURS], _PROGRAMS[_MOTO]
    ratios = [Ratio(_OURS, _MOTO)]
    yield [
        Measurement(
            "From start to the first response",
            "s",
            {
                _OURS: partial(seconds_to_first_call, ours, "sqs"),
                _MOTO: partial(seconds_to_first_call, moto, "sqs"),
                f"{_OURS}, a call of Proton": partial(seconds_to_first_call, ours, "proton"),
            },
            ratios,
            _START_NOTE,
        ),
        Measurement(
            "Memory at rest, after a call of SQS",
            "MB",
            {
                _OURS: partial(megabytes_at_rest, ours, "sqs"),
                _MOTO: partial(megabytes_at_rest, moto, "sqs"),
            },
            ratios,
            _MEMORY_NOTE,
        ),
    ]


START = Subject("start and memory of `proton-server local`", _measurements, ["moto", "botocore", "pebble"])
