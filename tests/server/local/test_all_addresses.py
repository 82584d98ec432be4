"""`local --all-addresses`, as in a container: it is reached from outside, and goes on reaching itself."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundles import bundle
from tests.server.environments import create
from tests.servers import LocalServer, publisher
from tests.waiting import ended


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    server = LocalServer(tmp_path_factory.mktemp("all-addresses"), options=("--all-addresses",))
    server.start()
    yield server
    server.stop()


def test_it_answers_on_an_address_that_is_not_the_default_one(server: LocalServer) -> None:
    with urllib.request.urlopen(f"http://127.0.0.2:{server.port}/health", timeout=10) as response:
        assert response.status == 200


def test_without_the_option_it_does_not(local_server: LocalServer) -> None:
    with pytest.raises(urllib.error.URLError, match="Connection refused"):
        urllib.request.urlopen(f"http://127.0.0.2:{local_server.port}/health", timeout=10)


def test_it_still_refuses_names_that_a_web_page_could_point_at_it(server: LocalServer) -> None:
    request = urllib.request.Request(f"{server.url}/health", headers={"Host": "attacker.example.com"})

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


def test_its_deployments_reach_the_aws_that_is_on_the_same_port(server: LocalServer, tmp_path: Path) -> None:
    proton = server.client("proton")
    template = publisher(server)(bundle(tmp_path / "bundle"))

    name = create(proton, template)["name"]

    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
