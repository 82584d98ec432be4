"""The servers that are measured and their peers, each the real program in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bundles import SPEC
from tests.names import ACCOUNT, REGION
from tests.servers import Door, free_port

BUSY_LOOPS = 4


@contextmanager
def moto_server() -> Iterator[Door]:
    """Moto's own server."""
    with _served("moto.server", "-p") as door:
        yield door


@contextmanager
def empty_route(*database: str, key: tuple[str, str] = (ACCOUNT, "local")) -> Iterator[Door]:
    """An empty route behind our authentication, which verifies signatures if there is a database."""
    with _served("bench.empty_route", after=database) as door:
        yield Door(door.url, *key)


@contextmanager
def busy_machine() -> Iterator[None]:
    """Processes that do nothing but take processor time."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def environment(name: str) -> dict[str, Any]:
    """The row of an environment that was deployed, for `Rows.insert`."""
    record = {
        "arn": f"arn:aws:proton:{REGION}:{ACCOUNT}:environment/{name}",
        "createdAt": 1767225600.0,
        "deploymentStatus": "SUCCEEDED",
        "description": "An environment that is only read.",
        "lastAttemptedDeploymentId": "5c4a1a52-5f4f-4f0e-9b57-0d8c4ecf4c6e",
        "lastDeploymentAttemptedAt": 1767225600.0,
        "lastDeploymentSucceededAt": 1767225600.0,
        "lastSucceededDeploymentId": "5c4a1a52-5f4f-4f0e-9b57-0d8c4ecf4c6e",
        "name": name,
        "protonServiceRoleArn": f"arn:aws:iam::{ACCOUNT}:role/proton-service",
        "spec": SPEC,
        "templateMajorVersion": "1",
        "templateMinorVersion": "0",
        "templateName": "topic",
    }
    return {"name": name, "record": record}


@contextmanager
def _served(module: str, *before: str, after: tuple[str, ...] = ()) -> Iterator[Door]:
    port = free_port()
    command = [sys.executable, "-m", module, *before, str(port), *after]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url)
        yield Door(url, ACCOUNT, "local")
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # our own
            return
        except urllib.error.HTTPError:
            return  # whatever it answered, it is there
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
