"""An AWS and a network that often fail, a database that loses its connections, and replicas that die."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.bundles import bundle, spec
from tests.campaigns.conftest import beginnings, stacks_of
from tests.fault_proxy import Answer, CutOff, FaultProxy, refusal
from tests.names import unique
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.waiting import ended, gone

_ENVIRONMENTS = 12


def test_what_fails_at_times_fails_no_deployment(
    database_url: str,
    serve: Callable[[str], ServedBesideAws],
    aws: LocalServer,
    proxy: FaultProxy,
    chance: random.Random,
    tmp_path: Path,
) -> None:
    server = serve(database_url)
    template = publisher(server)(bundle(tmp_path / "bundle"))
    proton = server.client("proton")

    def sometimes(_action: str) -> Answer | None:
        what = chance.random()
        if what < 0.08:
            return refusal(500, "InternalFailure")
        if what < 0.16:
            return refusal(400, "Throttling", "Rate exceeded")
        if what < 0.24:
            raise CutOff
        if what < 0.32:
            time.sleep(chance.uniform(0, 3))
        return None

    proxy.before = proxy.after = sometimes
    names = [create(proton, template)["name"] for _ in range(_ENVIRONMENTS)]
    for name in names:
        assert ended(proton, name, 180)["deploymentStatus"] == "SUCCEEDED"
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="later"))
    for name in names:
        record = ended(proton, name, 180)
        assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")
        assert max(beginnings(aws, proton, name).values()) == 1
        proton.delete_environment(name=name)
    for name in names:
        gone(proton, name, 180)
        assert stacks_of(aws, f"arn:aws:proton:us-east-1:123456789012:environment/{name}") == []


def test_replicas_that_die_or_stall_leave_their_work_to_the_others(
    new_postgresql: str,
    serve: Callable[[str], ServedBesideAws],
    aws: LocalServer,
    chance: random.Random,
    tmp_path: Path,
) -> None:
    steady, *others = [serve(new_postgresql) for _ in range(3)]
    template = publisher(steady)(bundle(tmp_path / "bundle"))
    proton, stopping = steady.client("proton"), threading.Event()

    def trouble() -> None:
        while not stopping.wait(chance.uniform(0.5, 2)):
            victim = chance.choice(others)
            if chance.random() < 0.5:
                victim.kill()
                victim.start()
            elif victim.process is not None:
                victim.process.send_signal(signal.SIGSTOP)
                stopping.wait(chance.choice([2, 20]))  # shorter and longer than a lease
                victim.process.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=trouble)
    thread.start()
    try:
        names = []
        for _ in range(_ENVIRONMENTS):
            names.append(create(proton, template, name=unique("env"))["name"])
            time.sleep(chance.uniform(0, 1))
        records = [ended(proton, name, 180) for name in names]
    finally:
        stopping.set()
        thread.join()
    for record in records:
        assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")
        assert stacks_of(aws, record["arn"]) == ["CREATE_COMPLETE"]
        assert max(beginnings(aws, proton, record["name"]).values()) == 1


def test_a_database_that_loses_connections_and_holds_locks_loses_no_deployment(
    new_postgresql: str,
    serve: Callable[[str], ServedBesideAws],
    aws: LocalServer,
    chance: random.Random,
    tmp_path: Path,
) -> None:
    server = serve(new_postgresql)
    template = publisher(server)(bundle(tmp_path / "bundle"))
    proton = server.client("proton")
    names = [create(proton, template)["name"] for _ in range(_ENVIRONMENTS)]
    with psycopg.connect(new_postgresql.replace("+psycopg", ""), autocommit=True) as admin:
        for _ in range(5):
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            with admin.transaction():
                admin.execute("LOCK TABLE deployments IN ACCESS EXCLUSIVE MODE")
                time.sleep(chance.uniform(0.5, 2))
            time.sleep(chance.uniform(0, 1))
    for name in names:
        record = ended(proton, name, 180)
        assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")
        assert stacks_of(aws, record["arn"]) == ["CREATE_COMPLETE"]
        assert max(beginnings(aws, proton, name).values()) == 1
