"""What users see of AccountSettings: a stack manages the settings that it names, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project
from tests.servers import LocalServer

# The settings are one set per account, so these tests have an account of their own.
ACCOUNT = "444444444444"
REPOSITORY = {"provider": "GITHUB", "name": "acme/pipelines", "branch": "main"}

_PROGRAM = """
    import json, pathlib
    import pulumi_aws_proton as proton

    proton.AccountSettings("settings", **json.loads(pathlib.Path("settings.json").read_text()))
"""


def _role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


class _Team(Project):
    """A project whose program is one set of AccountSettings."""

    def names(self, **settings: Any) -> None:
        """Makes these settings the program's."""
        self.program(_PROGRAM)
        (self.folder / "settings.json").write_text(json.dumps(settings))


@pytest.fixture
def team(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path) -> Any:
    """Makes a team's project: `team("name")`."""

    def make(name: str) -> _Team:
        project = _Team(tmp_path / name, proton_server.url, name=name, home=pulumi_home)
        project.environment["AWS_ACCESS_KEY_ID"] = ACCOUNT
        return project

    return make


@pytest.fixture
def live(proton_server: LocalServer) -> Iterator[Any]:
    """The account's settings as they are, without the repository's ARN; none are left behind."""
    proton = proton_server.client("proton", account=ACCOUNT)
    connection = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1"
    repository = {"provider": REPOSITORY["provider"], "name": REPOSITORY["name"]}
    proton.create_repository(**repository, connectionArn=connection)

    def settings() -> dict[str, Any]:
        found: dict[str, Any] = proton.get_account_settings()["accountSettings"]
        if "pipelineProvisioningRepository" in found:
            del found["pipelineProvisioningRepository"]["arn"]
        return found

    yield settings
    assert settings() == {}


def test_settings_are_set_and_reset_one_by_one_and_two_stacks_do_not_fight(team: Any, live: Any) -> None:
    pipelines, builds = team("pipelines"), team("builds")
    pipelines.names(
        pipeline_service_role_arn=_role("first"),
        pipeline_provisioning_repository=REPOSITORY,
    )
    builds.names(pipeline_codebuild_role_arn=_role("builds"))
    pipelines.up()
    builds.up()
    assert live() == {
        "pipelineServiceRoleArn": _role("first"),
        "pipelineCodebuildRoleArn": _role("builds"),
        "pipelineProvisioningRepository": REPOSITORY,
    }
    pipelines.pulumi("refresh", "--yes", "--skip-preview")
    assert pipelines.preview().summary == {"same": 2}

    pipelines.names(pipeline_service_role_arn=_role("second"))
    pipelines.up()
    assert live() == {
        "pipelineServiceRoleArn": _role("second"),
        "pipelineCodebuildRoleArn": _role("builds"),
    }

    # Two stacks with the same setting, which the guide advises against: each sees the other's as drift.
    builds.names(pipeline_service_role_arn=_role("taken"))
    builds.up()
    assert live() == {"pipelineServiceRoleArn": _role("taken")}
    pipelines.pulumi("refresh", "--yes", "--skip-preview")
    assert pipelines.preview().summary == {"update": 1, "same": 1}

    pipelines.pulumi("destroy", "--yes", "--skip-preview")
    assert live() == {}
    builds.pulumi("destroy", "--yes", "--skip-preview")
