"""The gauges of a server: what is asked of its parts whenever the metrics are read."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from proton_server.persistence.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_server.api.http_connections import Connections
    from proton_server.api.tls import Certificate
    from proton_server.engine.evaluation import Evaluator
    from proton_server.engine.reconciler import Reconciler
    from proton_server.observability.metrics import Metrics


def add_gauges(
    metrics: Metrics,
    reconcilers: Mapping[str, Reconciler[Any]],
    evaluate: Evaluator,
    connections: Connections,
    certificate: Certificate | None,
) -> None:
    """Adds them to the metrics. `reconcilers` are by the table that each is for."""
    metrics.gauge(
        "proton_build_info",
        "1, with the release and the schema of its database.",
        lambda: 1.0,
        version=version("pulumi-aws-proton"),
        schema=SCHEMA_VERSION,
    )
    for name, documentation, read in _plain(evaluate, connections):
        metrics.gauge(name, documentation, read)
    if certificate is not None:
        metrics.gauge(
            "proton_tls_certificate_expiry_timestamp_seconds",
            "When the certificate in use expires.",
            lambda: certificate.expires,
        )
    metrics.gauges(
        "proton_rows_held",
        "Rows that this server is making a step of.",
        {(("table", table),): one.held for table, one in reconcilers.items()},
    )
    metrics.gauges(
        "proton_reconciler_round_age_seconds",
        "Since when a reconciler has made no round: it makes one in a second.",
        {(("table", table),): one.round_age for table, one in reconcilers.items()},
    )


def _plain(evaluate: Evaluator, connections: Connections) -> tuple[tuple[str, str, Callable[[], float]], ...]:
    return (
        ("proton_connections", "Open connections of clients.", lambda: connections.number),
        ("proton_evaluation_workers", "Processes that evaluate.", lambda: evaluate.workers),
        ("proton_evaluation_workers_busy", "Those of them that have a call.", evaluate.busy),
        ("proton_evaluations_waiting", "Calls that wait for one.", evaluate.waiting),
    )
