"""How many calls of the API each command makes for a stack of environments: no call whose answer is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project, calls, environment

MANY = 5
NAMES = [f"environment-{number}" for number in range(MANY)]


@pytest.fixture
def server(restartable_server: Callable[..., Any]) -> Any:
    return restartable_server()


@pytest.fixture
def calls_of(server: Any, publish: Any, tmp_path: Path, pulumi_home: Path) -> Callable[..., Counter[str]]:
    """The calls of a command, with a program of environments that differ from the usual in some arguments."""
    template = publish("tests/engine/workshop", server=server)
    project = Project(tmp_path / "project", server.url, home=pulumi_home)

    def run(*command: str, **arguments: Any) -> Counter[str]:
        project.declare(**{name: environment(template, name, **arguments) for name in NAMES})
        before = len(calls(server))
        project.pulumi(*command)
        return Counter(calls(server)[before:])

    return run


def without_ticks(made: Counter[str], *, reads: int) -> Counter[str]:
    """The calls without those for the ends of deployments: listings, and at least so many `reads`."""
    assert made.pop("GetEnvironment") >= reads
    assert made.pop("ListEnvironments") >= 1
    return made


def test_each_command_makes_only_calls_whose_answer_is_not_known(
    server: Any, calls_of: Callable[..., Counter[str]]
) -> None:
    up = ("up", "--yes", "--skip-preview")

    created = without_ticks(calls_of(*up), reads=MANY)
    assert created == {
        "ListEnvironmentTemplates": 1,
        "ListEnvironmentTemplateVersions": 1,
        "GetEnvironmentTemplateVersion": 1,
        "CreateEnvironment": MANY,
        "ListEnvironmentOutputs": MANY,
        "UntagResource": MANY,
    }

    assert calls_of("preview") == {"ListEnvironments": 1}
    assert calls_of("refresh", "--yes", "--skip-preview") == {"ListEnvironments": 1}
    server.client("proton").update_environment(name=NAMES[0], deploymentType="NONE", description="foreign")
    assert calls_of("refresh", "--yes", "--skip-preview") == {
        "ListEnvironments": 1,
        "GetEnvironment": 1,
        "ListTagsForResource": 1,
    }
    assert calls_of(*up, description="changed") == {
        "ListEnvironments": 1,
        "GetEnvironment": MANY,
        "ListTagsForResource": MANY,
        "UpdateEnvironment": MANY,
    }

    deployed = without_ticks(calls_of(*up, description="changed", spec={"label": "other"}), reads=2 * MANY)
    assert deployed == {
        "GetEnvironmentTemplateVersion": 1,
        "ListTagsForResource": MANY,
        "UpdateEnvironment": MANY,
        "ListEnvironmentOutputs": MANY,
    }
