"""Explicit providers of the plugin: two accounts in one program, settings not known yet, and wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project, with_plugin
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, SERVICE_ROLE
from tests.servers import LocalServer

pytestmark = with_plugin

_ADMIN = f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton-admin"

_TWO_ACCOUNTS = f"""
import pulumi
import pulumi_aws_proton as proton

class AcrossAccounts(pulumi.ComponentResource):
    def __init__(self, name, there, opts):
        super().__init__("test:index:AcrossAccounts", name, None, opts)
        below = pulumi.ResourceOptions(parent=self)
        request = proton.EnvironmentAccountConnection(
            "request", environment_name=name, management_account_id="{ACCOUNT}",
            role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton",
            opts=pulumi.ResourceOptions(parent=self, provider=there),
        )
        accepted = proton.EnvironmentAccountConnectionAccepter(
            "accepted", connection_id=request.id, opts=below
        )
        self.environment = proton.Environment(
            "environment", name=name, template_name="TEMPLATE", template_major_version="1",
            spec={{"days": DAYS}}, environment_account_connection_id=accepted.connection_id, opts=below,
        )

management = proton.Provider("management", profile="management", allowed_account_ids=["{ACCOUNT}"])
there = proton.Provider("there", profile="environment", allowed_account_ids=["{ENVIRONMENT_ACCOUNT}"])
across = AcrossAccounts("two-providers", there, pulumi.ResourceOptions(providers=[management]))
pulumi.export("account", across.environment.environment_account_id)
"""


@pytest.fixture
def profiles(project: Project, tmp_path: Path) -> None:
    """A profile for each account, and no credentials in the environment."""
    credentials = tmp_path / "credentials"
    credentials.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {account}\naws_secret_access_key = local\n"
            for name, account in (("management", ACCOUNT), ("environment", ENVIRONMENT_ACCOUNT))
        )
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del project.environment[name]
    project.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(credentials)


@pytest.mark.usefixtures("profiles")
def test_two_providers_in_one_component_connect_two_accounts_and_deploy(
    project: Project, proton: Any, workshop: str, proton_server: LocalServer, region: str
) -> None:
    source = _TWO_ACCOUNTS.replace("TEMPLATE", workshop)
    project.program(source.replace("DAYS", "1"))
    assert project.preview().summary == {"create": 7}
    project.up()
    assert project.outputs() == {"account": ENVIRONMENT_ACCOUNT}

    def stacks(account: str) -> str:
        return str(proton_server.client("cloudformation", account, region).describe_stacks()["Stacks"])

    assert "AWSProton-two-providers" in stacks(ENVIRONMENT_ACCOUNT)
    assert "AWSProton-two-providers" not in stacks(ACCOUNT)
    project.pulumi("refresh", "--yes", "--skip-preview")
    assert project.preview().summary == {"same": 7}

    project.program(source.replace("DAYS", "2"))
    project.up()
    assert "days: 2" in proton.get_environment(name="two-providers")["environment"]["spec"]
    # Without the program: all that is needed is in the state.
    (project.folder / "__main__.py").unlink()
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert "AWSProton-two-providers" not in stacks(ENVIRONMENT_ACCOUNT)
    assert "two-providers" not in str(proton.list_environments()["environments"])


def test_a_setting_that_is_another_resources_output_is_no_obstacle_and_replaces_nothing(
    project: Project, proton: Any, workshop: str
) -> None:
    source = f"""
        import pulumi
        import pulumi_aws_proton as proton

        first = proton.Environment(
            "first", name="before-provider", template_name="{workshop}", template_major_version="1",
            spec={{"days": DAYS}}, proton_service_role_arn="{SERVICE_ROLE}",
        )
        admin = first.outputs["Label"].apply(lambda _: "{_ADMIN}")
        there = proton.Provider("there", assume_role=proton.AssumeRoleArgs(role_arn=admin))
        proton.EnvironmentAccountConnection(
            "request", environment_name="after-provider", management_account_id="{ACCOUNT}",
            role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton",
            opts=pulumi.ResourceOptions(provider=there),
        )
    """
    project.program(source.replace("DAYS", "1"))
    assert project.preview().summary == {"create": 4}
    project.up()
    request = project.resources()["request"]["id"]

    project.program(source.replace("DAYS", "2"))
    planned = project.preview()
    assert planned.steps["first"]["op"] == "update"
    assert "replace" not in planned.text
    project.up()
    assert project.resources()["request"]["id"] == request
    assert project.preview().summary == {"same": 4}
    project.pulumi("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('region="eu-west-1", max_deployment_type="HUGE"', "maxDeploymentType: Input should be 'NONE', "),
        ('assume_role={"role_arn": "proton-admin"}', "assumeRole.role_arn: must be the ARN"),
        ('allowed_account_ids=["12345"]', "allowedAccountIds[0]: "),
    ],
)
def test_a_wrong_argument_of_a_provider_is_one_sentence(
    project: Project, arguments: str, reason: str
) -> None:
    project.program(f"""
        import pulumi_aws_proton as proton

        proton.Provider("wrong", {arguments})
    """)

    error = project.pulumi("preview", fails=True).error()

    assert error.startswith(f"pulumi:providers:aws-proton resource 'wrong' has a problem: {reason}")


def test_a_misspelt_key_of_the_stacks_configuration_says_which_and_what_to_do(
    project: Project, workshop: str
) -> None:
    project.declare(dev={"template_name": workshop, "template_major_version": "1", "spec": {}})
    project.pulumi("config", "set", "aws-proton:allowedAcountIds", "[]")

    error = project.pulumi("preview", fails=True).error()

    assert "allowedAcountIds: no such key, did you mean allowedAccountIds" in error
    assert "`pulumi config rm aws-proton:allowedAcountIds`" in error
