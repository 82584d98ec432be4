"""What the tests of self-managed provisioning share: a template, a repository, an environment.

The server is `proton-server local`: its folder of repositories stands for the hosting service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import LocalServer, publisher
from tests.server.self_managed.hosted import EXAMPLE, SPEC, Hosted, notify
from tests.server.steps import create, ended, terraform_bundle


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
def hosted(proton_server: LocalServer) -> Hosted:
    return Hosted(proton_server)


@pytest.fixture
def propose(proton: Any, template: str, hosted: Hosted) -> Callable[..., dict[str, Any]]:
    """CreateEnvironment for the linked repository; returns the record."""

    def propose(**more: Any) -> dict[str, Any]:
        given = {"spec": SPEC, "protonServiceRoleArn": None, "provisioningRepository": hosted.link, **more}
        return create(proton, template, **given)

    return propose


@pytest.fixture
def environment(proton: Any, propose: Callable[..., dict[str, Any]], hosted: Hosted) -> dict[str, Any]:
    """One that was proposed, merged and provisioned."""
    name = propose()["name"]
    hosted.merge()
    notify(proton, proton.get_environment(name=name)["environment"])
    return ended(proton, name)
