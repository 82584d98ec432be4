"""Creations and updates over HTTP, with git alone: what is proposed, and how each answer to it ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.names import ACCOUNT, SERVICE_ROLE
from tests.refusals import refused
from tests.server.self_managed.git_repository import EXAMPLE, SPEC, GitRepository, message, notify, update
from tests.servers import LocalServer
from tests.waiting import ended, eventually

FILES = {
    "main.tf",
    "outputs.tf",
    "proton.environment.variables.tf",
    "proton.auto.tfvars.json",
    ".proton/deployment-metadata.json",
}


def test_a_creation_proposes_the_environments_files_on_a_branch(
    propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    environment = propose()
    request = repository.request()

    name, title = environment["name"], f"Update requested for Proton - environment/{environment['name']}"
    assert (request["title"], request["base"], request["state"]) == (title, "main", "open")
    assert request["head"].startswith("proton--proton-environment-")
    files = repository.files(request["head"])
    assert set(files) == {"README.md", *(f"{name}/{path}" for path in FILES)}
    assert json.loads(files[f"{name}/proton.auto.tfvars.json"])["environment"] == {
        "name": name,
        "inputs": {"cidr_block": "10.0.0.0/16", "zones": 2},  # a default of the schema, and a number
    }
    metadata = json.loads(files[f"{name}/.proton/deployment-metadata.json"])
    assert (metadata["deploymentId"], metadata["isResourceDeleted"]) == (
        environment["lastAttemptedDeploymentId"],
        False,
    )
    assert repository.git("log", "--format=%s", f"main..{request['head']}").splitlines() == [title]
    assert repository.files("main") == {"README.md": "Ours"}


def test_an_environment_that_waits_names_the_pull_request(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    name = propose()["name"]

    told = eventually(lambda: message(proton, name))
    assert f"{repository.name}.requests/1.json to be merged" in told
    deployment = proton.list_deployments(environmentName=name)["deployments"][0]
    assert proton.get_deployment(id=deployment["id"])["deployment"]["deploymentStatusMessage"] == told


def test_a_merge_alone_is_no_success_but_the_notification_is(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    environment = propose()
    name = environment["name"]
    repository.merge()
    assert eventually(lambda: "was merged" in message(proton, name) and message(proton, name))

    outputs = [{"key": "vpc", "valueString": "vpc-1"}]
    notify(proton, environment, outputs=outputs, deploymentId=environment["lastAttemptedDeploymentId"])

    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert proton.list_environment_outputs(environmentName=name)["outputs"] == outputs
    assert proton.list_environment_provisioned_resources(environmentName=name)["provisionedResources"] == [
        {
            "name": name,
            "identifier": f"arn:aws:proton:us-east-1:{ACCOUNT}:repository/github:{repository.name}",
            "provisioningEngine": "TERRAFORM",
        }
    ]


def test_a_failure_that_is_notified_fails_the_deployment_with_its_message(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    environment = propose()
    repository.merge()

    notify(proton, environment, "FAILED", statusMessage="terraform apply: no such zone")

    record = ended(proton, environment["name"])
    assert (record["deploymentStatus"], record["deploymentStatusMessage"]) == (
        "FAILED",
        "terraform apply: no such zone",
    )


def test_a_request_that_is_closed_cancels_the_deployment_and_the_next_update_opens_another(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    name = propose()["name"]
    repository.close()

    record = ended(proton, name)
    assert record["deploymentStatus"] == "CANCELLED"
    assert "1.json was closed without being merged" in record["deploymentStatusMessage"]

    notify(proton, update(proton, name, zones=3))
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"


def test_an_update_proposes_the_new_inputs(
    proton: Any, environment: dict[str, Any], repository: GitRepository
) -> None:
    name = environment["name"]
    update(proton, name, zones=4)
    repository.request(2)

    changed = repository.git("diff", "--name-only", "main", repository.request(2)["head"]).splitlines()
    assert changed == [f"{name}/.proton/deployment-metadata.json", f"{name}/proton.auto.tfvars.json"]
    repository.merge(2)
    notify(proton, environment)
    assert "zones" in ended(proton, name)["spec"]


def test_a_file_that_a_new_version_of_the_template_has_no_more_is_removed(
    proton: Any,
    proton_server: LocalServer,
    published_template: Callable[..., str],
    propose: Callable[..., dict[str, Any]],
    repository: GitRepository,
    tmp_path: Path,
) -> None:
    name = published_template(EXAMPLE / "template")
    environment = propose(templateName=name)
    repository.merge()
    notify(proton, environment)
    ended(proton, environment["name"])
    repository.commit({f"{environment['name']}/backend.tf": "terraform {}\n"})
    shutil.copytree(EXAMPLE / "template", tmp_path / "template")
    (tmp_path / "template" / "infrastructure" / "outputs.tf").unlink()
    published_template(tmp_path / "template", name=name, major_version="1")

    proton.update_environment(name=environment["name"], deploymentType="MINOR_VERSION")

    kept = set(repository.files(repository.request(2)["head"]))
    assert f"{environment['name']}/outputs.tf" not in kept
    assert f"{environment['name']}/backend.tf" in kept  # the owner's own


def test_cancelling_an_update_closes_its_request_and_keeps_what_was_applied(
    proton: Any, environment: dict[str, Any], repository: GitRepository
) -> None:
    update(proton, environment["name"], zones=4)
    repository.request(2)

    proton.cancel_environment_deployment(environmentName=environment["name"])

    record = ended(proton, environment["name"])
    assert (record["deploymentStatus"], record["deploymentStatusMessage"]) == (
        "CANCELLED",
        "User initiated cancellation.",
    )
    assert record["spec"] == SPEC
    assert repository.request(2)["state"] == "closed"


def test_cancelling_what_is_merged_leaves_the_last_word_to_the_automation(
    proton: Any, environment: dict[str, Any], repository: GitRepository
) -> None:
    name = environment["name"]
    update(proton, name, zones=4)
    repository.merge(2)

    proton.cancel_environment_deployment(environmentName=name)
    assert eventually(lambda: "was merged" in message(proton, name))
    assert proton.get_environment(name=name)["environment"]["deploymentStatus"] == "CANCELLING"

    notify(proton, environment)
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"


def test_a_repository_with_a_folder_for_environments_gets_them_there(
    proton: Any, proton_server: LocalServer, propose: Callable[..., dict[str, Any]]
) -> None:
    repository = GitRepository(proton_server, files={"environments/other/main.tf": "# another's"})

    name = propose(provisioningRepository=repository.link)["name"]

    assert f"environments/{name}/main.tf" in repository.files(repository.request()["head"])


def test_a_repository_that_is_not_linked_is_refused(
    proton: Any, propose: Callable[..., dict[str, Any]], repository: GitRepository
) -> None:
    with refused("ResourceNotFoundException", "acme/unknown"):
        propose(provisioningRepository={**repository.link, "name": "acme/unknown"})


def test_a_role_beside_the_repository_is_refused(propose: Callable[..., dict[str, Any]]) -> None:
    with refused("ValidationException", "protonServiceRoleArn", "self-managed provisioning"):
        propose(protonServiceRoleArn=SERVICE_ROLE)
