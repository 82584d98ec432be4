"""Linked repositories over HTTP: what the operations answer, and each refusal with code and message.

The server is `proton-server local`, where every account may link: its folder of repositories is everybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.names import ACCOUNT, unique
from tests.refusals import refused
from tests.server.environments import create
from tests.waiting import ended, gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import LocalServer

CONNECTION = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1"


@pytest.fixture
def link(proton: Any) -> Callable[..., dict[str, Any]]:
    """CreateRepository with what is not under test filled in; returns the record."""

    def link(**more: Any) -> dict[str, Any]:
        given = {"provider": "GITHUB", "name": f"acme/{unique('repo')}", "connectionArn": CONNECTION, **more}
        record: dict[str, Any] = proton.create_repository(**given)["repository"]
        return record

    return link


@pytest.mark.parametrize("provider", ["GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET"])
def test_a_link_shows_what_was_asked_for(
    provider: str, proton: Any, link: Callable[..., dict[str, Any]]
) -> None:
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
    record = link(provider=provider, encryptionKey=key)

    assert record == {
        "arn": f"arn:aws:proton:us-east-1:{ACCOUNT}:repository/{provider.lower()}:{record['name']}",
        "provider": provider,
        "name": record["name"],
        "connectionArn": CONNECTION,
        "encryptionKey": key,
    }
    assert proton.get_repository(provider=provider, name=record["name"])["repository"] == record


def test_a_repeated_create_answers_with_the_existing_link(link: Callable[..., dict[str, Any]]) -> None:
    first = link()

    assert link(name=first["name"]) == first


def test_a_create_with_other_parameters_is_refused(link: Callable[..., dict[str, Any]]) -> None:
    name = link()["name"]

    with refused("ValidationException", "Idempotent parameter mismatch", name):
        link(name=name, connectionArn=f"{CONNECTION}2")


@pytest.mark.parametrize("name", ["a/b/c", "../b", "a/..", "a/./b", "a b/c", "a/b?x=1"])
def test_a_name_that_no_provider_knows_is_refused(name: str, link: Callable[..., dict[str, Any]]) -> None:
    with refused("ValidationException", repr(name), "owner/repository"):
        link(name=name)


def test_a_repository_that_is_not_linked_is_not_found(proton: Any) -> None:
    with refused("ResourceNotFoundException", "BITBUCKET acme/nothing"):
        proton.get_repository(provider="BITBUCKET", name="acme/nothing")


def test_a_link_belongs_to_one_account_region_and_provider(
    proton_server: LocalServer, proton: Any, link: Callable[..., dict[str, Any]]
) -> None:
    name = link()["name"]
    elsewhere = (
        (proton_server.client("proton", account="777777777777"), "GITHUB"),
        (proton_server.client("proton", region="eu-west-1"), "GITHUB"),
        (proton, "BITBUCKET"),
    )

    for client, provider in elsewhere:
        with refused("ResourceNotFoundException", name):
            client.get_repository(provider=provider, name=name)


def test_a_deleted_link_is_shown_once_more_and_then_never(
    proton: Any, link: Callable[..., dict[str, Any]]
) -> None:
    record = link()
    key = {"provider": record["provider"], "name": record["name"]}

    assert proton.delete_repository(**key)["repository"] == record
    assert "repository" not in proton.delete_repository(**key)
    with refused("ResourceNotFoundException", record["name"]):
        proton.get_repository(**key)


def test_a_link_that_the_account_settings_use_is_not_deleted(proton_server: LocalServer) -> None:
    proton = proton_server.client("proton", account="777777777770")
    key = {"provider": "GITHUB", "name": "acme/pipelines"}
    proton.create_repository(**key, connectionArn=CONNECTION)
    proton.update_account_settings(pipelineProvisioningRepository={**key, "branch": "main"})

    with refused("ConflictException", "acme/pipelines", "used by the account settings"):
        proton.delete_repository(**key)
    proton.update_account_settings(deletePipelineProvisioningRepository=True)
    assert proton.delete_repository(**key)["repository"]["name"] == "acme/pipelines"


def test_links_are_listed_by_provider_and_name_in_pages(proton_server: LocalServer) -> None:
    proton = proton_server.client("proton", account="777777777771")
    linked = [("BITBUCKET", "z/z"), ("GITHUB", "a/a"), ("GITHUB", "a/b")]
    for provider, name in reversed(linked):
        proton.create_repository(provider=provider, name=name, connectionArn=CONNECTION)

    pages = list(proton.get_paginator("list_repositories").paginate(PaginationConfig={"PageSize": 2}))

    assert [len(page["repositories"]) for page in pages] == [2, 1]
    listed = [repository for page in pages for repository in page["repositories"]]
    assert [(repository["provider"], repository["name"]) for repository in listed] == linked


def test_tags_are_those_given_and_that_of_the_account(
    proton: Any, link: Callable[..., dict[str, Any]]
) -> None:
    record = link(tags=[{"key": "team", "value": "a"}])

    tags = proton.list_tags_for_resource(resourceArn=record["arn"])["tags"]

    assert tags == [{"key": "aws:proton:account", "value": ACCOUNT}, {"key": "team", "value": "a"}]
    proton.delete_repository(provider=record["provider"], name=record["name"])
    with refused("ResourceNotFoundException", record["arn"]):
        proton.list_tags_for_resource(resourceArn=record["arn"])


class TestAnEnvironmentWithARepository:
    """How far it gets is the business of self-managed provisioning; here, only what the link allows."""

    @pytest.fixture
    def repository(self, link: Callable[..., dict[str, Any]]) -> dict[str, str]:
        linked = link()
        return {"provider": linked["provider"], "name": linked["name"], "branch": "main"}

    @pytest.fixture
    def environment(self, proton: Any, terraform_template: str, repository: dict[str, str]) -> dict[str, Any]:
        name = create(
            proton, terraform_template, protonServiceRoleArn=None, provisioningRepository=repository
        )["name"]
        return ended(proton, name)  # FAILED, for nothing is behind the link

    def test_shows_it_with_its_arn(self, environment: dict[str, Any], repository: dict[str, str]) -> None:
        arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:repository/github:{repository['name']}"

        assert environment["provisioningRepository"] == {**repository, "arn": arn}

    def test_keeps_the_link_from_being_deleted(
        self, proton: Any, environment: dict[str, Any], repository: dict[str, str]
    ) -> None:
        key = {"provider": repository["provider"], "name": repository["name"]}

        with refused("ConflictException", repository["name"], f"used by environment {environment['name']}"):
            proton.delete_repository(**key)
        proton.delete_environment(name=environment["name"])
        gone(proton, environment["name"])
        assert "repository" in proton.delete_repository(**key)

    @pytest.mark.parametrize("given", [True, False])
    def test_may_be_updated_with_the_same_repository_or_none(
        self, given: bool, proton: Any, environment: dict[str, Any], repository: dict[str, str]
    ) -> None:
        more = {"provisioningRepository": repository} if given else {}
        proton.update_environment(name=environment["name"], deploymentType="CURRENT_VERSION", **more)

        record = ended(proton, environment["name"])
        assert record["provisioningRepository"] == environment["provisioningRepository"]

    @pytest.mark.parametrize(
        "change", [{"branch": "other"}, {"name": "acme/other"}, {"provider": "BITBUCKET"}]
    )
    def test_cannot_get_another_one(
        self, change: dict[str, str], proton: Any, environment: dict[str, Any], repository: dict[str, str]
    ) -> None:
        with refused("ValidationException", f"provisioningRepository of environment {environment['name']}"):
            proton.update_environment(
                name=environment["name"],
                deploymentType="CURRENT_VERSION",
                provisioningRepository={**repository, **change},
            )

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({}, "protonServiceRoleArn cannot be given with self-managed provisioning"),
            ({"protonServiceRoleArn": None, "provisioningRepository": None}, "needs provisioningRepository."),
        ],
    )
    def test_is_refused_with_a_role_and_without_a_repository(
        self,
        more: dict[str, Any],
        sentence: str,
        proton: Any,
        terraform_template: str,
        repository: dict[str, str],
    ) -> None:
        with refused("ValidationException", sentence):
            create(proton, terraform_template, **{"provisioningRepository": repository, **more})

    def test_is_refused_with_a_connection_instead_of_a_repository(
        self, proton: Any, proton_server: LocalServer, terraform_template: str
    ) -> None:
        name = unique("far")
        answer = proton_server.client("proton", account="222222222222").create_environment_account_connection(
            managementAccountId=ACCOUNT, environmentName=name
        )
        key = answer["environmentAccountConnection"]["id"]
        proton.accept_environment_account_connection(id=key)

        with refused(
            "ValidationException", "environmentAccountConnectionId cannot be given with self-managed"
        ):
            create(
                proton,
                terraform_template,
                name=name,
                protonServiceRoleArn=None,
                environmentAccountConnectionId=key,
            )
