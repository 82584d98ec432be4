"""A state of version 0.1.0, checked in as that version wrote it, in the hands of today's provider."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project, with_dynamic, with_plugin
from tests.names import ENVIRONMENT_ACCOUNT, SERVICE_ROLE
from tests.servers import LocalServer
from tests.waiting import eventually

STATE = (Path(__file__).parent / "state_0.1.0.json").read_text()
PROGRAM = """
import pulumi
import pulumi_aws_proton as proton

SERVICE_ROLE = "arn:aws:iam::123456789012:role/proton-service"

class Platform(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Platform", name)
        proton.Environment(
            "inner", name="v010-inner", template_name="workshop", template_major_version="1",
            spec={"days": 2}, proton_service_role_arn=SERVICE_ROLE, opts=pulumi.ResourceOptions(parent=self),
        )

Platform("platform")
proton.Environment(
    "plain", template_name="workshop", template_major_version="1", spec={"days": 1},
    proton_service_role_arn=SERVICE_ROLE, description="of 0.1.0", tags={"team": "net"},
)
there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn="arn:aws:iam::222222222222:role/proton-admin")
)
request = proton.EnvironmentAccountConnection(
    "request", environment_name="v010-across", management_account_id="123456789012",
    role_arn="arn:aws:iam::222222222222:role/proton", account=there,
)
proton.EnvironmentAccountConnectionAccepter("accepter", connection_id=request.id)
proton.AccountSettings("settings", pipeline_service_role_arn=SERVICE_ROLE)
"""


def _tags(proton: Any, arn: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in proton.list_tags_for_resource(resourceArn=arn)["tags"]}


def _made_by_0_1_0(server: LocalServer, publish: Any) -> str:
    """What 0.1.0 had made in AWS when it wrote the state; the state, with the ids of now."""
    publish("tests/engine/workshop", server=server, template="workshop")
    proton, there = server.client("proton"), server.client("proton", ENVIRONMENT_ACCOUNT)
    for name, owner, days, more in (
        ("plain", "plain", 1, {"description": "of 0.1.0"}),
        ("v010-inner", "inner", 2, {}),
    ):
        team = [{"key": "team", "value": "net"}] if name == "plain" else []
        proton.create_environment(
            name=name,
            templateName="workshop",
            templateMajorVersion="1",
            spec=f"proton: EnvironmentSpec\nspec: {{days: {days}}}\n",
            protonServiceRoleArn=SERVICE_ROLE,
            tags=[{"key": "pulumi:owner", "value": f"upgraded/test/{owner}"}, *team],
            **more,
        )
    made = there.create_environment_account_connection(
        environmentName="v010-across",
        managementAccountId="123456789012",
        roleArn=f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton",
        tags=[{"key": "pulumi:owner", "value": "upgraded/test/request"}],
    )["environmentAccountConnection"]
    proton.accept_environment_account_connection(id=made["id"])
    proton.update_account_settings(pipelineServiceRoleArn=SERVICE_ROLE)
    for name in ("plain", "v010-inner"):
        eventually(
            lambda name=name: (
                proton.get_environment(name=name)["environment"]["deploymentStatus"] == "SUCCEEDED"
            )
        )
    known = next(
        item["id"]
        for item in json.loads(STATE)["deployment"]["resources"]
        if item["urn"].endswith("::request")
    )
    return STATE.replace(known, made["id"])


@pytest.fixture
def server(restartable_server: Any) -> LocalServer:
    started: LocalServer = restartable_server()
    return started


@pytest.fixture
def upgraded(
    tmp_path: Path, server: LocalServer, published_template: Any, pulumi_home: Path, adapter: str
) -> Project:
    """The stack that 0.1.0 left, with today's provider and the same program, or moved to the plugin."""

    def publish(folder: str, *, server: LocalServer, template: str) -> None:
        published_template(Path(folder), server=server, name=template)

    project = Project(tmp_path / "upgraded", server.url, name="upgraded", home=pulumi_home, adapter=adapter)
    project.program(PROGRAM)
    exported = tmp_path / "state.json"
    exported.write_text(_made_by_0_1_0(server, publish))
    project.pulumi("stack", "import", "--file", str(exported))
    return project


def test_an_upgrade_changes_nothing_and_the_next_real_update_renews_the_owner(
    upgraded: Project, server: LocalServer
) -> None:
    proton = server.client("proton")
    arn = proton.get_environment(name="plain")["environment"]["arn"]

    assert upgraded.preview().summary == {"same": 7}
    assert "7 unchanged" in upgraded.up().text
    upgraded.pulumi("refresh", "--yes", "--skip-preview")
    assert upgraded.preview().summary == {"same": 7}
    assert _tags(proton, arn)["pulumi:owner"] == "upgraded/test/plain"

    upgraded.program(PROGRAM.replace('spec={"days": 1}', 'spec={"days": 3}'))
    planned = upgraded.preview()
    assert planned.summary == {"same": 6, "update": 1}
    upgraded.up()
    assert _tags(proton, arn)["pulumi:owner"].startswith("upgraded/test/plain@")
    assert upgraded.preview().summary == {"same": 7}

    upgraded.pulumi("destroy", "--yes", "--skip-preview")
    assert proton.list_environments()["environments"] == []
    assert server.client("cloudformation").describe_stacks()["Stacks"] == []
    assert (
        proton.list_environment_account_connections(requestedBy="MANAGEMENT_ACCOUNT")[
            "environmentAccountConnections"
        ]
        == []
    )
    assert "pipelineServiceRoleArn" not in proton.get_account_settings()["accountSettings"]


@with_plugin
def test_an_update_that_fails_after_an_upgrade_leaves_what_destroy_still_removes(
    upgraded: Project, server: LocalServer
) -> None:
    upgraded.program(PROGRAM.replace('spec={"days": 1}', 'spec={"broken": True}'))
    upgraded.up(fails=True)

    upgraded.pulumi("destroy", "--yes", "--skip-preview")

    assert server.client("proton").list_environments()["environments"] == []


@with_dynamic
@pytest.mark.parametrize("first", [False, True])
def test_a_forced_replacement_after_an_upgrade_leaves_the_environment_there(
    upgraded: Project, server: LocalServer, first: bool
) -> None:
    proton = server.client("proton")
    born = proton.get_environment(name="plain")["environment"]["createdAt"]
    option = "opts=pulumi.ResourceOptions(delete_before_replace=False), "
    upgraded.program(PROGRAM.replace('tags={"team"', f'{option if first else ""}tags={{"team"'))

    urn = upgraded.resources()["plain"]["urn"]
    upgraded.pulumi("up", "--yes", "--skip-preview", "--replace", urn)

    live = proton.get_environment(name="plain")["environment"]
    assert (live["createdAt"] == born) == first
    assert upgraded.preview().summary == {"same": 7}


@with_plugin
def test_a_renamed_resource_stack_or_project_changes_nothing(upgraded: Project, server: LocalServer) -> None:
    # First moved to the plugin, then renamed: Pulumi tries each alias by itself, and none is both.
    upgraded.up()
    renamed = PROGRAM.replace('"plain", template', '"renamed", template').replace(
        'tags={"team"', 'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="plain")]), tags={"team"'
    )
    upgraded.program(renamed)
    assert upgraded.preview().summary == {"same": 7}
    upgraded.up()

    upgraded.pulumi("stack", "rename", "organization/anew/later")
    manifest = upgraded.folder / "Pulumi.yaml"
    manifest.write_text(manifest.read_text().replace("name: upgraded", "name: anew"))
    upgraded.pulumi("stack", "select", "organization/anew/later")
    assert upgraded.preview().summary == {"same": 7}

    upgraded.program(renamed.replace('spec={"days": 1}', 'spec={"days": 3}'))
    assert upgraded.preview().summary == {"same": 6, "update": 1}
    upgraded.up()
    upgraded.pulumi("destroy", "--yes", "--skip-preview")
    assert server.client("proton").list_environments()["environments"] == []
