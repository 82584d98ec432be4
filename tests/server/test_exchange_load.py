"""Many exchanges at once while STS does not answer: they are bounded, and nothing else waits for them."""

from __future__ import annotations

import socket
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from tests.names import ACCOUNT
from tests.server.exchanges import Answered, exchanging_server, sent
from tests.servers import LocalServer
from tests.signing import Keys, document, identity_headers
from tests.verifying_sts import VerifyingSts
from tests.waiting import eventually

KEYS = Keys("AKIAEXAMPLE", "secret")
AT_ONCE, TAKEN = 70, 64


def test_a_silent_sts_holds_up_no_request_of_proton(tmp_path: Path, local_server: LocalServer) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as silent,
        exchanging_server(
            tmp_path, VerifyingSts(f"http://127.0.0.1:{silent.getsockname()[1]}", *[KEYS] * 5), local_server
        ) as server,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        host = f"127.0.0.1:{silent.getsockname()[1]}"

        def exchange(_: int) -> Answered:
            headers = identity_headers(KEYS, audience=f"{server.url}#{uuid.uuid4().hex}", host=host)
            return sent(server.url, document(headers))

        pending = [threads.submit(exchange, number) for number in range(AT_ONCE)]
        eventually(lambda: sum(one.done() for one in pending) >= AT_ONCE - TAKEN)
        assert server.client("proton", account=ACCOUNT).list_environments()["environments"] == []
        assert not all(one.done() for one in pending)

        silent.close()
        wait(pending)
        refusals = [one.result().refusal for one in pending]

    assert refusals.count((503, "Busy")) == AT_ONCE - TAKEN
    assert refusals.count((503, "StsUnavailable")) == TAKEN
