"""How deployments wait for their stacks: one listing for all of a role, and few calls without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proton_server.provisioning.cloudformation.waiting_stacks import (
    Waiting,
    moved,
    next_in_turn,
    next_to_show,
)
from tests.bundles import bundle
from tests.fault_proxy import Answer, FaultProxy, refusal
from tests.names import unique
from tests.server.environments import create
from tests.servers import ServedBesideAws, publisher
from tests.waiting import ended, eventually, gone

MANY = 20
RUNNING, CLEANUP = "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


def waiting(seen_at: float = 0, *, since: float = 0, asked_at: float = float("-inf")) -> Waiting:
    return Waiting("stack", RUNNING, since, seen_at, asked_at)


@pytest.mark.parametrize(
    ("one", "statuses", "due"),
    [
        pytest.param(waiting(), {"stack": RUNNING}, False, id="it is still in progress"),
        pytest.param(waiting(), {}, True, id="it is no longer in progress"),
        pytest.param(waiting(), {"stack": CLEANUP}, True, id="its status has changed"),
        pytest.param(waiting(seen_at=10.5), {}, False, id="a step looked after the listing began"),
        pytest.param(waiting(asked_at=10.5), {}, False, id="it was made due a moment ago"),
        pytest.param(waiting(asked_at=9), {}, True, id="it was made due, and not stepped"),
    ],
)
def test_a_listing_makes_due_what_has_moved(one: Waiting, statuses: dict[str, str], due: bool) -> None:
    assert moved({"d": one}, statuses, began=10, now=11) == (["d"] if due else [])


def test_stacks_that_may_not_be_listed_take_turns() -> None:
    stacks = {
        "new": waiting(9.95, since=9.95),
        "b": waiting(7, since=5),
        "a": waiting(6, since=5),
        "c": waiting(8),
    }

    assert next_in_turn(stacks, now=10, number=5) == ["a", "b", "c"]
    assert next_in_turn(stacks, now=10, number=2) == ["a", "b"]


def test_progress_is_looked_at_in_turn_and_less_often_the_more_wait() -> None:
    def shown(number: int, seconds: float) -> list[str]:
        stacks = {f"d{one}": waiting(since=0) for one in range(number)}
        stacks["d0"].progress_at = 1.0
        return next_to_show(stacks, now=seconds)

    assert shown(1, 1.5) == []
    assert shown(1, 2.0) == ["d0"]
    assert shown(4, 3.5) == []
    assert shown(4, 4.5) == ["d1", "d2"]
    assert shown(1000, 999.0) == []


@pytest.fixture
def proxy(slow: ServedBesideAws) -> Iterator[FaultProxy]:
    proxy = FaultProxy(slow.aws.url)
    yield proxy
    proxy.close()


@pytest.fixture
def server(slow: ServedBesideAws, proxy: FaultProxy, tmp_path: Path) -> Iterator[ServedBesideAws]:
    """A server on whose AWS stack operations take two seconds."""
    server = ServedBesideAws(tmp_path, aws=slow.aws, aws_url=proxy.url)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def template(server: ServedBesideAws, tmp_path: Path) -> str:
    return publisher(server)(bundle(tmp_path / "bundle"))


def deployed(proton: Any, template: str, **more: Any) -> list[str]:
    """The names of many environments, which were created at once and have succeeded."""
    names = [create(proton, template, **more)["name"] for _ in range(MANY)]
    assert [ended(proton, name)["deploymentStatus"] for name in names] == ["SUCCEEDED"] * MANY
    return names


def test_many_that_wait_cost_a_listing_a_tick_and_few_looks_each(
    server: ServedBesideAws, proxy: FaultProxy, template: str
) -> None:
    proton = server.client("proton")
    names = deployed(proton, template)

    # At the end, and often for many at once; one may be between a status and the next.
    assert proxy.calls.count("DescribeStacks") <= 2 * MANY
    assert proxy.calls.count("ListStacks") > 0
    assert proxy.calls.count("DescribeStackEvents") <= MANY
    proxy.heal()

    for name in names:
        proton.delete_environment(name=name)
    for name in names:
        gone(proton, name)
    # Once before it is deleted, too.
    assert proxy.calls.count("DescribeStacks") <= 3 * MANY


def test_a_role_that_may_not_list_stacks_has_them_looked_at_in_turn(
    server: ServedBesideAws, proxy: FaultProxy, template: str
) -> None:
    asked: list[str] = []

    def deny(action: str) -> Answer | None:
        asked.append(action)
        return refusal(403, "AccessDenied", "denied") if action == "ListStacks" else None

    proxy.before = deny
    role = f"arn:aws:iam::123456789012:role/{unique('role')}"
    deployed(server.client("proton"), template, protonServiceRoleArn=role)

    assert asked.count("ListStacks") == 1


def test_a_listing_that_is_throttled_slows_down_and_fails_nothing(
    server: ServedBesideAws, proxy: FaultProxy, template: str
) -> None:
    throttled: list[str] = []

    def throttle(action: str) -> Answer | None:
        if action != "ListStacks" or len(throttled) >= 3:
            return None
        throttled.append(action)
        return refusal(400, "Throttling", "Rate exceeded")

    proxy.before = throttle
    deployed(server.client("proton"), template)

    eventually(lambda: proxy.calls.count("ListStacks") > 0)
    assert len(throttled) == 3
