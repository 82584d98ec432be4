"""The metrics of a server, for Prometheus: what its parts report is counted, and gauges are asked.

Each server has a registry of its own. Labels have few values: no account, no name, nothing of a request.
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from proton_server.observability.measures import Measures

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STEP_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_DEPLOYMENT_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 86400)


class Metrics(Measures):
    """Counts what is reported, in the registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(namespace="proton", registry=registry)
        self._requests = Counter(
            "proton_requests",
            "Requests of the API that were answered, by operation and code of the error (or OK).",
            ["operation", "code"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "proton_request_duration_seconds",
            "How long requests of the API took, from the whole request to the answer.",
            ["operation"],
            registry=registry,
            buckets=_REQUEST_BUCKETS,
        )
        self._in_flight = 0
        self.gauge(
            "proton_requests_in_flight",
            "Requests of the API that are being worked on.",
            lambda: self._in_flight,
        )
        self._exchanges = Counter(
            "proton_exchanges",
            "Exchanges of AWS credentials, by code of the refusal (or OK).",
            ["outcome"],
            registry=registry,
        )
        self._steps = Counter(
            "proton_steps",
            "Steps of the reconcilers, by table, step and outcome.",
            ["table", "step", "outcome"],
            registry=registry,
        )
        self._step_seconds = Histogram(
            "proton_step_duration_seconds",
            "How long steps of the reconcilers took.",
            ["table", "step"],
            registry=registry,
            buckets=_STEP_BUCKETS,
        )
        self._deployment_seconds = Histogram(
            "proton_deployment_duration_seconds",
            "How long deployments took that this server saw end, by provisioning method and final status.",
            ["method", "outcome"],
            registry=registry,
            buckets=_DEPLOYMENT_BUCKETS,
        )
        self._aws_calls = Counter(
            "proton_aws_calls",
            "Calls of AWS, each attempt counted, by service, operation and outcome.",
            ["service", "operation", "outcome"],
            registry=registry,
        )
        self._evaluations = Counter(
            "proton_evaluations",
            "Evaluations of templates and specs by worker processes, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self._database_errors = Counter(
            "proton_database_errors",
            "Transactions that failed since the database could not be used, or rows were locked.",
            ["kind"],
            registry=registry,
        )
        # To find a child by its labels takes longer than to count.
        self._requests_of = cache(self._requests.labels)
        self._request_seconds_of = cache(self._request_seconds.labels)

    def gauge(self, name: str, documentation: str, read: Callable[[], float], **labels: str) -> None:
        """A gauge that is read when the metrics are. For several values of a label it is declared at once."""
        self.gauges(name, documentation, {tuple(labels.items()): read})

    def gauges(
        self,
        name: str,
        documentation: str,
        reads: dict[tuple[tuple[str, str], ...], Callable[[], float]],
    ) -> None:
        """A gauge with a value for each set of labels."""
        names = [label for label, _ in next(iter(reads))]
        gauge = Gauge(name, documentation, names, registry=self.registry)
        for labels, read in reads.items():
            (gauge.labels(**dict(labels)) if labels else gauge).set_function(read)

    def request_began(self) -> None:
        """Counts it as in flight."""
        self._in_flight += 1

    def request_ended(self) -> None:
        """Counts it as in flight no more."""
        self._in_flight -= 1

    def request(self, operation: str, code: str, seconds: float) -> None:
        """Counts it by operation and code."""
        self._requests_of(operation, code).inc()
        self._request_seconds_of(operation).observe(seconds)

    def exchange(self, outcome: str) -> None:
        """Counts it by outcome."""
        self._exchanges.labels(outcome).inc()

    def step(self, table: str, step: str, outcome: str, seconds: float) -> None:
        """Counts it by table, step and outcome."""
        self._steps.labels(table, step, outcome).inc()
        self._step_seconds.labels(table, step).observe(seconds)

    def deployment_ended(self, method: str, outcome: str, seconds: float) -> None:
        """Counts it by method and outcome."""
        self._deployment_seconds.labels(method, outcome).observe(seconds)

    def aws_call(self, service: str, operation: str, outcome: str) -> None:
        """Counts it by service, operation and outcome."""
        self._aws_calls.labels(service, operation, outcome).inc()

    def evaluation(self, outcome: str) -> None:
        """Counts it by outcome."""
        self._evaluations.labels(outcome).inc()

    def database_error(self, kind: str) -> None:
        """Counts it by kind."""
        self._database_errors.labels(kind).inc()
