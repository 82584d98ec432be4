"""Whose token opens pull requests: accounts that share a server do not share its way into repositories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from proton_server.operations.call import Answers, Call, Capabilities
from proton_server.operations.errors import ValidationException
from proton_server.operations.repositories import create_repository
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.provisioning import Work
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.errors import ProvisioningError
from proton_server.provisioning.git_hosting.configuration import ConfigurationError, hostings, tokens
from proton_server.provisioning.self_managed.provisioner import SelfManaged

if TYPE_CHECKING:
    from pathlib import Path

    from proton_server.provisioning.git_hosting import Hostings

OWNER, OTHER, THIRD = "111122223333", "222222222222", "333333333333"
NO_TOKEN = (
    f"This server has no token for GITHUB repositories of account {OTHER}: "
    f"set PROTON_GITHUB_TOKEN_{OTHER} in its environment to one that may write to them."
)


def link(hosting: Hostings, account: str, folder: Path) -> dict[str, Any]:
    """CreateRepository as an account, on a server with these tokens."""
    store = Store(str(folder / "state.sqlite3"))
    try:
        with store.write(account, "us-east-1") as connection:
            rows = Rows(connection, account, "us-east-1")
            can = Capabilities({}, hosting, Stacks(Aws()))
            call = Call("CreateRepository", account, "us-east-1", time.time(), rows, can, Answers())
            given = {"provider": "GITHUB", "name": "acme/infra", "connectionArn": "arn"}
            record: dict[str, Any] = create_repository(call, given)["repository"]
            return record
    finally:
        store.close()


def _unused(*_: Any, **__: Any) -> Any:
    pytest.fail("nothing is read or rendered where no pull request can be opened")


def test_an_account_without_a_token_cannot_link_a_repository(tmp_path: Path) -> None:
    hosting = hostings({f"PROTON_GITHUB_TOKEN_{OWNER}": "secret"})

    assert link(hosting, OWNER, tmp_path)["name"] == "acme/infra"
    with pytest.raises(ValidationException) as caught:
        link(hosting, OTHER, tmp_path)
    assert str(caught.value) == NO_TOKEN


def test_a_link_of_an_account_that_has_no_token_any_more_opens_no_pull_request() -> None:
    environment = {
        "name": "dev",
        "arn": f"arn:aws:proton:us-east-1:{OTHER}:environment/dev",
        "provisioningRepository": {"provider": "GITHUB", "name": "acme/infra", "branch": "main"},
    }
    unused = (_unused,) * 4
    work = Work("d", OTHER, "us-east-1", "", environment, ("1", "0"), dict, {}, {}, *unused)
    method = SelfManaged(hostings({f"PROTON_GITHUB_TOKEN_{OWNER}": "secret"}))

    with pytest.raises(ProvisioningError) as caught:
        method.start(work)
    assert str(caught.value) == NO_TOKEN


def test_each_account_comes_with_its_own_token_and_else_with_the_one_it_shares() -> None:
    found = tokens(
        {
            "PROTON_GIT_ACCOUNTS": f"{OWNER}, {OTHER}",
            "PROTON_BITBUCKET_TOKEN": "shared\n",
            f"PROTON_BITBUCKET_TOKEN_{OTHER}": "its-own",
            f"PROTON_GITHUB_TOKEN_{THIRD}": "third",
            f"PROTON_GITHUB_TOKEN_{OTHER}": "",
        }
    )

    assert {key: token.secret for key, token in found.items()} == {
        (OWNER, "BITBUCKET"): "shared",
        (OTHER, "BITBUCKET"): "its-own",
        (THIRD, "GITHUB"): "third",
    }
    assert "shared" not in repr(found)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"PROTON_GITHUB_TOKEN": "secret"},
            (
                "PROTON_GITHUB_TOKEN names no account: list in PROTON_GIT_ACCOUNTS the accounts that may use "
                "it, or set PROTON_GITHUB_TOKEN_<account> instead."
            ),
        ),
        (
            {"PROTON_GITHUB_TOKEN": "secret", "PROTON_GIT_ACCOUNTS": "acme"},
            "PROTON_GIT_ACCOUNTS must be account IDs of 12 digits, separated by commas, not 'acme'.",
        ),
        (
            {"PROTON_GITHUB_TOKEN_1": "secret"},
            "PROTON_GITHUB_TOKEN_1 must end with an account ID of 12 digits.",
        ),
        (
            {f"PROTON_GITHUB_TOKEN_{OWNER}": "sec\nret"},
            f"PROTON_GITHUB_TOKEN_{OWNER} contains a character that a token cannot have.",
        ),
        (
            {f"PROTON_GITHUB_ENTERPRISE_TOKEN_{OWNER}": "secret"},
            f"PROTON_GITHUB_ENTERPRISE_TOKEN_{OWNER} needs PROTON_GITHUB_ENTERPRISE_URL to be set, too.",
        ),
    ],
)
def test_a_token_that_cannot_be_meant_so_stops_the_server_and_is_not_shown(
    variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        hostings(variables)

    assert str(caught.value) == sentence
