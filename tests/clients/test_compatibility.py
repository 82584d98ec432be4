"""The page of the compatibility: all of Proton's operations are on it, and it says what the tests do."""

from __future__ import annotations

from tests.clients.compatibility import MODEL, NOT_SERVED, PAGE, SERVED, filled
from tests.clients.walks import WALKS


def test_every_operation_of_proton_is_served_or_left_out_for_a_reason() -> None:
    left_out = [name for left in NOT_SERVED for name in left.operations]

    assert sorted([*SERVED, *left_out]) == sorted(MODEL)


def test_every_operation_that_is_served_is_a_step_of_a_walk() -> None:
    called = {step.calls for walk in WALKS.values() for step in walk if step.outcome == "OK"}

    assert set(SERVED) - called == set()


def test_the_tables_of_the_page_are_up_to_date() -> None:
    assert PAGE.read_text() == filled(PAGE.read_text()), "run `python -m tests.clients.compatibility`"
