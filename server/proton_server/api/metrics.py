"""`/metrics`: the text for Prometheus. It comes within seconds, also when the database does not answer.

What is in progress is read from the database at most once in a few seconds, however often the page is asked
for, and in a thread of its own. The text, which anybody may ask for, is made once a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from prometheus_client import Metric
    from starlette.requests import Request

    from proton_server.engine.in_progress import InProgress
    from proton_server.observability.metrics import Metrics

_log = logging.getLogger(__name__)

_FRESH_SECONDS = 5.0
"""How old what the database said may be."""
_PATIENCE_SECONDS = 3.0
"""How long the database is waited for; Prometheus waits for ten seconds in all."""
_TEXT_SECONDS = 1.0
"""For how long a text is answered again."""


class MetricsPage:
    """The page. `read` asks the database, and may raise or hang."""

    def __init__(self, metrics: Metrics, read: Callable[[], InProgress]) -> None:
        self._registry, self._read = metrics.registry, read
        self._registry.register(self)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="metrics-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="metrics-write")
        self._mutex, self._read_at = threading.Lock(), float("-inf")
        self._reading: Future[InProgress | None] | None = None
        self._texts: dict[str, tuple[float, bytes]] = {}

    async def response(self, request: Request) -> Response:
        """The metrics, in the form that the request accepts."""
        reading = self._begin_to_read()
        await asyncio.wait([asyncio.wrap_future(reading)], timeout=_PATIENCE_SECONDS)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(self._writer, self._text, encode, content_type)
        return Response(text, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    def _begin_to_read(self) -> Future[InProgress | None]:
        with self._mutex:
            is_old = time.monotonic() - self._read_at > _FRESH_SECONDS
            if self._reading is None or (self._reading.done() and is_old):
                self._reading, self._read_at = self._reader.submit(self._try_to_read), time.monotonic()
            return self._reading

    def _try_to_read(self) -> InProgress | None:
        try:
            return self._read()
        except Exception as error:  # noqa: BLE001  # the page says so; an outage is in the log already
            _log.info("What is in progress could not be read: %s", error)
            return None

    def _text(self, encode: Callable[[Any], bytes], content_type: str) -> bytes:
        made_at, text = self._texts.get(content_type, (float("-inf"), b""))
        if time.monotonic() - made_at > _TEXT_SECONDS:
            text = encode(self._registry)
            if len(self._texts) > 8:  # there are few forms, and callers name them
                self._texts.clear()
            self._texts[content_type] = time.monotonic(), text
        return text

    def describe(self) -> list[Metric]:
        """For the registry: nothing is read when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What the database said last, for the registry; if it did not answer, only that."""
        reading = self._reading
        found = reading.result() if reading is not None and reading.done() else None
        yield GaugeMetricFamily(
            "proton_database_up",
            "Whether the database answered when it was asked for what is in progress.",
            value=found is not None,
        )
        if found is not None:
            yield from _families(found)


def _families(found: InProgress) -> Iterator[Metric]:
    groups = GaugeMetricFamily(
        "proton_deployments_in_progress",
        "Deployments in progress on the whole database, by status and phase.",
        labels=["status", "phase"],
    )
    for group in found.groups:
        groups.add_metric([group.status, group.phase], group.number)
    yield groups
    for name, documentation, value in (
        (
            "proton_deployments_oldest_age_seconds",
            "Age of the oldest deployment in progress, those that wait for a pull request included.",
            max((one.age for one in found.oldest), default=0.0),
        ),
        (
            "proton_deployments_overdue_seconds",
            "For how long the next step of a deployment has been due without a server that takes it.",
            found.overdue,
        ),
        (
            "proton_deployments_errors_max",
            "The most steps that failed in a row, of all deployments in progress.",
            found.errors,
        ),
        (
            "proton_registrations_in_progress",
            "Template versions whose bundle is still to be read.",
            found.registrations,
        ),
    ):
        yield GaugeMetricFamily(name, documentation, value=value)
    labels = ["deployment_id", "provisioning"]
    for name, documentation, member in (
        ("proton_deployment_age_seconds", "Age of each of the oldest deployments in progress.", "age"),
        (
            "proton_deployment_idle_seconds",
            "Since when each of them has not moved: no new status, phase or message.",
            "idle",
        ),
        ("proton_deployment_errors", "Steps of each of them that failed in a row.", "errors"),
    ):
        family = GaugeMetricFamily(name, documentation, labels=labels)
        for one in found.oldest:
            family.add_metric([one.id, one.provisioning], getattr(one, member))
        yield family
