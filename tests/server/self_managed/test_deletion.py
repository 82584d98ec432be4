"""Deletions over HTTP, with git alone: what is proposed, and how each answer to it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.server.self_managed.git_repository import GitRepository, notify
from tests.waiting import ended, gone


def test_a_deletion_marks_the_files_and_is_done_with_the_merge(
    proton: Any, environment: dict[str, Any], repository: GitRepository
) -> None:
    name = environment["name"]
    before = repository.files("main")

    proton.delete_environment(name=name)
    request = repository.request(2)

    assert request["title"] == f"Deletion requested for Proton - environment/{name}"
    after = repository.files(request["head"])
    assert set(after) == set(before)
    assert json.loads(after[f"{name}/.proton/deployment-metadata.json"])["isResourceDeleted"] is True
    assert after[f"{name}/main.tf"].startswith("/*\nThis file is no longer managed by AWS Proton.")
    assert after[f"{name}/proton.auto.tfvars.json"] == before[f"{name}/proton.auto.tfvars.json"]
    assert proton.get_environment(name=name)["environment"]["deploymentStatus"] == "DELETE_IN_PROGRESS"
    repository.merge(2)
    gone(proton, name)


def test_a_deletion_that_is_turned_down_fails_and_can_be_asked_for_again(
    proton: Any, environment: dict[str, Any], repository: GitRepository
) -> None:
    name = environment["name"]
    proton.delete_environment(name=name)
    repository.close(2)
    record = ended(proton, name)
    assert record["deploymentStatus"] == "DELETE_FAILED"
    assert "2.json was closed without being merged" in record["deploymentStatusMessage"]

    proton.delete_environment(name=name)
    repository.request(3)
    notify(proton, environment)  # an automation that destroys before it merges
    gone(proton, name)


def test_a_deletion_that_fails_is_told_by_the_automation(
    proton: Any, environment: dict[str, Any], repository: GitRepository
) -> None:
    proton.delete_environment(name=environment["name"])
    repository.request(2)

    notify(proton, environment, "FAILED", statusMessage="terraform destroy: bucket not empty")

    record = ended(proton, environment["name"])
    assert (record["deploymentStatus"], record["deploymentStatusMessage"]) == (
        "DELETE_FAILED",
        "terraform destroy: bucket not empty",
    )


def test_an_environment_of_which_nothing_was_merged_is_deleted_without_a_request(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    name = propose()["name"]
    repository.close()
    ended(proton, name)

    proton.delete_environment(name=name)

    gone(proton, name)
    assert len(repository.requests()) == 1
