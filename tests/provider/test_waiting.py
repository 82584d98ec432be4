"""A wait that ends says what goes on, and what to run: not `pulumi up` for what is being deleted."""

from __future__ import annotations

import pytest

from aws_proton_provider.aws.waiting import wait_until
from aws_proton_provider.core.errors import TimedOut


@pytest.mark.parametrize(
    ("verb", "advice"),
    [("create", "`pulumi up` again"), ("update", "`pulumi up` again"), ("delete", "same command")],
)
def test_a_wait_that_ends_says_what_to_run(verb: str, advice: str) -> None:
    with pytest.raises(TimedOut, match=f"environment dev: its end took longer than 0 s: .*{advice}"):
        wait_until(lambda: None, 0, "environment dev: its end", verb)
