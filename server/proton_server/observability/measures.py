"""What the parts of a server report about their work. Nothing is made of it here: `metrics.py` counts.

The parts know these names only, so that commands which measure nothing need no Prometheus client.
"""

from __future__ import annotations


class Measures:
    """Takes reports, from any thread, in a microsecond or two. Texts are of small fixed sets: no caller's."""

    def request_began(self) -> None:
        """A request of the API has arrived. Called by the event loop only, as `request_ended`."""

    def request_ended(self) -> None:
        """It is answered, or its client is gone."""

    def request(self, operation: str, code: str, seconds: float) -> None:
        """A request was answered: a name of the model or `other`, and `OK` or the code of the error."""

    def exchange(self, outcome: str) -> None:
        """Credentials were exchanged (`OK`), or refused with a code."""

    def step(self, table: str, step: str, outcome: str, seconds: float) -> None:
        """A reconciler has made a step of a row."""

    def deployment_ended(self, method: str, outcome: str, seconds: float) -> None:
        """A deployment has ended with a status, so long after it was asked for."""

    def aws_call(self, service: str, operation: str, outcome: str) -> None:
        """AWS was called once, also if the call is repeated: `OK`, `throttled`, `error` or `unreachable`."""

    def evaluation(self, outcome: str) -> None:
        """A worker's call has ended: `OK`, `refused`, `time`, `memory` or `error`."""

    def database_error(self, kind: str) -> None:
        """A transaction failed: `unavailable` or `locked`."""


UNMEASURED = Measures()
