"""The page of the compatibility: all of Proton's operations are on it, and it says what the tests do."""

from __future__ import annotations

import re

from tests.clients.compatibility import MODEL, NOT_SERVED, PAGE, SERVED, filled
from tests.clients.installed import PROGRAMS
from tests.clients.walks import WALKS
from tests.names import REPOSITORY


def test_every_operation_of_proton_is_served_or_left_out_for_a_reason() -> None:
    left_out = [name for left in NOT_SERVED for name in left.operations]

    assert sorted([*SERVED, *left_out]) == sorted(MODEL)


def test_every_operation_that_is_served_is_a_step_of_a_walk() -> None:
    called = {step.calls for walk in WALKS.values() for step in walk if step.outcome == "OK"}

    assert set(SERVED) - called == set()


def test_the_oldest_boto3_is_the_oldest_that_the_server_may_have() -> None:
    extras = (REPOSITORY / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    allowed = re.search(r'"boto3>=([\d.]+)"', extras)
    pinned = re.search(r"^boto3==([\d.]+)", (PROGRAMS / "boto3-oldest.txt").read_text())

    assert allowed is not None
    assert pinned is not None
    assert pinned[1] == f"{allowed[1]}.0"


def test_the_tables_of_the_page_are_up_to_date() -> None:
    assert PAGE.read_text() == filled(PAGE.read_text()), "run `python -m tests.clients.compatibility`"
