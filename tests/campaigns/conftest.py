"""What campaigns share: an AWS that is never killed, a proxy before it, and a seed that is printed.

A campaign makes what seldom happens happen often. `make campaigns` runs the short forms, which take minutes;
CAMPAIGN_SEED=… repeats a run, as far as the machine lets it.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault_proxy import FaultProxy
from tests.servers import LocalServer, ServedBesideAws


@pytest.fixture
def chance() -> random.Random:
    """A source of chance; what it is started with is in the output of a test that fails."""
    seed = int(os.environ.get("CAMPAIGN_SEED", time.time_ns() % 1_000_000))
    print(f"CAMPAIGN_SEED={seed}")  # noqa: T201  # for whoever runs it
    return random.Random(seed)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """An AWS whose stack operations take a second."""
    aws = LocalServer(tmp_path_factory.mktemp("aws"), ("--deploy-seconds", "1"))
    aws.start()
    yield aws
    aws.stop()


@pytest.fixture
def proxy(aws: LocalServer) -> Iterator[FaultProxy]:
    proxy = FaultProxy(aws.url)
    yield proxy
    proxy.close()


@pytest.fixture
def serve(aws: LocalServer, proxy: FaultProxy, tmp_path: Path) -> Iterator[Callable[..., ServedBesideAws]]:
    """Starts a server on a database, beside the others of the test: `serve(database_url)`."""
    servers: list[ServedBesideAws] = []

    def start(database_url: str) -> ServedBesideAws:
        folder = tmp_path / f"serve-{len(servers)}"
        folder.mkdir()
        server = ServedBesideAws(folder, aws=aws, aws_url=proxy.url, database_url=database_url)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.kill()


def stacks_of(aws: LocalServer, arn: str) -> list[str]:
    """The status of each of an environment's stacks: one, if all is well."""
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    tag = {"Key": "proton:environment", "Value": arn}
    return [stack["StackStatus"] for page in pages for stack in page["Stacks"] if tag in stack["Tags"]]


def beginnings(aws: LocalServer, proton: Any, name: str) -> Counter[str]:
    """How often CloudFormation was told to do what to the environment's stack, by the client token."""
    resources = proton.list_environment_provisioned_resources(environmentName=name)["provisionedResources"]
    pages = aws.client("cloudformation").get_paginator("describe_stack_events")
    return Counter(
        event["ClientRequestToken"]
        for page in pages.paginate(StackName=resources[0]["identifier"])
        for event in page["StackEvents"]
        if event.get("ResourceStatusReason") == "User Initiated" and "ClientRequestToken" in event
    )
