"""The metrics: what an operator can see of a server, without a name or an account in them."""

from __future__ import annotations

import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proton_server.engine.in_progress import MANAGED, SELF_MANAGED, read_in_progress
from proton_server.engine.reconciler import Reconciler
from proton_server.observability.metrics import Metrics
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.persistence.tables import environments
from tests.bundles import bundle, spec
from tests.fault_proxy import FaultProxy, refusal
from tests.names import ACCOUNT, REGION, unique
from tests.refusals import refused
from tests.server.counting_handler import CountingHandler, add, counts
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws, free_port
from tests.waiting import ended, eventually

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def parsed(text: str) -> Samples:
    """Each sample's name → its labels → its value."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def page(url: str) -> str:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        text: str = answer.read().decode()
        return text


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get(name, {}).get(tuple(sorted(labels.items())))


@pytest.fixture(scope="module")
def metered(
    local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServedBesideAws, FaultProxy]]:
    """A server whose metrics nobody else's requests are in, and its AWS."""
    with closing(FaultProxy(local_server.url)) as aws:
        server = ServedBesideAws(tmp_path_factory.mktemp("metered"), aws=local_server, aws_url=aws.url)
        server.start()
        yield server, aws
        server.kill()


def test_what_a_server_does_is_counted_without_a_name_or_an_account(
    metered: tuple[ServedBesideAws, FaultProxy], published_template: Callable[..., str], tmp_path: Path
) -> None:
    server, _ = metered
    proton = server.client("proton")
    template = published_template(bundle(tmp_path / "bundle"), server=server)
    name = create(proton, template, name=unique("named"), spec=spec(title="hush"))["name"]
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    with refused("ResourceNotFoundException", "not-there"):
        proton.get_environment(name="not-there")
    request = urllib.request.Request(server.url, b"{}", {"X-Amz-Target": "AwsProton20200720.Sell\u00e9"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)

    text = eventually(lambda: (found := page(server.url)) and "proton_deployment_duration" in found and found)
    samples = parsed(text)
    assert all(one.startswith("proton_") for one in samples)
    for secret in (name, template, ACCOUNT, REGION, "hush", "not-there", "Sell", "AWSProton-"):
        assert secret not in text
    assert value(samples, "proton_requests_total", operation="CreateEnvironment", code="OK") == 1
    missing = {"operation": "GetEnvironment", "code": "ResourceNotFoundException"}
    assert value(samples, "proton_requests_total", **missing) == 1
    others = [labels for labels in samples["proton_requests_total"] if ("operation", "other") in labels]
    assert len(others) == 1
    assert value(samples, "proton_request_duration_seconds_count", operation="CreateEnvironment") == 1
    done = {"method": "cloudformation", "outcome": "SUCCEEDED"}
    assert value(samples, "proton_deployment_duration_seconds_count", **done) == 1
    step = {"table": "deployments", "step": "in_progress:new", "outcome": "OK"}
    assert value(samples, "proton_steps_total", **step) == 1
    call = {"service": "cloudformation", "operation": "CreateStack", "outcome": "OK"}
    assert value(samples, "proton_aws_calls_total", **call) == 1
    assert (value(samples, "proton_evaluations_total", outcome="OK") or 0) > 0
    for gauge, expected in (
        ("proton_database_up", 1),
        ("proton_requests_in_flight", 0),
        ("proton_evaluation_workers_busy", 0),
        ("proton_deployments_oldest_age_seconds", 0),
    ):
        assert value(samples, gauge) == expected, gauge
    assert len(samples["proton_build_info"]) == 1


def test_a_throttled_call_of_aws_is_counted_as_one(
    metered: tuple[ServedBesideAws, FaultProxy], published_template: Callable[..., str], tmp_path: Path
) -> None:
    server, aws = metered
    left = [refusal(400, "Throttling")]
    aws.before = lambda action: left.pop() if action == "CreateStack" and left else None
    template = published_template(bundle(tmp_path / "bundle"), server=server)
    ended(server.client("proton"), create(server.client("proton"), template, name=unique("slow"))["name"])

    def throttled() -> bool:
        call = {"service": "cloudformation", "operation": "CreateStack", "outcome": "throttled"}
        return value(parsed(page(server.url)), "proton_aws_calls_total", **call) == 1

    eventually(throttled)


def test_a_deployment_that_is_stuck_is_found_from_the_metrics_alone(
    metered: tuple[ServedBesideAws, FaultProxy], published_template: Callable[..., str], tmp_path: Path
) -> None:
    server, aws = metered
    template = published_template(bundle(tmp_path / "bundle"), server=server)
    let_go = threading.Event()

    def hold(action: str) -> None:
        if action == "CreateStack":
            let_go.wait(60)

    aws.before = hold
    record = create(server.client("proton"), template, name=unique("stuck"))
    one = {"deployment_id": record["lastAttemptedDeploymentId"], "provisioning": MANAGED}

    def seen() -> Samples | None:
        samples = parsed(page(server.url))
        return samples if value(samples, "proton_deployment_age_seconds", **one) else None

    samples = eventually(seen)
    let_go.set()
    assert value(samples, "proton_deployments_in_progress", status="IN_PROGRESS", phase="new") == 1
    assert value(samples, "proton_deployment_errors", **one) == 0
    idle = value(samples, "proton_deployment_idle_seconds", **one)
    assert idle is not None
    assert 0 < idle <= (value(samples, "proton_deployment_age_seconds", **one) or 0)
    ended(server.client("proton"), record["name"])


def test_metrics_come_also_while_the_database_cannot_be_used(
    metered: tuple[ServedBesideAws, FaultProxy],
) -> None:
    server, _ = metered
    with closing(sqlite3.connect(server.database, isolation_level=None)) as database:
        database.execute("ALTER TABLE deployments RENAME TO away")
        eventually(lambda: value(parsed(page(server.url)), "proton_database_up") == 0)
        samples = parsed(page(server.url))
        assert "proton_deployments_in_progress" not in samples
        assert (value(samples, "proton_database_errors_total", kind="unavailable") or 0) > 0
        database.execute("ALTER TABLE away RENAME TO deployments")
    eventually(lambda: value(parsed(page(server.url)), "proton_database_up") == 1)


def test_only_an_unsigned_get_gets_the_metrics(metered: tuple[ServedBesideAws, FaultProxy]) -> None:
    server, _ = metered
    for method, headers in (("POST", {}), ("GET", {"Authorization": "AWS4-HMAC-SHA256"})):
        request = urllib.request.Request(f"{server.url}/metrics", headers=headers, method=method)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as answer:
            assert b"proton_" not in answer.read()


def test_with_a_port_of_their_own_the_metrics_and_the_probes_are_there(
    local_server: LocalServer, tmp_path: Path
) -> None:
    port = free_port()
    server = ServedBesideAws(tmp_path, ("--metrics-port", str(port)), aws=local_server)
    server.start()
    try:
        assert "proton_build_info" in page(f"http://127.0.0.1:{port}")
        for path in ("/health", "/health/ready", "/health/live"):
            for url in (server.url, f"http://127.0.0.1:{port}"):
                with urllib.request.urlopen(url + path) as answer:
                    assert answer.read() == b"ok\n"
        for wrong in (f"{server.url}/metrics", f"http://127.0.0.1:{port}/"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(wrong)
            caught.value.close()
            assert caught.value.code in (400, 403, 404)
    finally:
        server.kill()


def test_a_step_that_fails_is_counted_as_one(store: Store, start: Callable[..., Reconciler[Any]]) -> None:
    failures = ["once"]

    def fail_once(_row: Any) -> None:
        if failures:
            raise ValueError(failures.pop())

    metrics = Metrics()
    start(CountingHandler(fail_once), measures=metrics)
    add(store)
    eventually(lambda: set(counts(store).values()) == {3})

    def outcome(name: str) -> float | None:
        labels = {"table": "deployments", "step": "count", "outcome": name}
        return metrics.registry.get_sample_value("proton_steps_total", labels)

    eventually(lambda: outcome("OK") == 3)
    assert outcome("failed") == 1


def test_deployments_that_wait_for_people_hide_no_other(store: Store) -> None:
    for number in range(15):
        add(store, f"repository-{number}")
        with store.write("1", "r") as connection:
            record = {"provisioningRepository": {"name": "a/b"}}
            Rows(connection, "1", "r").insert(environments, name=f"repository-{number}", record=record)
    id_ = add(store, "stack")

    found = read_in_progress(store)
    assert [one.provisioning for one in found.oldest].count(SELF_MANAGED) == 10
    assert [one.id for one in found.oldest if one.provisioning == MANAGED] == [id_]
    assert found.overdue > 0


def test_each_server_has_metrics_of_its_own() -> None:
    first, second = Metrics(), Metrics()
    first.request("GetEnvironment", "OK", 0.1)
    labels = {"operation": "GetEnvironment", "code": "OK"}
    assert first.registry.get_sample_value("proton_requests_total", labels) == 1
    assert second.registry.get_sample_value("proton_requests_total", labels) is None
