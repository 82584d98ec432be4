"""Answers that operations share: one asks while others wait, and none is kept longer than it is true."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_proton_provider.aws import answers as module
from aws_proton_provider.aws.answers import Answers, Valid, until_a_write
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core.errors import AccessDenied, Unreachable


class Asked:
    """Answers 1, 2, 3, … and so says how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`clock(seconds)` lets time pass."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def test_many_who_ask_the_same_at_once_cost_one_call() -> None:
    answers, begun, asked = Answers(), threading.Event(), Asked()

    def ask() -> int:
        begun.wait(10)
        return asked()

    with ThreadPoolExecutor(20) as threads:
        found = [threads.submit(answers.of, ask, "listing", reader=str(one)) for one in range(20)]
        begun.set()

    assert {one.result() for one in found} == {1}


def test_a_reader_takes_an_answer_once_so_that_a_second_refresh_asks_again() -> None:
    answers, asked = Answers(), Asked()

    def read(name: str) -> int | None:
        return answers.of(asked, "listing", reader=name)

    assert [read("one"), read("two"), read("one"), read("two")] == [1, 1, 2, 2]


def test_a_refresh_does_not_take_what_a_preview_has_asked_for() -> None:
    answers, asked = Answers(), Asked()

    assert answers.of(asked, "listing") == 1
    assert answers.of(asked, "listing", reader="one") == 2
    assert answers.of(asked, "listing") == 1


def test_a_read_takes_no_old_answer(clock: Callable[[float], None]) -> None:
    answers, asked = Answers(), Asked()

    assert answers.of(asked, "listing", reader="one") == 1
    clock(59)
    assert answers.of(asked, "listing", reader="two") == 1
    clock(1)
    assert answers.of(asked, "listing", reader="three") == 2


def test_what_a_write_may_have_changed_is_asked_again_after_one(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = Answers(), Asked()
    assert answers.of(asked, "connections", valid=until_a_write) == 1
    assert answers.of(asked, "connections", valid=until_a_write) == 1

    monkeypatch.setattr(Proton, "writes", Proton.writes + 1)

    assert answers.of(asked, "connections", valid=until_a_write) == 2


@pytest.mark.parametrize("valid", [module.for_the_command, until_a_write])
def test_a_denial_is_remembered_for_ten_seconds(valid: Valid, clock: Callable[[float], None]) -> None:
    answers, asked = Answers(), Asked()

    def denied() -> int:
        asked()
        raise AccessDenied("no")

    def look() -> int:
        assert answers.of(denied, "listing", valid=valid, unknown=AccessDenied) is None
        return asked.times

    assert [look(), look()] == [1, 1]
    clock(10)
    assert look() == 2


def test_an_error_that_is_not_expected_is_raised_for_each() -> None:
    def fails() -> int:
        raise Unreachable("no answer")

    answers = Answers()

    for _ in range(2):
        with pytest.raises(Unreachable, match="no answer"):
            answers.of(fails, "listing", unknown=AccessDenied)


def test_an_answer_that_does_not_last_is_asked_for_again() -> None:
    answers = Answers()

    assert answers.of(lambda: None, "schema", lasting=bool) is None
    assert answers.of(lambda: {"a": 1}, "schema", lasting=bool) == {"a": 1}
    assert answers.of(dict, "schema", lasting=bool) == {"a": 1}
