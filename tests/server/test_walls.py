"""The walls between the accounts of one server, each with a test. SECURITY.md has the list.

What is tested beside what it is about is not repeated here: SECURITY.md names those tests, and they exist.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from proton_server.identity.audit import Audit, Write, read_lines
from proton_server.persistence.store import Store
from tests.commands import run_command
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, REPOSITORY, SERVICE_ROLE, THIRD, role, unique
from tests.refusals import refused
from tests.server.accounts import Accounts
from tests.server.environments import create
from tests.servers import ServedBesideAws
from tests.waiting import ended

WALLS = re.findall(
    r"^\| ([^|`]+?) +\| `(tests/[\w/]+\.py)::([\w.]+)` \|",
    (REPOSITORY / "SECURITY.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize(("wall", "file", "test"), WALLS)
def test_each_wall_of_security_md_has_the_test_that_it_names(wall: str, file: str, test: str) -> None:
    del wall
    tree = ast.parse((REPOSITORY / file).read_text())

    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_security_md_lists_the_tests_of_this_file() -> None:
    tree = ast.parse((REPOSITORY / "tests" / "server" / "test_walls.py").read_text())
    here = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and "security_md" not in node.name
    }

    assert {test for _, file, test in WALLS if file == "tests/server/test_walls.py"} == {
        name for name in here if name.startswith("test_")
    }


@pytest.fixture
def theirs(accounts: Accounts, template: str) -> dict[str, Any]:
    """An environment of another account, with a deployment that has ended."""
    return ended(accounts.management, create(accounts.management, template, name=unique("theirs"))["name"])


def test_a_row_of_another_account_does_not_exist(
    accounts: Accounts, theirs: dict[str, Any], template: str
) -> None:
    stranger, name = accounts.third, theirs["name"]
    version = {"templateName": template, "majorVersion": "1", "minorVersion": "0"}
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (stranger.get_environment, {"name": name}),
        (stranger.update_environment, {"name": name, "deploymentType": "NONE", "description": "mine"}),
        (stranger.list_environment_outputs, {"environmentName": name}),
        (stranger.list_environment_provisioned_resources, {"environmentName": name}),
        (stranger.get_environment_template, {"name": template}),
        (stranger.update_environment_template, {"name": template, "description": "mine"}),
        (stranger.get_environment_template_version, version),
        (stranger.update_environment_template_version, {**version, "status": "DRAFT"}),
        (stranger.list_environment_template_versions, {"templateName": template}),
    ]
    for call, parameters in calls:
        with refused("ResourceNotFoundException", "not found"):
            call(**parameters)
    with refused("ResourceNotFoundException", f"Environment template not found: {template}"):
        create(stranger, template, protonServiceRoleArn=role(THIRD))
    stranger.delete_environment(name=name)
    stranger.delete_environment_template_version(**version)

    assert accounts.management.get_environment(name=name)["environment"] == theirs
    accounts.management.get_environment_template_version(**version)
    assert name not in [each["name"] for each in stranger.list_environments()["environments"]]
    assert template not in [each["name"] for each in stranger.list_environment_templates()["templates"]]


def test_a_deployment_of_another_account_does_not_exist(accounts: Accounts, theirs: dict[str, Any]) -> None:
    stranger, deployment = accounts.third, {"id": theirs["lastSucceededDeploymentId"]}

    with refused("ResourceNotFoundException", deployment["id"]):
        stranger.get_deployment(**deployment)
    with refused("ResourceNotFoundException", theirs["name"]):
        stranger.cancel_environment_deployment(environmentName=theirs["name"])
    stranger.delete_deployment(**deployment)

    accounts.management.get_deployment(**deployment)


def test_a_tag_of_another_account_cannot_be_read_or_written(
    accounts: Accounts, theirs: dict[str, Any]
) -> None:
    resource = {"resourceArn": theirs["arn"]}
    before = accounts.management.list_tags_for_resource(**resource)["tags"]
    for call, more in (
        (accounts.third.list_tags_for_resource, {}),
        (accounts.third.tag_resource, {"tags": [{"key": "mine", "value": "now"}]}),
        (accounts.third.untag_resource, {"tagKeys": ["aws:proton:account"]}),
    ):
        with refused("ResourceNotFoundException", theirs["arn"].rpartition(":")[2]):
            call(**resource, **more)

    assert accounts.management.list_tags_for_resource(**resource)["tags"] == before


def test_a_role_of_another_account_is_not_assumed(
    accounts: Accounts, template: str, theirs: dict[str, Any]
) -> None:
    foreign = {"protonServiceRoleArn": role(THIRD)}

    with refused("ValidationException", f"protonServiceRoleArn must be a role in account {ACCOUNT}."):
        create(accounts.management, template, **foreign)
    with refused("ValidationException", f"protonServiceRoleArn must be a role in account {ACCOUNT}."):
        accounts.update(theirs["name"], **foreign)
    with refused("ValidationException", f"pipelineServiceRoleArn must be a role in account {ACCOUNT}."):
        accounts.management.update_account_settings(pipelineServiceRoleArn=role(THIRD))
    with refused("ValidationException", f"roleArn must be a role in account {THIRD}."):
        accounts.ask(unique("theirs"), accounts.third, roleArn=SERVICE_ROLE)


def test_a_connection_is_between_its_two_accounts_only(accounts: Accounts, template: str) -> None:
    name = unique("far")
    connection = {"id": accounts.ask(name)}
    for call, more in (
        (accounts.third.get_environment_account_connection, {}),
        (accounts.third.accept_environment_account_connection, {}),
        (accounts.third.reject_environment_account_connection, {}),
        (accounts.third.update_environment_account_connection, {"roleArn": role(THIRD)}),
    ):
        with refused("ResourceNotFoundException", connection["id"]):
            call(**connection, **more)
    with refused("AccessDeniedException", "is for the management account of the connection"):
        accounts.environment.accept_environment_account_connection(**connection)
    accounts.third.delete_environment_account_connection(**connection)

    found = accounts.management.get_environment_account_connection(**connection)
    assert found["environmentAccountConnection"]["status"] == "PENDING"
    for requester in ("MANAGEMENT_ACCOUNT", "ENVIRONMENT_ACCOUNT"):
        listed = accounts.third.list_environment_account_connections(requestedBy=requester)
        assert connection["id"] not in [each["id"] for each in listed["environmentAccountConnections"]]


def test_a_client_token_or_page_token_of_another_account_means_nothing(
    accounts: Accounts, template: str
) -> None:
    token = unique("token")
    mine = accounts.third.create_environment_account_connection(
        clientToken=token, managementAccountId=ACCOUNT, environmentName=unique("e"), roleArn=role(THIRD)
    )["environmentAccountConnection"]
    theirs = accounts.environment.create_environment_account_connection(
        clientToken=token,
        managementAccountId=ACCOUNT,
        environmentName=unique("e"),
        roleArn=role(ENVIRONMENT_ACCOUNT),
    )["environmentAccountConnection"]
    for _ in range(2):
        create(accounts.management, template)
    page = accounts.management.list_environments(maxResults=1)

    assert mine["id"] != theirs["id"]
    with refused("ValidationException", "nextToken is not valid for this list"):
        accounts.third.list_environments(maxResults=1, nextToken=page["nextToken"])


def test_a_key_acts_in_its_own_account_whatever_a_request_says(proton_server: ServedBesideAws) -> None:
    (mine, my_secret), (theirs, _) = (proton_server._key(account) for account in (THIRD, ACCOUNT))

    def client(key_id: str) -> Any:
        return boto3.client(
            "proton",
            endpoint_url=proton_server.url,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=my_secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    made = client(mine).create_environment_template(name=unique("mine"))["environmentTemplate"]
    assert made["arn"].split(":")[4] == THIRD
    with refused("InvalidSignatureException", "does not match the signature"):
        client(theirs).list_environments()


def test_an_audit_line_is_of_the_account_of_who_wrote_and_no_operation_shows_it(
    proton_server: ServedBesideAws, accounts: Accounts
) -> None:
    name = unique("mine")
    accounts.third.create_environment_template(name=name)

    shown = {
        account: run_command("audit", "--account", account, "--database", proton_server.database).stdout
        for account in (ACCOUNT, THIRD)
    }

    assert (name in shown[THIRD], name in shown[ACCOUNT]) == (True, False)
    assert not [operation for operation in dir(accounts.third) if "audit" in operation]


def test_an_account_that_is_refused_all_the_time_takes_no_audit_line_from_another(store: Store) -> None:
    audit = Audit(store, refusals=2)

    def refuse(account: str) -> None:
        with (
            pytest.raises(ValueError, match="no"),
            audit.refusals_of(Write(account, "p", "DeleteEnvironment", "e")),
        ):
            raise ValueError("no")

    for account in (*[THIRD] * 20, ACCOUNT):
        refuse(account)

    assert [line["account_id"] for line in read_lines(store)] == [THIRD, THIRD, ACCOUNT]
