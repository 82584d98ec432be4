"""Polling until something has happened. botocore's waiters know neither CANCELLED nor a deletion."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from aws_proton_provider.core import types
from aws_proton_provider.core.errors import TimedOut
from aws_proton_provider.core.values import State

_T = TypeVar("_T")

_FIRST_POLL, _SLOWEST_POLL = 0.1, 5.0
"""Seconds. AWS's own waiter polls every 5 s; a local server is done in a fraction of one."""


def patience(properties: State, verb: str, default: str) -> int:
    """How many seconds a verb ("create") may wait: what `timeouts` say, else `default` ("90m")."""
    return types.seconds((properties.get("timeouts") or {}).get(verb, default))


_ADVICE = {
    "create": "run `pulumi up` again to wait for it, or give it longer in timeouts",
    "update": "run `pulumi up` again to wait for it, or give it longer in timeouts",
    "delete": "run the same command again to wait for it",
}
"""What to do when the wait of a verb has ended. A destroy does not read the program, nor its timeouts."""


def wait_until(look: Callable[[], _T | None], seconds: float, what: str, verb: str) -> _T:
    """Polls `look` until it answers, first often, then every five seconds.

    Raises:
        TimedOut: after `seconds`; `what` says what was waited for, `verb` what to do now.

    """
    deadline, delay = time.monotonic() + seconds, _FIRST_POLL
    while True:
        answer = look()
        if answer is not None:
            return answer
        if time.monotonic() + delay > deadline:
            raise TimedOut(f"{what} took longer than {seconds:g} s: it is still running; {_ADVICE[verb]}")
        time.sleep(delay)
        delay = min(delay * 1.5, _SLOWEST_POLL)
