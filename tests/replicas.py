"""Replicas of `serve` on one PostgreSQL under load, of which some are killed or stopped meanwhile.

Clients create, update and delete environments through all replicas; another process is AWS, whose events say
what was done to it. At the end nothing that was acknowledged is lost, and nothing was done twice.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.bundles import bundle, spec
from tests.postgresql import PostgreSql
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.waiting import eventually

_ENDED = {"SUCCEEDED", "FAILED", "CANCELLED", "DELETE_FAILED"}
_QUICK = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=4, max_pool_connections=32)
_LONGER_THAN_A_LEASE = 17.0
_CLIENTS = 8
_SECONDS = 300
"""In which everything has to end, whatever happens."""


@dataclass
class Replicas:
    """The servers, their database and their AWS."""

    database: PostgreSql
    aws: LocalServer
    servers: list[ServedBesideAws]
    template: str
    chance: random.Random
    clients: dict[int, Any] = field(default_factory=dict)
    resting: set[int] = field(default_factory=set)
    """The servers to which a load balancer would send nothing now."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The deployments of which a client was told → the environment."""

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Calls any replica, and another one after an error that is not the caller's."""
        deadline = time.monotonic() + _SECONDS
        while True:
            numbers = [number for number in range(len(self.servers)) if number not in self.resting]
            client = self.clients[self.chance.choice(numbers or [0])]
            try:
                answer: dict[str, Any] = getattr(client, operation)(**request)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 or time.monotonic() > deadline:
                    raise
            except BotoCoreError:
                assert time.monotonic() < deadline, f"no replica answers {operation}"
            else:
                return answer
            time.sleep(0.2)

    def live(self, name: str, updates: int, *, deleted: bool) -> None:
        """The life of an environment: a creation, updates, and perhaps its deletion."""
        self._begin(name, lambda: create_through(self, name))
        for number in range(updates):
            self._end(name)
            title = f"title{'abcdefgh'[number]}"
            request = {"name": name, "deploymentType": "CURRENT_VERSION", "spec": spec(title=title)}
            self._begin(name, lambda request=request: self.call("update_environment", **request))
        self._end(name)
        if deleted:
            self._begin(name, lambda: self.call("delete_environment", name=name))
            eventually(lambda: self._record(name) is None, _SECONDS)

    def _begin(self, name: str, request: Callable[[], dict[str, Any]]) -> None:
        """Makes a request. Where its answer was lost, a repetition meets what it began."""
        try:
            record = request().get("environment")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
            return
        if record is not None:
            self.acknowledged[record["lastAttemptedDeploymentId"]] = name

    def _end(self, name: str) -> None:
        eventually(lambda: (self._record(name) or {}).get("deploymentStatus") in _ENDED, _SECONDS)

    def _record(self, name: str) -> dict[str, Any] | None:
        time.sleep(0.2)  # as clients that wait do
        try:
            record: dict[str, Any] = self.call("get_environment", name=name)["environment"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        return record


def create_through(replicas: Replicas, name: str) -> dict[str, Any]:
    """CreateEnvironment at any replica."""

    class AnyReplica:
        @staticmethod
        def create_environment(**request: Any) -> dict[str, Any]:
            return replicas.call("create_environment", **request)

    return {"environment": create(AnyReplica, replicas.template, name=name)}


@contextmanager
def replicas_on(database: PostgreSql, number: int, folder: Path, chance: random.Random) -> Iterator[Replicas]:
    """So many replicas of `serve`, ready for load."""
    with psycopg.connect(database.url.format(database="postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE replicas")
    url = database.url.format(database="replicas").replace("postgresql://", "postgresql+psycopg://")
    for name in ("aws", *map(str, range(number))):
        (folder / name).mkdir()
    aws = LocalServer(folder / "aws", ("--deploy-seconds", "0.5"))
    servers = [
        ServedBesideAws(folder / str(each), aws=aws, database_url=url, keys={}) for each in range(number)
    ]
    try:
        aws.start()
        for server in servers:
            server.start()
        template = publisher(servers[0])(bundle(folder / "bundle"))
        replicas = Replicas(database, aws, servers, template, chance)
        for each, server in enumerate(servers):
            replicas.clients[each] = server.session().client("proton", config=_QUICK)
        yield replicas
    finally:
        for server in servers:
            if server.process is not None:
                server.process.send_signal(signal.SIGCONT)
            server.kill()
        aws.kill()


def under_load(
    replicas: Replicas, environments: int, trouble: Callable[[Replicas, threading.Event], None]
) -> None:
    """Lets the environments live while the trouble lasts, and checks what is there at the end."""
    over = threading.Event()
    names = [f"env-{number}" for number in range(environments)]
    lives = [(name, replicas.chance.randint(1, 3), replicas.chance.random() < 0.5) for name in names]
    with ThreadPoolExecutor(_CLIENTS + 1) as threads:
        troubled = threads.submit(trouble, replicas, over)
        futures = [threads.submit(replicas.live, name, n, deleted=deleted) for name, n, deleted in lives]
        try:
            for future in futures:
                future.result()
        finally:
            over.set()
            troubled.result()
    check(replicas)


def kill(replicas: Replicas, number: int, seconds: float) -> None:
    """`kill -9` of a replica, which is started again after a while."""
    replicas.resting.add(number)
    replicas.servers[number].kill()
    time.sleep(seconds)
    replicas.servers[number].start()
    replicas.resting.discard(number)


def stop(replicas: Replicas, number: int, seconds: float = _LONGER_THAN_A_LEASE) -> None:
    """Stops a replica's process, which knows nothing of it when it is continued: past its leases."""
    process = replicas.servers[number].process
    assert process is not None
    replicas.resting.add(number)
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)
    replicas.resting.discard(number)


def restart_database(replicas: Replicas, seconds: float) -> None:
    """A crash of PostgreSQL, which is started again after a while."""
    replicas.database.kill()
    time.sleep(seconds)
    replicas.database.start()


def check(replicas: Replicas) -> None:
    """Everything has ended well, once, and AWS has exactly what the database says."""
    rows: dict[str, dict[str, Any]] = {
        each["id"]: each for each in _pages(replicas, "list_deployments", "deployments")
    }
    unfinished = [each for each in rows.values() if each["deploymentStatus"].endswith("ING")]
    assert unfinished == []
    lost = replicas.acknowledged.keys() - rows.keys()
    assert not lost, f"acknowledged and lost: {lost}"
    failed = {
        id_: rows[id_]["deploymentStatusMessage"]
        for id_ in replicas.acknowledged
        if rows[id_]["deploymentStatus"] not in ("SUCCEEDED", "DELETE_COMPLETE")
    }
    assert failed == {}
    cloudformation = replicas.aws.client("cloudformation")
    stacks = [*_stacks(cloudformation)]
    begun: Counter[str] = Counter()
    for stack in stacks:
        for page in cloudformation.get_paginator("describe_stack_events").paginate(
            StackName=stack["StackId"]
        ):
            begun.update(
                event["ClientRequestToken"]
                for event in page["StackEvents"]
                if event.get("ResourceStatusReason") == "User Initiated"
            )
    assert {id_: count for id_, count in begun.items() if count > 1} == {}, "done twice"
    assert begun.keys() == rows.keys(), "done without a deployment, or ended without having been done"
    _check_stacks(replicas, cloudformation)
    for server in replicas.servers:
        _, traceback, after = server.log.read_text().partition("Traceback")
        assert not traceback, after[:4000]


def _check_stacks(replicas: Replicas, cloudformation: Any) -> None:
    """One stack for each environment, with the title of the environment's spec."""
    found = {}
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            (arn,) = [tag["Value"] for tag in stack["Tags"] if tag["Key"] == "proton:environment"]
            assert arn not in found, f"{arn} has two stacks"
            (title,) = [each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "Title"]
            found[arn] = title
    environments = {}
    for summary in _pages(replicas, "list_environments", "environments"):
        record = replicas.call("get_environment", name=summary["name"])["environment"]
        outputs = replicas.call("list_environment_outputs", environmentName=summary["name"])["outputs"]
        (title,) = [each["valueString"] for each in outputs if each["key"] == "Title"]
        assert title in record["spec"]
        environments[record["arn"]] = title
    assert found == environments


def _stacks(cloudformation: Any) -> Iterator[dict[str, Any]]:
    for page in cloudformation.get_paginator("list_stacks").paginate():
        yield from page["StackSummaries"]


def _pages(replicas: Replicas, operation: str, member: str) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        answer = replicas.call(operation, **more)
        yield from answer[member]
        if not answer.get("nextToken"):
            return
        more = {"nextToken": answer["nextToken"]}
