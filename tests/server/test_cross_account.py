"""Environments in another account over HTTP: where stacks are, and what connections mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bundles import bundle, spec
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD, unique
from tests.refusals import refused
from tests.server.accounts import Accounts
from tests.servers import LocalServer
from tests.waiting import ended, gone

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def stacks(proton_server: LocalServer) -> Callable[[str, str], list[str]]:
    """Names of the environment's stacks in an account."""

    def named(account: str, environment: str) -> list[str]:
        cloudformation = proton_server.client("cloudformation", account=account)
        return [
            stack["StackName"]
            for page in cloudformation.get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
            if {"Key": "proton:environment", "Value": environment} in stack["Tags"]
        ]

    return named


def test_the_stack_is_in_the_environment_account_and_nowhere_else(
    far_environment: dict[str, Any], accounts: Accounts, stacks: Callable[[str, str], list[str]]
) -> None:
    arn = far_environment["arn"]

    assert far_environment["deploymentStatus"] == "SUCCEEDED"
    assert len(stacks(ENVIRONMENT_ACCOUNT, arn)) == 1
    assert (stacks(ACCOUNT, arn), stacks(THIRD, arn)) == ([], [])
    outputs = accounts.management.list_environment_outputs(environmentName=far_environment["name"])["outputs"]
    (topic,) = (output["valueString"] for output in outputs if output["key"] == "TopicArn")
    assert topic.split(":")[4] == ENVIRONMENT_ACCOUNT


def test_the_record_names_connection_and_account_and_no_role(far_environment: dict[str, Any]) -> None:
    assert far_environment["arn"].split(":")[4] == ACCOUNT
    assert far_environment["environmentAccountId"] == ENVIRONMENT_ACCOUNT
    assert "environmentAccountConnectionId" in far_environment
    assert "protonServiceRoleArn" not in far_environment


def test_update_and_deletion_happen_there_too_and_leave_the_connection(
    far_environment: dict[str, Any],
    accounts: Accounts,
    template: str,
    stacks: Callable[[str, str], list[str]],
) -> None:
    name, arn, connection_id = (
        far_environment[member] for member in ("name", "arn", "environmentAccountConnectionId")
    )
    accounts.update(name, spec=spec(title="sport"))
    assert ended(accounts.management, name)["spec"] == spec(title="sport")
    assert len(stacks(ENVIRONMENT_ACCOUNT, arn)) == 1

    accounts.management.delete_environment(name=name)
    gone(accounts.management, name)
    assert stacks(ENVIRONMENT_ACCOUNT, arn) == []
    kept = accounts.environment.get_environment_account_connection(id=connection_id)
    assert kept["environmentAccountConnection"]["status"] == "CONNECTED"
    accounts.create(template, connection_id, name)
    assert ended(accounts.management, name)["deploymentStatus"] == "SUCCEEDED"


def test_the_environment_account_sees_nothing_of_the_environment(
    far_environment: dict[str, Any], accounts: Accounts
) -> None:
    name = far_environment["name"]

    with refused("ResourceNotFoundException", f"Environment not found: {name}"):
        accounts.environment.get_environment(name=name)
    listed = accounts.environment.list_environments()["environments"]
    assert name not in [other["name"] for other in listed]


def test_a_connection_in_use_cannot_be_rejected_until_the_environment_is_deleted(
    far_environment: dict[str, Any], accounts: Accounts
) -> None:
    name, key = far_environment["name"], far_environment["environmentAccountConnectionId"]

    with refused("ConflictException", key, f"used by environment {name}"):
        accounts.management.reject_environment_account_connection(id=key)
    accounts.management.delete_environment(name=name)
    gone(accounts.management, name)
    rejected = accounts.management.reject_environment_account_connection(id=key)
    assert rejected["environmentAccountConnection"]["status"] == "REJECTED"


class TestADeletedConnection:
    """Deleting one that is in use is legal: the environment is out of reach until it gets a new one."""

    @pytest.fixture
    def orphan(self, far_environment: dict[str, Any], accounts: Accounts) -> dict[str, Any]:
        key = far_environment["environmentAccountConnectionId"]
        answer = accounts.environment.delete_environment_account_connection(id=key)
        assert answer["environmentAccountConnection"]["status"] == "CONNECTED"
        return far_environment

    def test_refuses_updates_and_says_what_to_do(self, orphan: dict[str, Any], accounts: Accounts) -> None:
        name, key = orphan["name"], orphan["environmentAccountConnectionId"]
        remedy = (
            "has deleted",
            key,
            f"Create a new connection for environment {name}",
            ENVIRONMENT_ACCOUNT,
            "UpdateEnvironment",
        )

        with refused("ConflictException", *remedy):
            accounts.update(name, spec=spec(title="sport"))
        assert accounts.management.get_environment(name=name)["environment"] == orphan

    def test_fails_deletions_until_a_new_one_is_attached(
        self, orphan: dict[str, Any], accounts: Accounts, stacks: Callable[[str, str], list[str]]
    ) -> None:
        name = orphan["name"]
        accounts.management.delete_environment(name=name)
        failed = ended(accounts.management, name)
        assert failed["deploymentStatus"] == "DELETE_FAILED"
        assert f"Create a new connection for environment {name}" in failed["deploymentStatusMessage"]
        assert len(stacks(ENVIRONMENT_ACCOUNT, orphan["arn"])) == 1

        key = accounts.connect(name)
        accounts.update(name, environmentAccountConnectionId=key)
        attached = ended(accounts.management, name)
        assert (attached["deploymentStatus"], attached["environmentAccountConnectionId"]) == (
            "SUCCEEDED",
            key,
        )
        accounts.management.delete_environment(name=name)
        gone(accounts.management, name)
        assert stacks(ENVIRONMENT_ACCOUNT, orphan["arn"]) == []

    def test_does_not_keep_a_customer_managed_environment_from_being_deleted(
        self,
        accounts: Accounts,
        proton_server: LocalServer,
        published_template: Callable[..., str],
        tmp_path: Any,
    ) -> None:
        schema = (
            'schema:\n  format: {openapi: "3.0.0"}\n  environment_input_type: I\n'
            "  types: {I: {type: object, properties: {vpc: {type: string}}}}\n"
        )
        folder = bundle(tmp_path / "bundle", template=None, schema=schema)
        template = published_template(folder, customer_managed=True)
        name = unique("far")
        key = accounts.connect(name)
        accounts.create(template, key, name, spec=spec(vpc="vpc-1"))
        assert ended(accounts.management, name)["deploymentStatus"] == "SUCCEEDED"
        accounts.environment.delete_environment_account_connection(id=key)

        accounts.management.delete_environment(name=name)
        gone(accounts.management, name)
