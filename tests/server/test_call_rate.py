"""How often an account's CloudFormation is asked: never more than so many calls a second, in short bursts."""

from __future__ import annotations

import random

import pytest

from proton_server.provisioning.cloudformation.call_rate import AT_ONCE, CALLS_A_SECOND, CallRate
from tests.clock import Clock

HERE, THERE = ("111111111111", "us-east-1"), ("111111111111", "us-west-2")


@pytest.fixture
def rate(clock: Clock) -> CallRate:
    return CallRate(clock)


def test_a_few_calls_follow_each_other_at_once_and_the_next_one_waits(rate: CallRate) -> None:
    assert [rate.reserve(HERE) for _ in range(AT_ONCE)] == pytest.approx([0.0] * AT_ONCE)
    assert rate.reserve(HERE) == pytest.approx(1 / CALLS_A_SECOND)
    assert rate.reserve(HERE, 3) == pytest.approx(4 / CALLS_A_SECOND)


def test_places_have_a_rate_each(rate: CallRate) -> None:
    rate.reserve(HERE, 100)

    assert rate.reserve(THERE) == 0.0


def test_a_place_is_free_again_when_its_calls_are_made(rate: CallRate, clock: Clock) -> None:
    assert rate.free_at(HERE) <= clock.now
    rate.reserve(HERE, AT_ONCE)
    assert rate.free_at(HERE) == pytest.approx(clock.now + 1 / CALLS_A_SECOND)
    clock.now += 1 / CALLS_A_SECOND
    assert rate.free_at(HERE) <= clock.now + 1e-9


def test_no_time_however_long_has_more_calls_than_the_rate_allows(rate: CallRate, clock: Clock) -> None:
    chance = random.Random(7)
    made: list[float] = []
    for _ in range(2000):
        clock.now += chance.choice([0.0, 0.0, 0.01, 0.3, 2.0])
        calls = chance.randint(1, AT_ONCE)
        clock.now += rate.reserve(HERE, calls)
        made += [clock.now] * calls
    for first in range(0, len(made), 7):
        for last in range(first, min(first + 200, len(made))):
            assert last - first + 1 <= CALLS_A_SECOND * (made[last] - made[first]) + AT_ONCE + 1e-6
