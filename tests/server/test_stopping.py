"""The end of a server: what is in progress ends, what hangs is not waited for, others take over at once."""

from __future__ import annotations

import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import sqlalchemy as sa

from proton_server.persistence.store import Store
from proton_server.persistence.tables import deployments
from tests.bundles import bundle
from tests.fault_proxy import FaultProxy
from tests.names import unique
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws
from tests.waiting import ended, eventually

_DRAINING = ("--drain-seconds", "600", "--stop-seconds", "1200")


def probe(server: LocalServer, path: str) -> tuple[int, str]:
    """Status and text of the answer; 0 when there is none."""
    try:
        with urllib.request.urlopen(server.url + path, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.fixture
def served(tmp_path: Path, local_server: LocalServer) -> Iterator[Callable[..., ServedBesideAws]]:
    """Starts a `serve` with these options: `served("--stop-seconds", "5", aws_url=…)`."""
    running: list[ServedBesideAws] = []

    def start(*options: str, **more: str) -> ServedBesideAws:
        folder = tmp_path / f"serve-{len(running)}"
        folder.mkdir()
        server = ServedBesideAws(folder, options, aws=local_server, **more)  # type: ignore[arg-type]
        running.append(server)
        server.start()
        return server

    yield start
    for server in running:
        server.kill()


@pytest.fixture
def proxied_aws(local_server: LocalServer) -> Iterator[FaultProxy]:
    """The AWS of the servers, with hooks."""
    with closing(FaultProxy(local_server.url)) as proxy:
        yield proxy


def test_a_server_that_is_told_to_stop_is_unready_at_once_and_answers_until_it_has_drained(
    served: Callable[..., ServedBesideAws],
) -> None:
    server = served(*_DRAINING)
    proton = server.client("proton")
    assert proton.list_environments()["environments"] == []
    assert [probe(server, path) for path in ("/health", "/health/ready", "/health/live")] == [
        (200, "ok\n")
    ] * 3

    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    for path in ("/health", "/health/ready"):
        eventually(lambda path=path: probe(server, path) == (503, "The server is stopping.\n"))
    assert probe(server, "/health/live") == (200, "ok\n")
    assert server.client("proton").list_environments()["environments"] == []

    # Of two signals the second one is not patient.
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0


def test_a_request_in_flight_is_answered_when_no_connection_is_taken_any_more(
    served: Callable[..., ServedBesideAws],
) -> None:
    server = served("--drain-seconds", "0.5")
    assert server.process is not None
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as in_flight,
        closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as idle,
    ):
        idle.request("GET", "/health")
        assert idle.getresponse().read() == b"ok\n"
        in_flight.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{")
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: probe(server, "/health") == (0, ""))
        assert idle.sock.recv(65536) == b""
        in_flight.sendall(b"}")
        answer = in_flight.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert server.process.wait(timeout=60) == 0


def leased(database: str) -> list[str]:
    """The IDs of the deployments that a process has, or had when it was killed."""
    with closing(Store(database)) as store, store.read() as connection:
        query = sa.select(deployments.c.id).where(deployments.c.owner.is_not(None))
        return list(connection.scalars(query))


def test_a_step_in_progress_ends_and_another_server_goes_on_without_waiting_for_a_lease(
    served: Callable[..., ServedBesideAws],
    published_template: Callable[..., str],
    proxied_aws: FaultProxy,
    new_postgresql: str,
    tmp_path: Path,
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hold(action: str) -> None:
        if action == "CreateStack":
            asked.set()
            go_on.wait(60)

    first = served(database_url=new_postgresql, aws_url=proxied_aws.url)
    template = published_template(bundle(tmp_path / "bundle"), server=first)
    proxied_aws.before = hold
    record = create(first.client("proton"), template, name=unique("handed-over"))
    assert asked.wait(60)

    assert first.process is not None
    first.process.send_signal(signal.SIGTERM)
    eventually(lambda: probe(first, "/health") == (0, ""))
    assert leased(new_postgresql) == [record["lastAttemptedDeploymentId"]]
    go_on.set()
    assert first.process.wait(timeout=60) == 0
    assert leased(new_postgresql) == []

    second = served(database_url=new_postgresql)
    assert ended(second.client("proton"), record["name"])["deploymentStatus"] == "SUCCEEDED"
    assert proxied_aws.calls.count("CreateStack") == 1


def test_an_aws_that_hangs_does_not_hold_the_server_longer_than_it_may_take(
    served: Callable[..., ServedBesideAws],
    published_template: Callable[..., str],
    proxied_aws: FaultProxy,
    tmp_path: Path,
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hang(action: str) -> None:
        if action == "CreateStack":
            asked.set()
            go_on.wait(120)

    server = served("--stop-seconds", "3", aws_url=proxied_aws.url)
    template = published_template(bundle(tmp_path / "bundle"), server=server)
    proxied_aws.before = hang
    name = create(server.client("proton"), template, name=unique("hanging"))["name"]
    assert asked.wait(60)
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(timeout=60)
    go_on.set()
    assert code == 0
    assert (
        "Steps of deployments that had not ended: 1; another process makes them again"
        in server.log.read_text()
    )

    # The call was under way, and made the stack: the next process goes on with it.
    server.process = None
    server.start()
    assert ended(server.client("proton"), name)["deploymentStatus"] == "SUCCEEDED"
