"""What the tests of self-managed provisioning share: a template, a repository, an environment.

The server is `proton-server local`: its folder of repositories stands for the hosting service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bundles import terraform_bundle
from tests.server.environments import create
from tests.server.self_managed.git_repository import EXAMPLE, SPEC, GitRepository, notify
from tests.servers import LocalServer, publisher
from tests.waiting import ended


@pytest.fixture(scope="package")
def proton_server(local_server: LocalServer) -> LocalServer:
    return local_server


@pytest.fixture(scope="package")
def proton(proton_server: LocalServer) -> Any:
    return proton_server.client("proton")


@pytest.fixture(scope="package")
def published_template(proton_server: LocalServer) -> Callable[..., str]:
    return publisher(proton_server)


@pytest.fixture(scope="module")
def template(published_template: Callable[..., str]) -> str:
    """The example's Terraform template, version 1.0."""
    return published_template(EXAMPLE / "template")


@pytest.fixture(scope="package")
def terraform_template(
    published_template: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A small template for self-managed provisioning, with one published version 1.0."""
    return published_template(terraform_bundle(tmp_path_factory.mktemp("bundle") / "terraform"))


@pytest.fixture
def repository(proton_server: LocalServer) -> GitRepository:
    return GitRepository(proton_server)


@pytest.fixture
def propose(proton: Any, template: str, repository: GitRepository) -> Callable[..., dict[str, Any]]:
    """CreateEnvironment for the linked repository; returns the record."""

    def propose(**more: Any) -> dict[str, Any]:
        given = {
            "spec": SPEC,
            "protonServiceRoleArn": None,
            "provisioningRepository": repository.link,
            **more,
        }
        return create(proton, template, **given)

    return propose


@pytest.fixture
def environment(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> dict[str, Any]:
    """One that was proposed, merged and provisioned."""
    name = propose()["name"]
    repository.merge()
    notify(proton, proton.get_environment(name=name)["environment"])
    return ended(proton, name)
