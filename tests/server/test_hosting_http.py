"""What a hosting service may cost: an answer is bounded in size and time, whole, and of the path asked."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from proton_server.provisioning.git_hosting import HostingError
from proton_server.provisioning.git_hosting.http import Http, OutOfReachError
from tests.server.fake_hosting import serving


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_that_is_too_large_is_not_read_to_its_end(status: int) -> None:
    with serving() as stub:
        stub.answers("GET /file", b"x" * (11 * 1024 * 1024), status)

        with pytest.raises(HostingError, match="GET /file is larger than 10,485,760 bytes"):
            Http("GitHub", stub.url, {}, "").call("GET", "/file")


def test_an_answer_that_never_comes_to_its_end_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_trickle, args=[listener, 200], daemon=True).start()
        http = Http("GitHub", f"http://127.0.0.1:{listener.getsockname()[1]}", {}, "", seconds=1)

        with pytest.raises(OutOfReachError, match="GET /file takes longer than 1 s"):
            http.call("GET", "/file")


def test_an_answer_that_breaks_off_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_trickle, args=[listener, 3], daemon=True).start()
        http = Http("GitHub", f"http://127.0.0.1:{listener.getsockname()[1]}", {}, "")

        with pytest.raises(OutOfReachError, match="GET /file is incomplete"):
            http.call("GET", "/file")


@pytest.mark.parametrize("branch", ["../../../../user", "a/./b", ".."])
def test_no_branch_leads_out_of_the_repository(branch: str) -> None:
    with serving() as stub:
        with pytest.raises(HostingError, match="cannot name a branch, folder or file"):
            Http("GitHub", stub.url, {}, "").call("GET", f"/repos/acme/infra/git/ref/heads/{branch}")

        assert stub.asked == []


def _trickle(listener: socket.socket, count: int) -> None:
    """Answers one request with a byte now and then, and fewer than it says."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(count):
            time.sleep(0.05)
            try:
                connection.sendall(b"x")
            except OSError:
                return
