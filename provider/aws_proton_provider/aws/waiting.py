"""Waiting until something has happened. botocore's waiters know neither CANCELLED nor a deletion."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core.errors import Interrupted, TimedOut

_T = TypeVar("_T")

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Seconds. AWS's own waiter polls every 5 s; a local server is done in a fraction of one."""

_SHARE = 0.04
"""Of the time that a wait has taken: how much longer it may take to see that it has ended."""

_AGAIN = "run `pulumi up` again to wait for it"
_LONGER = f"{_AGAIN}, or give it longer in timeouts"
_ADVICE = {"create": _LONGER, "update": _LONGER, "delete": "run the same command again to wait for it"}
"""What to do when the wait of a verb has ended. A destroy does not read the program, nor its timeouts."""


def wait_until(
    look: Callable[[], _T | None],
    seconds: float,
    what: str,
    operation: Operation,
    *,
    sleep: Callable[[float], object] | None = None,
) -> _T:
    """Looks again and again until there is an answer.

    Args:
        look: Asks AWS; None is no answer.
        seconds: The time until it gives up.
        what: What is waited for.
        operation: Which waits; interrupting it ends the wait.
        sleep: Returns when it is time to look again, at this time of the monotonic clock at the latest, and
            when the operation is interrupted. Without it there are pauses as `pause_after` gives them.

    Raises:
        TimedOut: after `seconds`.
        Interrupted: the user wants Pulumi to stop.

    """
    begun = time.monotonic()
    ends = begun + seconds

    def pause(latest: float) -> None:
        now = time.monotonic()
        operation.interrupted.wait(min(pause_after(now - begun), latest - now))

    while True:
        answer = look()
        if answer is not None:
            return answer
        (sleep or pause)(ends)
        if operation.interrupted.is_set():
            raise interrupted(what, operation)
        if time.monotonic() >= ends:
            raise timed_out(what, seconds, operation)


def timed_out(what: str, seconds: float, operation: Operation) -> TimedOut:
    """The error of a wait that took too long."""
    return TimedOut(f"{what} took longer than {seconds:g} s: it is still running; {_ADVICE[operation.verb]}")


def interrupted(what: str, operation: Operation) -> Interrupted:
    """The error of a wait that the user has ended."""
    advice = _AGAIN if operation.verb in ("create", "update") else _ADVICE[operation.verb]
    return Interrupted(f"{what} was not awaited, since Pulumi was interrupted: it is still running; {advice}")


def pause_after(elapsed: float) -> float:
    """How long to wait before the next poll, after so many seconds.

    A deployment of ten seconds is polled 40 times, one of ten minutes 200 times. Pauses that only grow would
    see the end of the first up to five seconds late, while everything that depends on it waits.
    """
    return min(max(_SHORTEST_PAUSE, elapsed * _SHARE), _LONGEST_PAUSE)
