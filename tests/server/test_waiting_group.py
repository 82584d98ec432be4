"""Looks at the stacks of deployments that wait in one place: real CloudFormation, and a clock of the test."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from proton_server.provisioning.cloudformation.call_rate import AT_ONCE, CallRate
from proton_server.provisioning.cloudformation.waiting_group import Scope, WaitingGroup
from tests.clock import Clock
from tests.servers import LocalServer

MANY = 3 * AT_ONCE
TEMPLATE = "Resources: {T: {Type: AWS::SNS::Topic}}"
RUNNING = "CREATE_IN_PROGRESS"


@dataclass
class Schedule:
    """Notes what was asked of it."""

    due: list[str] = field(default_factory=list)
    put_off_ids: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Deployments that wait no more."""

    def make_due(self, ids: Sequence[str]) -> None:
        self.due += ids

    def put_off(self, ids: Sequence[str], seconds: float) -> Sequence[str]:
        assert seconds > 0
        self.put_off_ids += ids
        return [id_ for id_ in ids if id_ not in self.gone]


@pytest.fixture
def schedule() -> Schedule:
    return Schedule()


@pytest.fixture
def account() -> str:
    return str(uuid.uuid4().int)[:12]


@pytest.fixture
def group(clock: Clock, account: str) -> WaitingGroup:
    return WaitingGroup(Scope(account, "us-east-1", "role"), CallRate(clock), clock, lambda _calls: True)


@pytest.fixture
def cloudformation(local_server: LocalServer, account: str) -> Any:
    return local_server.client("cloudformation", account=account)


def watched(group: WaitingGroup, cloudformation: Any, number: int) -> list[str]:
    """Deployments whose stacks were in progress when they were last seen, and have been created since."""
    ids = [f"d{one}" for one in range(number)]
    for id_ in ids:
        stack = cloudformation.create_stack(StackName=id_, TemplateBody=TEMPLATE)
        group.add(id_, stack["StackId"], RUNNING)
    return ids


def test_many_stacks_that_have_moved_are_read_for_their_steps(
    group: WaitingGroup, cloudformation: Any, schedule: Schedule, clock: Clock
) -> None:
    ids = watched(group, cloudformation, MANY)
    cloudformation.delete_stack(StackName="d0")
    clock.now += 1

    group.look(lambda: cloudformation, schedule)

    assert sorted(schedule.due) == sorted(ids)
    first, second = group.seen("d0"), group.seen("d1")
    assert first is not None
    assert first.stack is None
    assert second is not None
    assert second.stack is not None
    assert second.stack["StackStatus"] == "CREATE_COMPLETE"
    assert group.seen("d1") is None  # a later step looks itself


def test_without_the_permission_a_few_are_looked_at_at_a_time(
    group: WaitingGroup, cloudformation: Any, schedule: Schedule, clock: Clock
) -> None:
    ids = watched(group, cloudformation, MANY)

    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    cloudformation.meta.events.register("before-call.cloudformation.DescribeStacks", deny)
    seen = set()
    for _ in range(MANY // AT_ONCE):
        clock.now += 1
        schedule.due.clear()
        group.look(lambda: cloudformation, schedule)
        assert len(schedule.due) == AT_ONCE
        seen |= {*schedule.due}
        for id_ in schedule.due:
            group.remove(id_)
    assert seen == {*ids}


def test_what_cannot_be_listed_is_looked_at_in_turn_at_growing_intervals(
    group: WaitingGroup, schedule: Schedule, clock: Clock
) -> None:
    def unreachable() -> Any:
        raise EndpointConnectionError(endpoint_url="https://cloudformation")

    for number in range(MANY):
        group.add(f"d{number}", f"stack/{number}", RUNNING)
    pauses = []
    for _ in range(3):
        clock.now += 60
        schedule.due.clear()
        group.look(unreachable, schedule)
        assert len(schedule.due) == AT_ONCE
        # A step that can see its stack all the same does not bring the next listing forward.
        group.add(schedule.due[0], f"stack/{schedule.due[0][1:]}", RUNNING)
        pauses.append(group.look_at - clock.now)
    assert pauses == [2.0, 4.0, 8.0]


def test_who_is_watched_is_put_off_and_who_waits_no_more_is_forgotten(
    group: WaitingGroup, schedule: Schedule, clock: Clock
) -> None:
    group.add("here", "stack/1", RUNNING)
    group.add("ended-elsewhere", "stack/2", RUNNING)
    schedule.gone.add("ended-elsewhere")

    group.put_off(schedule)
    assert schedule.put_off_ids == []
    for _ in range(7):
        clock.now += 20
        group.put_off(schedule)

    assert schedule.put_off_ids.count("here") == 7
    assert "here" in group
    assert "ended-elsewhere" not in group
