"""The watch that all share who wait: what it reads, whom it wakes, and what ends a sleep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from aws_proton_provider.aws import watching
from aws_proton_provider.aws.watching import Watch
from aws_proton_provider.core.errors import AccessDenied
from tests.waiting import eventually

RUNNING, ENDED = {"status": "IN_PROGRESS"}, {"status": "SUCCEEDED"}


class Listing:
    """A listing whose items and reads a test decides."""

    def __init__(self, *names: str) -> None:
        self.items = dict.fromkeys(names, RUNNING)
        self.reads = 0
        self.open = threading.Event()
        self.open.set()

    def __call__(self) -> list[dict[str, Any]]:
        self.reads += 1
        found = [{"name": name, **item} for name, item in self.items.items()]
        assert self.open.wait(60)
        return found


Sleep = Callable[..., "Future[dict[str, Any] | None]"]


@pytest.fixture
def sleeping() -> Iterator[Callable[[Watch], Sleep]]:
    """`sleeping(watch)(name)` sleeps in a thread of its own until there is news of an item."""
    never = threading.Event()
    with ThreadPoolExecutor(200) as threads:

        def of(watch: Watch) -> Sleep:
            def sleep(
                name: str, seconds: float = 60, interrupted: threading.Event = never
            ) -> dict[str, Any] | None:
                with watch.wait(name, interrupted) as wait:
                    return watch.sleep(wait, RUNNING, time.monotonic() + seconds)

            return lambda *arguments, **more: threads.submit(sleep, *arguments, **more)

        yield of


def test_all_who_wait_are_served_by_the_same_reads_and_only_they_wake_whose_item_has_changed(
    sleeping: Callable[[Watch], Sleep],
) -> None:
    names = [f"e{number}" for number in range(50)]
    listing = Listing(*names)
    watch = Watch(listing)
    sleep = sleeping(watch)

    sleeps = {name: sleep(name) for name in names}
    eventually(lambda: listing.reads >= 3)
    listing.items["e7"] = ENDED

    assert sleeps["e7"].result(60) == {"name": "e7", **ENDED}
    reads = listing.reads
    eventually(lambda: listing.reads >= reads + 2)
    assert [name for name, one in sleeps.items() if one.done()] == ["e7"]
    listing.items |= dict.fromkeys(names, ENDED)
    assert all(one.result(60) for one in sleeps.values())


def test_a_listing_that_began_before_does_not_answer(sleeping: Callable[[Watch], Sleep]) -> None:
    listing = Listing("a", "b", "late")
    listing.items["late"] = ENDED  # of an earlier deployment: the next one begins while the listing is read
    listing.open.clear()
    watch = Watch(listing)
    sleep = sleeping(watch)
    others = [sleep("a"), sleep("b")]
    eventually(lambda: listing.reads == 1)

    late = sleep("late", 2)
    listing.items["late"] = RUNNING
    eventually(lambda: any(wait.name == "late" and wait.since for wait in watch._waits))
    listing.open.set()

    assert late.result(60) is None
    assert listing.reads > 1
    listing.items |= {"a": ENDED, "b": ENDED}
    assert all(one.result(60) for one in others)


def test_what_is_not_listed_any_more_is_looked_at(sleeping: Callable[[Watch], Sleep]) -> None:
    listing = Listing("a", "b")
    sleep = sleeping(Watch(listing))
    removed, other = sleep("a"), sleep("b")
    eventually(lambda: listing.reads >= 2)

    del listing.items["a"]

    assert removed.result(60) is None
    assert not other.done()
    listing.items["b"] = ENDED
    # Alone, it looks itself.
    assert other.result(60) in (None, {"name": "b", **ENDED})


def test_one_who_waits_alone_looks_itself(sleeping: Callable[[Watch], Sleep]) -> None:
    listing = Listing("a")

    assert sleeping(Watch(listing))("a").result(60) is None
    assert listing.reads == 0


def test_few_who_wait_in_a_large_account_look_themselves(sleeping: Callable[[Watch], Sleep]) -> None:
    listing = Listing("a", "b", *(f"other-{number}" for number in range(200)))
    watch = Watch(listing)
    sleep = sleeping(watch)

    assert [one.result(60) for one in (sleep("a"), sleep("b"))] == [None, None]
    assert [one.result(60) for one in (sleep("a"), sleep("b"))] == [None, None]
    assert listing.reads == 1  # which showed how many pages there are


@pytest.mark.parametrize("hangs", [False, True])
def test_an_interruption_ends_a_sleep_also_while_the_listing_is_read(
    sleeping: Callable[[Watch], Sleep], hangs: bool
) -> None:
    listing, stop, stop_other = Listing("a", "b"), threading.Event(), threading.Event()
    if hangs:
        listing.open.clear()
    sleep = sleeping(Watch(listing))
    stopped, other = sleep("a", interrupted=stop), sleep("b", interrupted=stop_other)
    eventually(lambda: listing.reads >= 1)

    stop.set()

    assert stopped.result(60) is None
    assert not other.done()
    stop_other.set()
    assert other.result(60) is None
    listing.open.set()


def test_a_sleep_ends_at_its_time(sleeping: Callable[[Watch], Sleep]) -> None:
    listing = Listing("a", "b")
    sleep = sleeping(Watch(listing))
    other = sleep("b", 2)

    assert sleep("a", 0.5).result(60) is None
    assert other.result(60) is None


def test_where_the_listing_is_denied_each_looks_itself(sleeping: Callable[[Watch], Sleep]) -> None:
    reads = []

    def denied() -> list[dict[str, Any]]:
        reads.append(1)
        raise AccessDenied("no")

    sleep = sleeping(Watch(denied))

    for _ in range(2):
        assert [one.result(60) for one in [sleep(f"e{number}") for number in range(5)]] == [None] * 5
    assert len(reads) == 1


def test_while_a_listing_takes_too_long_each_looks_itself(
    sleeping: Callable[[Watch], Sleep], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_SLOW_SECONDS", 0.5)
    listing = Listing("a", "b")
    listing.open.clear()
    sleep = sleeping(Watch(listing))

    assert [one.result(60) for one in [sleep("a"), sleep("b")]] == [None, None]
    assert listing.reads == 1
    listing.open.set()


def test_nothing_runs_while_nobody_waits(sleeping: Callable[[Watch], Sleep]) -> None:
    listing = Listing("a", "b")
    sleep = sleeping(Watch(listing))
    sleeps = [sleep("a"), sleep("b")]
    eventually(lambda: listing.reads >= 1)
    assert "watch" in [thread.name for thread in threading.enumerate()]

    listing.items |= {"a": ENDED, "b": ENDED}

    for one in sleeps:
        one.result(60)
    eventually(lambda: "watch" not in [thread.name for thread in threading.enumerate()])
