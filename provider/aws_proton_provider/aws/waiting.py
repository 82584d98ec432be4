"""Polling until something has happened. botocore's waiters know neither CANCELLED nor a deletion."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from aws_proton_provider.core import types
from aws_proton_provider.core.errors import TimedOut
from aws_proton_provider.core.values import State

_T = TypeVar("_T")

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Seconds. AWS's own waiter polls every 5 s; a local server is done in a fraction of one."""

_SHARE = 0.04
"""Of the time that a wait has taken: how much longer it may take to see that it has ended."""


def patience(properties: State, verb: str, default: str) -> int:
    """How many seconds a verb ("create") may wait: what `timeouts` say, else `default` ("90m")."""
    return types.seconds((properties.get("timeouts") or {}).get(verb, default))


_ADVICE = {
    "create": "run `pulumi up` again to wait for it, or give it longer in timeouts",
    "update": "run `pulumi up` again to wait for it, or give it longer in timeouts",
    "delete": "run the same command again to wait for it",
}
"""What to do when the wait of a verb has ended. A destroy does not read the program, nor its timeouts."""


def wait_until(
    look: Callable[[], _T | None], seconds: float, what: str, verb: str, *, pause_first: bool = False
) -> _T:
    """Polls `look` until it answers, with pauses as `pause_after` gives them.

    With `pause_first` it is known that what is waited for has just begun.

    Raises:
        TimedOut: after `seconds`; `what` says what was waited for, `verb` what to do now.

    """
    begun = time.monotonic()
    while True:
        answer = None if pause_first else look()
        if answer is not None:
            return answer
        pause_first, elapsed = False, time.monotonic() - begun
        pause = pause_after(elapsed)
        if elapsed + pause > seconds:
            raise TimedOut(f"{what} took longer than {seconds:g} s: it is still running; {_ADVICE[verb]}")
        time.sleep(pause)


def pause_after(elapsed: float) -> float:
    """How long to wait before the next poll, after so many seconds.

    A deployment of ten seconds is polled 40 times, one of ten minutes 200 times. Pauses that only grow would
    see the end of the first up to five seconds late, while everything that depends on it waits.
    """
    return min(max(_SHORTEST_PAUSE, elapsed * _SHARE), _LONGEST_PAUSE)
