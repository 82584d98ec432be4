"""What clients do by themselves when a server is throttled, fails or hangs up, and when a clock is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from proton_server.api import wire
from proton_server.operations.errors import InternalServerException, ProtonError, ThrottlingException
from tests.clients.compatibility import CORRECT_THEIR_CLOCK
from tests.clients.installed import CLIENTS, Missing
from tests.clients.running import Run, Running
from tests.fault_proxy import Answer, CutOff, FaultProxy
from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws

AN_HOUR_LATER = "import time\nnow = time.time\ntime.time = lambda: now() + 3600\n"
"""Python runs it at the start of a process: for the server it is an hour later than for its clients."""


class Faults:
    """Of the requests of a client, the first and the second are refused, and the fourth is not answered."""

    def __init__(self) -> None:
        self._answers = iter([_answer(ThrottlingException()), _answer(InternalServerException()), None])
        self.requests = 0

    def __call__(self, _operation: str) -> Answer | None:
        self.requests += 1
        if self.requests == 4:
            raise CutOff
        return next(self._answers, None)


def _answer(error: ProtonError) -> Answer:
    """The server's own."""
    return Answer(error.status, wire.serialise_error(error.code, "not now"))


Twice = Callable[[ServedBesideAws, Mapping[str, str]], dict[str, Run]]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """Has all clients list the environments twice, at the same time: `twice(server, urls by client)`."""

    def run(server: ServedBesideAws, urls: Mapping[str, str]) -> dict[str, Run]:
        found: dict[str, Run] = {}
        begun: dict[str, Running] = {}
        _, key_id, secret = server.door("proton", ACCOUNT)
        variables = {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **dict.fromkeys(("WALK_ACCOUNT", "WALK_OTHER_ACCOUNT", "WALK_BUCKET"), ""),
        }
        with ExitStack() as stack:
            for client in CLIENTS:
                folder = tmp_path_factory.mktemp("twice")
                try:
                    command = client.install(folder)
                except Missing as missing:
                    found[client.name] = Run(missing=str(missing))
                    continue
                endpoint = {"AWS_ENDPOINT_URL_PROTON": urls[client.name]}
                running = begun[client.name] = Running([*command, "twice"], variables | endpoint, folder)
                stack.callback(running.end)
            return found | {name: running.result() for name, running in begun.items()}

    return run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    """A `serve` whose AWS is not asked for anything."""
    yield from _served(tmp_path_factory.mktemp("serve"), {})


@pytest.fixture(scope="module")
def served_an_hour_later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    """One whose clock is not its clients'."""
    folder = tmp_path_factory.mktemp("later")
    (folder / "sitecustomize.py").write_text(AN_HOUR_LATER)
    yield from _served(folder, {"PYTHONPATH": str(folder)})


def _served(folder: Path, variables: dict[str, str]) -> Iterator[ServedBesideAws]:
    server = ServedBesideAws(folder, aws=LocalServer(folder), variables=variables)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def faults(served: ServedBesideAws, twice: Twice) -> dict[str, tuple[Run, int]]:
    """What each client had, and how many requests it sent."""
    with ExitStack() as stack:
        proxies = {
            client.name: stack.enter_context(closing(FaultProxy(served.url, before=Faults())))
            for client in CLIENTS
        }
        runs = twice(served, {name: proxy.url for name, proxy in proxies.items()})
        return {name: (run, proxies[name].before.requests) for name, run in runs.items()}


@pytest.fixture(scope="module")
def late(served_an_hour_later: ServedBesideAws, twice: Twice) -> dict[str, Run]:
    """What each client had from a server whose clock is not its own."""
    url = f"{served_an_hour_later.url}/behind/a%20proxy"
    return twice(served_an_hour_later, {client.name: url for client in CLIENTS})


def _outcomes(run: Run) -> list[str]:
    if run.missing:
        pytest.skip(run.missing)
    assert run.fault == ""
    return [line["outcome"] for line in run.lines]


@pytest.mark.parametrize("client", [client.name for client in CLIENTS])
def test_a_client_tries_again_when_it_is_throttled_and_when_the_server_fails_or_hangs_up(
    faults: dict[str, tuple[Run, int]], client: str
) -> None:
    run, requests = faults[client]

    assert (_outcomes(run), requests) == (["OK", "OK"], 5)


@pytest.mark.parametrize("client", [client.name for client in CLIENTS])
def test_a_client_whose_clock_is_wrong_takes_the_time_from_the_answer_or_shows_it(
    late: dict[str, Run], client: str
) -> None:
    run = late[client]

    if client in CORRECT_THEIR_CLOCK:
        assert _outcomes(run) == ["OK", "OK"]
    else:
        assert "OK" not in _outcomes(run)
        expired = "Signature expired: X-Amz-Date is more than 5 minutes from now."
        assert [line["message"] for line in run.lines] == [expired, expired]
