"""The fixtures of stories with the real Pulumi CLI: a project, its server, and published templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.languages import make_node_modules
from tests.engine.project import DYNAMIC, PLUGIN, Project
from tests.names import REGION, REPOSITORY


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pulumi")


@pytest.fixture(scope="session", params=[DYNAMIC, PLUGIN])
def adapter(request: pytest.FixtureRequest) -> str:
    """The adapter that a test's programs use: each test runs once with either, unless it says otherwise."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def region(adapter: str) -> str:
    """The Region that an adapter's tests have to themselves on the session's server."""
    return {DYNAMIC: REGION, PLUGIN: "eu-west-1"}[adapter]


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the TypeScript example imports."""
    return make_node_modules(tmp_path_factory.mktemp("typescript"))


@pytest.fixture
def project(tmp_path: Path, proton_server: Any, pulumi_home: Path, adapter: str, region: str) -> Project:
    """A project whose AWS is the session's server."""
    folder = tmp_path / "project"
    return Project(folder, proton_server.url, home=pulumi_home, adapter=adapter, region=region)


@pytest.fixture
def proton(proton_server: Any, region: str) -> Any:
    """The server as any AWS client sees it."""
    return proton_server.client("proton", region=region)


@pytest.fixture(scope="session")
def publish(published_template: Callable[..., str]) -> Callable[..., str]:
    """Publishes bundles as versions of one template: `publish("folder", …, majors=("1", …))` → its name."""

    def versions(*folders: str, majors: tuple[str | None, ...] = ("1",), **options: Any) -> str:
        name = None
        for folder, major in zip(folders, majors, strict=True):
            name = published_template(REPOSITORY / folder, name=name, major_version=major, **options)
        assert name
        return name

    return versions


@pytest.fixture
def slow_server(restartable_server: Callable[..., Any]) -> Any:
    """A server of the test's own, on which every stack operation takes two seconds."""
    return restartable_server("--deploy-seconds", "2")


@pytest.fixture(scope="session")
def workshop(publish: Any, region: str) -> str:
    """A template with one version, as `template_name`."""
    name: str = publish("tests/engine/workshop", region=region)
    return name


@pytest.fixture(scope="session")
def queue(publish: Any, region: str) -> str:
    """The template of example 02 with its versions 1.0, 1.1 and 2.0."""
    folder = "examples/02-change-and-preview/template-v"
    name: str = publish(
        f"{folder}1.0", f"{folder}1.1", f"{folder}2.0", majors=("1", "1", None), region=region
    )
    return name


@pytest.fixture(scope="session")
def quickstart(published_template: Callable[..., str]) -> str:
    """The template of example 01, under the name that several examples know it by."""
    return published_template(REPOSITORY / "examples/01-quickstart/template", name="quickstart")
