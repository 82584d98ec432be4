"""How often an address may ask, by a clock of the test's own."""

from __future__ import annotations

import pytest

from proton_server.identity.address_limits import AddressLimits
from tests.clock import Clock


def test_an_address_may_ask_so_often_in_a_minute_and_then_learns_how_long_to_wait() -> None:
    clock = Clock()
    limits = AddressLimits(3, clock)

    assert [limits.wait("10.0.0.1") for _ in range(4)] == [0, 0, 0, 20]
    clock.now += 19
    assert limits.wait("10.0.0.1") == pytest.approx(1)
    clock.now += 1
    assert [limits.wait("10.0.0.1") for _ in range(2)] == [0, 20]
    clock.now += 3600
    assert [limits.wait("10.0.0.1") for _ in range(4)] == [0, 0, 0, 20]


def test_addresses_do_not_count_for_each_other() -> None:
    limits = AddressLimits(1, Clock())

    assert [limits.wait(f"10.0.0.{number}") for number in range(9)] == [0] * 9


@pytest.mark.parametrize(
    ("one", "other", "wait"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff", 60),
        ("2001:db8::1", "2001:db8:0:1::1", 0),
        ("::ffff:10.0.0.1", "10.0.0.1", 60),
        ("-", "-", 60),
    ],
)
def test_a_network_of_ipv6_counts_as_one(one: str, other: str, wait: float) -> None:
    limits = AddressLimits(1, Clock())

    assert (limits.wait(one), limits.wait(other)) == (0, wait)


def test_memory_is_bounded_and_those_who_ask_are_remembered() -> None:
    limits = AddressLimits(1, Clock(), addresses=100)
    limits.wait("busy")

    for number in range(1000):
        limits.wait(f"10.0.{number // 256}.{number % 256}")
        assert limits.wait("busy") > 0

    assert len(limits._left) == 100
