"""ListDeployments, GetDeployment, DeleteDeployment over HTTP, and each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bundles import SPEC
from tests.names import ACCOUNT
from tests.refusals import refused
from tests.server.environments import create
from tests.waiting import ended

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def environment(proton: Any, template: str) -> dict[str, Any]:
    """An environment with two deployments."""
    name = ended(proton, create(proton, template)["name"])["name"]
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION")
    return ended(proton, name)


def test_deployments_are_listed_newest_first(proton: Any, environment: dict[str, Any]) -> None:
    pages = proton.get_paginator("list_deployments").paginate(
        environmentName=environment["name"], PaginationConfig={"PageSize": 1}
    )
    newest, oldest = (deployment for page in pages for deployment in page["deployments"])

    assert newest["id"] == environment["lastSucceededDeploymentId"]
    assert newest["createdAt"] > oldest["createdAt"]
    assert "targetState" not in newest
    assert proton.list_deployments(maxResults=1)["nextToken"]


def test_a_deployment_names_its_target_and_both_states(proton: Any, environment: dict[str, Any]) -> None:
    deployment = proton.get_deployment(id=environment["lastSucceededDeploymentId"])["deployment"]

    assert deployment["arn"] == f"arn:aws:proton:us-east-1:{ACCOUNT}:deployment/{deployment['id']}"
    assert (deployment["targetArn"], deployment["targetResourceType"]) == (environment["arn"], "ENVIRONMENT")
    assert deployment["targetResourceCreatedAt"] == environment["createdAt"]
    assert deployment["deploymentStatus"] == "SUCCEEDED"
    assert deployment["completedAt"] >= deployment["createdAt"]
    state = {
        "templateName": environment["templateName"],
        "templateMajorVersion": "1",
        "templateMinorVersion": "0",
        "spec": SPEC,
    }
    assert deployment["initialState"] == deployment["targetState"] == {"environment": state}


def test_a_first_deployment_has_no_initial_state(proton: Any, environment: dict[str, Any]) -> None:
    first = proton.list_deployments(environmentName=environment["name"])["deployments"][-1]

    assert "initialState" not in proton.get_deployment(id=first["id"])["deployment"]


def test_a_deployment_that_is_missing_or_of_something_else_is_not_found(
    proton: Any, environment: dict[str, Any]
) -> None:
    known = environment["lastSucceededDeploymentId"]

    with refused("ResourceNotFoundException", f"Deployment not found: {NOWHERE}"):
        proton.get_deployment(id=NOWHERE)
    for other in ({"environmentName": "other"}, {"serviceName": "other"}):
        with refused("ResourceNotFoundException", f"is of environment {environment['name']}"):
            proton.get_deployment(id=known, **other)


def test_no_deployment_is_of_a_service_or_component(proton: Any, environment: dict[str, Any]) -> None:
    for other in (
        {"serviceName": "s"},
        {"serviceInstanceName": "i", "serviceName": "s"},
        {"componentName": "c"},
    ):
        assert proton.list_deployments(**other)["deployments"] == []


def test_a_deployment_that_has_ended_can_be_forgotten(proton: Any, template: str) -> None:
    record = ended(proton, create(proton, template)["name"])
    deployment = record["lastSucceededDeploymentId"]

    assert proton.delete_deployment(id=deployment)["deployment"]["id"] == deployment
    assert "deployment" not in proton.delete_deployment(id=deployment)
    assert proton.list_environment_outputs(environmentName=record["name"])["outputs"]
    proton.update_environment(name=record["name"], deploymentType="CURRENT_VERSION")
    assert ended(proton, record["name"])["deploymentStatus"] == "SUCCEEDED"
