"""What probes ask: whether the server can take requests (ready), and whether a restart would help (live).

A server whose database cannot be used is live and not ready: it goes on by itself when the database is back,
and a restart would only end the steps in progress. Neither answer queries the database, so both come at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

_STALLED_SECONDS = 30.0
"""After so long without a turn the event loop hangs: nothing that it does waits for anything."""


class Health:
    """The state of a server, from its start to its end.

    Args:
        is_stopping: whether the server was told to stop.
        not_ready: why the server cannot do its work at present, as a sentence.
        not_live: what only a restart can end, as a sentence.

    """

    def __init__(
        self,
        is_stopping: Callable[[], bool],
        not_ready: Callable[[], str | None] = lambda: None,
        not_live: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._is_stopping, self._not_ready, self._not_live = is_stopping, not_ready, not_live
        self._started, self._turn_at = False, time.monotonic()

    def started(self) -> None:
        """The server takes requests from now on."""
        self._started = True

    def turn(self) -> None:
        """Notes that the event loop has a turn. To be called by it, many times within half a minute."""
        self._turn_at = time.monotonic()

    def unready(self) -> str | None:
        """Why requests should go elsewhere just now, if so."""
        if self._is_stopping():
            return "The server is stopping."
        return self._not_ready() if self._started else "The server is starting."

    def dead(self) -> str | None:
        """What only a restart can end, if there is something."""
        if self._is_stopping() or not self._started:
            return None
        stalled = time.monotonic() - self._turn_at
        if stalled > _STALLED_SECONDS:
            return f"The event loop has had no turn for {stalled:.0f} seconds."
        return self._not_live()

    def response(self, path: str) -> ASGIApp | None:
        """The answer to a GET of the path, if it is one of a probe."""
        if path not in PROBES:
            return None
        fault = PROBES[path](self)
        return PlainTextResponse(f"{fault or 'ok'}\n", 503 if fault else 200)


PROBES = {"/health": Health.unready, "/health/ready": Health.unready, "/health/live": Health.dead}
