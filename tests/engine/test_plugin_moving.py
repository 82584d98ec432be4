"""A stack of dynamic resources moves to the plugin: the import changes, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.project import DYNAMIC, PLUGIN, Project
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, SERVICE_ROLE
from tests.servers import LocalServer

pytestmark = pytest.mark.parametrize("adapter", [PLUGIN], indirect=True)

_ALL = f"""
import pulumi
import pulumi_aws_proton as proton

there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton-admin")
)
password = pulumi.Config().require_secret("password")

def environment(name, opts=None, **more):
    return proton.Environment(
        name, template_name="TEMPLATE", template_major_version="1", opts=opts,
        spec={{"days": DAYS, "password": password}}, tags={{"team": "net"}}, **more
    )

class Platform(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Platform", name)
        below = pulumi.ResourceOptions(parent=self)
        request = proton.EnvironmentAccountConnection(
            "request", environment_name="across", management_account_id="{ACCOUNT}",
            role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton", account=there, opts=below,
        )
        accepted = proton.EnvironmentAccountConnectionAccepter(
            "accepted", connection_id=request.id, opts=pulumi.ResourceOptions(parent=request)
        )
        environment("across", below, environment_account_connection_id=accepted.connection_id)

Platform("platform")
plain = environment("plain", proton_service_role_arn="{SERVICE_ROLE}")
proton.AccountSettings("settings", pipeline_service_role_arn="{SERVICE_ROLE}")
pulumi.export("label", plain.outputs["Label"])
"""


def _tags(proton: Any, name: str) -> Any:
    arn = proton.get_environment(name=name)["environment"]["arn"]
    return proton.list_tags_for_resource(resourceArn=arn)["tags"]


def test_a_stack_of_every_resource_is_unchanged_then_changed_and_destroyed_by_the_plugin(
    project: Project, proton: Any, workshop: str, proton_server: LocalServer, region: str
) -> None:
    source = _ALL.replace("TEMPLATE", workshop)
    project.adapter = DYNAMIC
    project.program(source.replace("DAYS", "1"))
    project.pulumi("config", "set", "--secret", "password", "Hunter2-Hunter2")
    project.up()
    tags = {name: _tags(proton, name) for name in ("across", "plain")}
    dynamic = {name: item["type"] for name, item in project.resources().items()}
    assert set(dynamic.values()) == {
        f"pulumi-python:dynamic/aws-proton:{kind}"
        for kind in (
            "AccountSettings",
            "Environment",
            "EnvironmentAccountConnection",
            "EnvironmentAccountConnectionAccepter",
        )
    }

    project.adapter = PLUGIN
    project.program(source.replace("DAYS", "1"))
    assert project.preview().summary == {"same": 7}
    output = project.up().text
    assert "7 unchanged" in output
    assert {name: item["type"] for name, item in project.resources().items()} == {
        name: kind.replace("pulumi-python:dynamic/aws-proton:", "aws-proton:index:")
        for name, kind in dynamic.items()
    }
    project.pulumi("refresh", "--yes", "--skip-preview")
    assert project.preview().summary == {"same": 7}
    assert {name: _tags(proton, name) for name in tags} == tags

    project.program(source.replace("DAYS", "2"))
    planned = project.preview()
    assert planned.summary == {"same": 5, "update": 2}
    assert planned.deployment_type("plain") == "CURRENT_VERSION"
    output += project.up().text
    assert "days: 2" in proton.get_environment(name="across")["environment"]["spec"]
    assert {name: _tags(proton, name) for name in tags} == tags
    assert "Hunter2" not in output + planned.text + project.state()

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert not {"across", "plain"} & {item["name"] for item in proton.list_environments()["environments"]}
    for account in (ACCOUNT, ENVIRONMENT_ACCOUNT):
        cloudformation = proton_server.client("cloudformation", account, region)
        assert "AWSProton-across" not in str(cloudformation.describe_stacks()["Stacks"])
    assert proton.get_account_settings()["accountSettings"] == {}
