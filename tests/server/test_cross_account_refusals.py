"""Environments in another account over HTTP: which connections creation and update refuse, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, SERVICE_ROLE, THIRD, unique
from tests.refusals import refused
from tests.server.accounts import Accounts
from tests.server.environments import create
from tests.servers import LocalServer, publisher
from tests.waiting import ended

REPOSITORY = {"provider": "GITHUB", "name": "acme/refused", "branch": "main"}


class TestCreationIsRefused:
    """Synchronously, and nothing is recorded."""

    @pytest.fixture(autouse=True)
    def _nothing_recorded(self, accounts: Accounts, name: str) -> Any:
        yield
        with refused("ResourceNotFoundException", f"Environment not found: {name}"):
            accounts.management.get_environment(name=name)

    @pytest.fixture
    def name(self) -> str:
        return unique("far")

    def test_with_a_pending_connection(self, accounts: Accounts, template: str, name: str) -> None:
        key = accounts.ask(name)

        with refused("ConflictException", key, "PENDING: accept it first"):
            accounts.create(template, key, name)

    def test_with_a_rejected_connection(self, accounts: Accounts, template: str, name: str) -> None:
        key = accounts.ask(name)
        accounts.management.reject_environment_account_connection(id=key)

        with refused("ConflictException", key, "REJECTED, which is final", ENVIRONMENT_ACCOUNT):
            accounts.create(template, key, name)

    def test_with_a_connection_for_another_environment(
        self, accounts: Accounts, template: str, name: str
    ) -> None:
        key = accounts.connect(unique("other"))

        with refused("ValidationException", key, "is for environment other-", f"not for {name}"):
            accounts.create(template, key, name)

    def test_with_a_connection_between_other_accounts(
        self, accounts: Accounts, template: str, name: str
    ) -> None:
        key = accounts.ask(name, managementAccountId=THIRD)
        accounts.third.accept_environment_account_connection(id=key)

        with refused("ResourceNotFoundException", f"Environment account connection not found: {key}"):
            accounts.create(template, key, name)

    def test_with_a_connection_that_the_caller_itself_asked_for(
        self, accounts: Accounts, template: str, name: str
    ) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/proton"
        answer = accounts.management.create_environment_account_connection(
            managementAccountId=THIRD, environmentName=name, roleArn=role
        )
        key = answer["environmentAccountConnection"]["id"]
        accounts.third.accept_environment_account_connection(id=key)

        with refused("ValidationException", key, f"is for management account {THIRD}"):
            accounts.create(template, key, name)

    @pytest.mark.parametrize("member", ["protonServiceRoleArn", "codebuildRoleArn", "provisioningRepository"])
    def test_with_a_connection_and_what_it_takes_the_place_of(
        self, member: str, accounts: Accounts, template: str, name: str
    ) -> None:
        value = REPOSITORY if member == "provisioningRepository" else SERVICE_ROLE

        with refused(
            "ValidationException", f"{member} cannot be combined with environmentAccountConnectionId"
        ):
            accounts.create(template, accounts.connect(name), name, **{member: value})

    def test_with_a_connection_that_lacks_the_role_of_the_templates_engine(
        self, accounts: Accounts, template: str, name: str
    ) -> None:
        role = f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/build"
        key = accounts.connect(name)
        accounts.environment.delete_environment_account_connection(id=key)
        asked = accounts.environment.create_environment_account_connection(
            managementAccountId=ACCOUNT, environmentName=name, codebuildRoleArn=role
        )
        key = asked["environmentAccountConnection"]["id"]
        accounts.management.accept_environment_account_connection(id=key)

        with refused("ValidationException", "AWS-managed provisioning", "connection needs roleArn"):
            accounts.create(template, key, name)

    def test_with_neither_role_nor_connection(self, accounts: Accounts, template: str, name: str) -> None:
        needs = "needs protonServiceRoleArn or environmentAccountConnectionId"

        with refused("ValidationException", "AWS-managed provisioning", needs):
            create(accounts.management, template, name=name, protonServiceRoleArn=None)

    def test_with_a_repository_that_is_not_linked(self, accounts: Accounts, template: str, name: str) -> None:
        repository = {**REPOSITORY, "name": "acme/unlinked"}

        with refused("ResourceNotFoundException", "Repository not found: GITHUB acme/unlinked"):
            create(accounts.management, template, name=name, provisioningRepository=repository)

    def test_with_a_repository_for_a_template_that_needs_none(
        self, local_server: LocalServer, name: str, tmp_path: Path
    ) -> None:
        # `serve` links no repository without a token.
        proton = local_server.client("proton")
        template = publisher(local_server)(bundle(tmp_path / "b"))
        arn = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1"
        linked = {member: REPOSITORY[member] for member in ("provider", "name")}
        proton.create_repository(**linked, connectionArn=arn)

        with refused("ValidationException", "provisioningRepository cannot be given with AWS-managed"):
            create(proton, template, name=name, provisioningRepository=REPOSITORY)


class TestUpdateIsRefused:
    def test_when_it_would_move_an_environment_to_another_account(
        self, accounts: Accounts, template: str
    ) -> None:
        name = create(accounts.management, template)["name"]
        ended(accounts.management, name)

        with refused("ValidationException", f"{name} is provisioned in its own account", "new environment"):
            accounts.update(name, environmentAccountConnectionId=accounts.connect(name))

    @pytest.mark.parametrize("member", ["protonServiceRoleArn", "codebuildRoleArn"])
    def test_when_it_would_bring_an_environment_back_from_another_account(
        self, member: str, far_environment: dict[str, Any], accounts: Accounts
    ) -> None:
        with refused(
            "ValidationException", f"{member} cannot be combined with environmentAccountConnectionId"
        ):
            accounts.update(far_environment["name"], **{member: SERVICE_ROLE})

    def test_when_it_would_give_it_a_repository(
        self, far_environment: dict[str, Any], accounts: Accounts
    ) -> None:
        with refused("ValidationException", "provisioningRepository of environment", "cannot be changed"):
            accounts.update(far_environment["name"], provisioningRepository=REPOSITORY)

    def test_with_a_connection_of_another_environment_account(
        self, far_environment: dict[str, Any], accounts: Accounts
    ) -> None:
        name = far_environment["name"]
        key = accounts.connect(name, accounts.third)

        with refused("ValidationException", key, f"is of account {THIRD}", f"is in {ENVIRONMENT_ACCOUNT}"):
            accounts.update(name, environmentAccountConnectionId=key)

    def test_with_a_connection_nobody_accepted(
        self, far_environment: dict[str, Any], accounts: Accounts
    ) -> None:
        name = far_environment["name"]
        accounts.environment.delete_environment_account_connection(
            id=far_environment["environmentAccountConnectionId"]
        )
        key = accounts.ask(name)

        with refused("ConflictException", key, "PENDING"):
            accounts.update(name, environmentAccountConnectionId=key)
