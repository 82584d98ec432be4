"""A wait: how often it polls, and what it says when it ends: not `pulumi up` for what is being deleted."""

from __future__ import annotations

import pytest

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.operation import Operation, Verb
from aws_proton_provider.aws.waiting import pause_after, wait_until
from aws_proton_provider.core.errors import Interrupted, TimedOut


@pytest.mark.parametrize(
    ("verb", "advice"),
    [("create", "`pulumi up` again"), ("update", "`pulumi up` again"), ("delete", "same command")],
)
def test_a_wait_that_ends_says_what_to_run(verb: Verb, advice: str, proton: Proton) -> None:
    with pytest.raises(TimedOut, match=f"environment dev: its end took longer than 0 s: .*{advice}"):
        wait_until(lambda: None, 0, "environment dev: its end", Operation(proton, verb))


@pytest.mark.parametrize(
    ("verb", "advice"),
    [("create", "`pulumi up` again"), ("update", "`pulumi up` again"), ("delete", "same command")],
)
def test_a_wait_ends_when_the_user_interrupts_pulumi_and_says_what_to_run(
    verb: Verb, advice: str, proton: Proton
) -> None:
    looks, operation = [], Operation(proton, verb)

    def look() -> None:
        looks.append(1)
        if len(looks) == 2:
            operation.interrupted.set()

    with pytest.raises(
        Interrupted, match=f"its end was not awaited, since Pulumi was interrupted: .*{advice}"
    ):
        wait_until(look, 3600, "environment dev: its end", operation)
    assert len(looks) == 2


@pytest.mark.parametrize(("seconds", "most_polls"), [(0.3, 2), (10, 45), (60, 90), (600, 210), (5400, 1170)])
def test_an_end_is_seen_within_a_twentieth_of_the_time_and_without_flooding_the_service(
    seconds: float, most_polls: int
) -> None:
    elapsed, polls = 0.0, 0
    while elapsed < seconds:
        elapsed += pause_after(elapsed)
        polls += 1

    assert elapsed - seconds <= max(0.2, min(seconds / 20, 5))
    assert polls <= most_polls
