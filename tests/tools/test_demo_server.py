from __future__ import annotations

import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tools.demo_server import DemoServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DemoServer]:
    server = DemoServer(tmp_path)
    yield server
    server.stop()


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/health", timeout=2).status == 200
    except OSError:
        return False


def test_the_server_is_found_again_started_again_after_kill_9_and_stopped(server: DemoServer) -> None:
    url, remark = server.ready()
    assert _answers(url)
    assert remark.startswith("started")
    assert server.ready() == (url, "still running from before")

    os.kill(int(server._recorded()["pid"]), signal.SIGKILL)
    again, remark = server.ready()
    assert _answers(again)
    assert remark.startswith("started again, with what it knew")

    assert server.stop()
    assert not _answers(again)
    assert not server.stop()


def test_a_taken_port_is_left_alone_and_said(server: DemoServer) -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # taken by somebody else already, which serves as well
            stack.enter_context(socket.create_server(("127.0.0.1", 4030)))
        url, remark = server.ready()
    assert not url.endswith(":4030")
    assert remark == "started on a free port, because 4030 is taken"


def test_a_server_that_cannot_start_ends_in_a_sentence_with_its_last_words(server: DemoServer) -> None:
    server._database.mkdir()
    with pytest.raises(SystemExit, match=r"The server did not start: .*its log"):
        server.ready()
    assert not server.stop()
