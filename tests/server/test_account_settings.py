"""Account settings over HTTP: what is set, cleared and kept, and each refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.names import unique
from tests.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import LocalServer

ACCOUNT = "555555555555"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipelines"
REPOSITORY = {"provider": "GITHUB", "name": "acme/pipelines", "branch": "main"}


@pytest.fixture(scope="module")
def proton_server(local_server: LocalServer) -> LocalServer:
    """A server on which every account may link repositories."""
    return local_server


@pytest.fixture
def proton(proton_server: LocalServer) -> Any:
    """A client of an account of these tests' own, in which the repository is linked and nothing is set."""
    client = proton_server.client("proton", account=ACCOUNT)
    client.create_repository(
        provider="GITHUB",
        name=REPOSITORY["name"],
        connectionArn=f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1",
    )
    client.update_account_settings(
        pipelineServiceRoleArn="", pipelineCodebuildRoleArn="", deletePipelineProvisioningRepository=True
    )
    return client


@pytest.fixture
def settings(proton: Any) -> Callable[[], dict[str, Any]]:
    """The settings as they are read back."""
    return lambda: proton.get_account_settings()["accountSettings"]


def test_an_account_that_set_nothing_has_empty_settings(proton_server: LocalServer) -> None:
    answer = proton_server.client("proton", account="555555555550").get_account_settings()

    assert answer["accountSettings"] == {}


def test_an_update_changes_what_it_names_and_keeps_the_rest(
    proton: Any, settings: Callable[[], dict[str, Any]]
) -> None:
    proton.update_account_settings(pipelineServiceRoleArn=ROLE)
    answer = proton.update_account_settings(
        pipelineCodebuildRoleArn=ROLE, pipelineProvisioningRepository=REPOSITORY
    )

    arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:repository/github:{REPOSITORY['name']}"
    assert settings() == answer["accountSettings"]
    assert settings() == {
        "pipelineServiceRoleArn": ROLE,
        "pipelineCodebuildRoleArn": ROLE,
        "pipelineProvisioningRepository": {**REPOSITORY, "arn": arn},
    }


@pytest.mark.parametrize("member", ["pipelineServiceRoleArn", "pipelineCodebuildRoleArn"])
def test_an_empty_string_clears_a_role_and_nothing_else(
    member: str, proton: Any, settings: Callable[[], dict[str, Any]]
) -> None:
    proton.update_account_settings(pipelineServiceRoleArn=ROLE, pipelineCodebuildRoleArn=ROLE)
    proton.update_account_settings(**{member: ""})

    assert settings() == {
        role: ROLE for role in ("pipelineServiceRoleArn", "pipelineCodebuildRoleArn") if role != member
    }


def test_the_repository_is_cleared_by_its_own_member(
    proton: Any, settings: Callable[[], dict[str, Any]]
) -> None:
    proton.update_account_settings(pipelineProvisioningRepository=REPOSITORY, pipelineServiceRoleArn=ROLE)
    proton.update_account_settings(deletePipelineProvisioningRepository=False)
    assert "pipelineProvisioningRepository" in settings()

    proton.update_account_settings(deletePipelineProvisioningRepository=True)
    assert settings() == {"pipelineServiceRoleArn": ROLE}


def test_the_repository_cannot_be_set_and_cleared_at_once(proton: Any) -> None:
    with refused("ValidationException", "deletePipelineProvisioningRepository", "together"):
        proton.update_account_settings(
            pipelineProvisioningRepository=REPOSITORY, deletePipelineProvisioningRepository=True
        )


def test_a_repository_that_is_not_linked_is_refused(proton: Any) -> None:
    name = f"acme/{unique('unlinked')}"

    with refused(
        "ValidationException", "pipelineProvisioningRepository is not linked", name, "CreateRepository"
    ):
        proton.update_account_settings(pipelineProvisioningRepository={**REPOSITORY, "name": name})


@pytest.mark.parametrize("member", ["pipelineServiceRoleArn", "pipelineCodebuildRoleArn"])
def test_a_role_of_another_account_is_refused(member: str, proton: Any) -> None:
    with refused("ValidationException", f"{member} must be a role in account {ACCOUNT}"):
        proton.update_account_settings(**{member: "arn:aws:iam::666666666666:role/pipelines"})


def test_a_refused_update_changes_nothing(proton: Any, settings: Callable[[], dict[str, Any]]) -> None:
    with refused("ValidationException", "pipelineProvisioningRepository is not linked: GITHUB acme/nothing"):
        proton.update_account_settings(
            pipelineServiceRoleArn=ROLE, pipelineProvisioningRepository={**REPOSITORY, "name": "acme/nothing"}
        )

    assert settings() == {}


def test_settings_are_of_one_region(proton: Any, proton_server: LocalServer) -> None:
    proton.update_account_settings(pipelineServiceRoleArn=ROLE)

    elsewhere = proton_server.client("proton", account=ACCOUNT, region="eu-west-1")
    assert elsewhere.get_account_settings()["accountSettings"] == {}
