"""Each client walks through templates, environments and the handshake, and sees what all others see."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import jmespath
import pytest

from tests.clients.compatibility import SERVED
from tests.clients.conftest import ACCOUNTS
from tests.clients.installed import CLIENTS
from tests.clients.running import Run
from tests.clients.steps import Step
from tests.clients.walks import WALKS

_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(4{10}|5{10})\d\d\b")
"""What differs between two clients: IDs, and their accounts."""
_GOING_ON = ("IN_PROGRESS", "CANCELLING", "DELETE_IN_PROGRESS")
_RANDOM = re.compile(r"(?<=-)[0-9A-Z]{12,15}\b")


@pytest.fixture(params=[client.name for client in CLIENTS])
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def _run(runs: dict[tuple[str, str], Run], client: str, walk: str) -> Run:
    run = runs[client, walk]
    if run.missing:
        pytest.skip(run.missing)
    return run


@pytest.mark.parametrize("walk", WALKS)
def test_each_step_ends_as_the_table_has_it(runs: dict[tuple[str, str], Run], client: str, walk: str) -> None:
    run = _run(runs, client, walk)

    ended = [
        f"{line['step']}: {line.get('operation') or line['waiter']} {line['outcome']}" for line in run.lines
    ]
    expected = [f"{step.title}: {step.calls} {step.outcome}" for step in WALKS[walk]]
    assert "\n".join([*ended, run.fault]) == "\n".join([*expected, ""])
    for step, line in zip(WALKS[walk], run.lines, strict=True):
        assert step.message in line.get("message", ""), step.title
        assert _found(step, line, ACCOUNTS[client]) == _expected(step, ACCOUNTS[client]), step.title


def _found(step: Step, line: dict[str, Any], accounts: tuple[str, str]) -> dict[str, Any]:
    return {path: jmespath.search(_named(path, accounts), line.get("answer")) for path in step.answer}


def _expected(step: Step, accounts: tuple[str, str]) -> dict[str, Any]:
    return {path: json.loads(_named(json.dumps(value), accounts)) for path, value in step.answer.items()}


def _named(text: str, accounts: tuple[str, str]) -> str:
    account, other_account = accounts
    return text.replace("{account}", account).replace("{other_account}", other_account)


@pytest.mark.parametrize("walk", WALKS)
def test_all_clients_read_the_same_members(runs: dict[tuple[str, str], Run], client: str, walk: str) -> None:
    run = _run(runs, client, walk)

    assert [_plain(line) for line in run.lines] == [_plain(line) for line in runs["boto3", walk].lines]


def _plain(value: Any) -> Any:
    """A line without what differs between two runs."""
    if isinstance(value, dict):
        return {
            name: "a time" if name.endswith("At") else _plain(member)
            for name, member in value.items()
            # How far a deployment is depends on when one looks.
            if name != "deploymentStatusMessage" or value["deploymentStatus"] not in _GOING_ON
        }
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _RANDOM.sub("random", _IDS.sub("ID", value)) if isinstance(value, str) else value


def test_times_are_read_with_their_zone(runs: dict[tuple[str, str], Run], client: str) -> None:
    run = _run(runs, client, "walk")
    now = dt.datetime.now(dt.timezone.utc)

    times = [time for line in run.lines for time in _times(line)]

    assert len(times) > 50
    for time in times:
        # Python 3.10 reads no `Z`.
        assert abs(dt.datetime.fromisoformat(time.replace("Z", "+00:00")) - now) < dt.timedelta(hours=1)


def _times(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from [member] if name.endswith("At") else _times(member)
    elif isinstance(value, list):
        for item in value:
            yield from _times(item)


def test_each_client_has_called_every_operation_that_is_served(
    runs: dict[tuple[str, str], Run], client: str
) -> None:
    lines = [line for walk in WALKS for line in _run(runs, client, walk).lines]

    called = {line["operation"] for line in lines if line["outcome"] == "OK" and "operation" in line}

    assert called == set(SERVED)
