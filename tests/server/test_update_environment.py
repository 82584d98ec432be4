"""UpdateEnvironment over HTTP: each deploymentType, and each refusal with code and message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import CODEBUILD_MANIFEST, SPEC, bundle, spec
from tests.names import ACCOUNT, SERVICE_ROLE, THIRD, role, unique
from tests.refusals import refused
from tests.server.environments import create
from tests.waiting import ended

LINKED = {"provider": "GITHUB", "name": "owner/repository", "branch": "main"}


def test_the_reply_shows_the_old_state_until_the_deployment_succeeded(proton: Any, versions: str) -> None:
    name = ended(proton, create(proton, versions, templateMinorVersion="0")["name"])["name"]

    reply = proton.update_environment(name=name, deploymentType="MINOR_VERSION", spec=spec(title="x"))[
        "environment"
    ]
    after = ended(proton, name)

    assert (reply["templateMinorVersion"], reply["spec"], reply["deploymentStatus"]) == (
        "0",
        SPEC,
        "IN_PROGRESS",
    )
    assert (after["templateMinorVersion"], after["spec"]) == ("1", spec(title="x"))
    deployment = proton.get_deployment(id=after["lastSucceededDeploymentId"])["deployment"]
    assert deployment["initialState"]["environment"]["templateMinorVersion"] == "0"
    assert deployment["targetState"]["environment"]["spec"] == spec(title="x")


def test_none_changes_the_description_and_deploys_nothing(proton: Any, template: str) -> None:
    before = ended(proton, create(proton, template)["name"])

    reply = proton.update_environment(name=before["name"], deploymentType="NONE", description="")[
        "environment"
    ]

    assert reply["description"] == ""
    assert reply["lastAttemptedDeploymentId"] == before["lastAttemptedDeploymentId"]
    assert reply["deploymentStatus"] == "SUCCEEDED"


def test_none_exchanges_a_role_and_deploys_nothing(proton: Any, template: str) -> None:
    before = ended(proton, create(proton, template)["name"])
    another = role(ACCOUNT, unique("role"))

    reply = proton.update_environment(
        name=before["name"], deploymentType="NONE", protonServiceRoleArn=another
    )["environment"]

    assert reply == before | {"protonServiceRoleArn": another}


def test_current_version_without_a_spec_deploys_the_stored_one_again(proton: Any, template: str) -> None:
    before = ended(proton, create(proton, template, spec=spec(title="kept"))["name"])

    proton.update_environment(name=before["name"], deploymentType="CURRENT_VERSION")

    after = ended(proton, before["name"])
    assert after["spec"] == spec(title="kept")
    assert after["lastSucceededDeploymentId"] != before["lastSucceededDeploymentId"]


def test_minor_versions_go_up_and_down_within_the_major(proton: Any, versions: str) -> None:
    name = ended(proton, create(proton, versions, templateMinorVersion="1")["name"])["name"]

    proton.update_environment(
        name=name, deploymentType="MINOR_VERSION", templateMajorVersion="1", templateMinorVersion="0"
    )
    assert ended(proton, name)["templateMinorVersion"] == "0"
    proton.update_environment(name=name, deploymentType="MINOR_VERSION")
    assert ended(proton, name)["templateMinorVersion"] == "1"


def test_major_version_goes_to_the_recommended_version_or_the_one_named(proton: Any, versions: str) -> None:
    for named, minor in (({}, "0"), ({"templateMajorVersion": "2", "templateMinorVersion": "1"}, "1")):
        name = ended(proton, create(proton, versions)["name"])["name"]
        proton.update_environment(name=name, deploymentType="MAJOR_VERSION", **named)
        after = ended(proton, name)
        assert (after["templateMajorVersion"], after["templateMinorVersion"]) == ("2", minor)


def test_roles_hold_from_the_call_on(proton: Any, template: str) -> None:
    name = ended(proton, create(proton, template)["name"])["name"]
    role = f"arn:aws:iam::{ACCOUNT}:role/other"

    reply = proton.update_environment(
        name=name, deploymentType="CURRENT_VERSION", protonServiceRoleArn=role, componentRoleArn=role
    )["environment"]

    assert (reply["protonServiceRoleArn"], reply["componentRoleArn"]) == (role, role)
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (
            {"deploymentType": "NONE", "spec": SPEC},
            "ValidationException",
            "spec cannot be updated with deploymentType NONE",
        ),
        (
            {"deploymentType": "NONE", "templateMinorVersion": "0"},
            "ValidationException",
            "templateMinorVersion cannot be updated with deploymentType NONE",
        ),
        (
            {"deploymentType": "NONE", "protonServiceRoleArn": role(THIRD)},
            "ValidationException",
            f"protonServiceRoleArn must be a role in account {ACCOUNT}.",
        ),
        (
            {"deploymentType": "NONE", "provisioningRepository": LINKED},
            "ValidationException",
            "provisioningRepository cannot be updated with deploymentType NONE",
        ),
        (
            {"deploymentType": "CURRENT_VERSION", "templateMajorVersion": "1"},
            "ValidationException",
            "templateMajorVersion cannot be updated with deploymentType CURRENT_VERSION",
        ),
        (
            {"deploymentType": "MINOR_VERSION", "templateMajorVersion": "2"},
            "ValidationException",
            "stays within major version 1",
        ),
        (
            {"deploymentType": "MINOR_VERSION", "templateMinorVersion": "9"},
            "ResourceNotFoundException",
            "version not found",
        ),
        ({"deploymentType": "MAJOR_VERSION"}, "ValidationException", "higher than 1"),
        (
            {"deploymentType": "MAJOR_VERSION", "templateMajorVersion": "1"},
            "ValidationException",
            "higher than 1",
        ),
        (
            {"deploymentType": "MAJOR_VERSION", "templateMajorVersion": "0"},
            "ValidationException",
            "higher than 1",
        ),
        (
            {"deploymentType": "CURRENT_VERSION", "spec": spec(title="X")},
            "ValidationException",
            "spec.title",
        ),
        (
            {"deploymentType": "CURRENT_VERSION", "codebuildRoleArn": "arn:aws:iam::999999999999:role/r"},
            "ValidationException",
            "codebuildRoleArn must be a role in account",
        ),
        (
            {"deploymentType": "SOME"},
            "ValidationException",
            "Member must satisfy enum value set: [NONE, ",
        ),
    ],
)
def test_a_wrong_update_is_refused_and_changes_nothing(
    proton: Any, environment: dict[str, Any], request_: dict[str, Any], code: str, message: str
) -> None:
    with refused(code, message):
        proton.update_environment(name=environment["name"], **request_)

    assert proton.get_environment(name=environment["name"])["environment"] == environment


def test_a_missing_environment_cannot_be_updated(proton: Any) -> None:
    with refused("ResourceNotFoundException", "Environment not found: missing"):
        proton.update_environment(name="missing", deploymentType="NONE")


def test_how_it_is_provisioned_cannot_change(
    proton: Any, published_template: Callable[..., str], tmp_path: Path
) -> None:
    name = published_template(bundle(tmp_path / "cfn"))
    record = ended(proton, create(proton, name)["name"])
    published_template(
        bundle(tmp_path / "codebuild", manifest=CODEBUILD_MANIFEST), name=name, major_version="1"
    )

    message = (
        f"Environment {record['name']} uses AWS-managed provisioning, and the version uses CodeBuild "
        "provisioning. This cannot be changed: create a new environment."
    )
    with refused("ValidationException", message):
        proton.update_environment(
            name=record["name"], deploymentType="MINOR_VERSION", codebuildRoleArn=SERVICE_ROLE
        )
    assert proton.get_environment(name=record["name"])["environment"] == record
