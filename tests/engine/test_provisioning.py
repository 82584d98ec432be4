"""What users see of environments that a build, a pull request or nobody provisions."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.bundles import bundle, codebuild_manifest, schema_of
from tests.engine.project import Project, environment, with_dynamic
from tests.names import ACCOUNT, REPOSITORY, role
from tests.server.self_managed.git_repository import GitRepository, notify
from tests.servers import LocalServer
from tests.waiting import eventually

pytestmark = with_dynamic

BUILD_ROLE = role(ACCOUNT, "builds")
_PROVISION = [
    "echo {{ environment.inputs.word }} > word",
    "sleep {{ environment.inputs.seconds }}",
    "test {{ environment.inputs.word }} != unlucky || { echo no quota left; exit 7; }",
    """echo '[{"key":"word","valueString":"{{ environment.inputs.word }}"}]' > proton-outputs.json""",
]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory, published_template: Any) -> str:
    """A template that a build provisions: as long, and as well, as its inputs say."""
    inputs = {"word": {"type": "string", "default": "plain"}, "seconds": {"type": "integer", "default": 0}}
    folder = tmp_path_factory.mktemp("build") / "bundle"
    name: str = published_template(
        bundle(folder, schema=schema_of(**inputs), manifest=codebuild_manifest(_PROVISION, ["true"]))
    )
    return name


@pytest.fixture(scope="module")
def customer_managed(tmp_path_factory: pytest.TempPathFactory, published_template: Any) -> str:
    """A template that only says which outputs there are."""
    folder = tmp_path_factory.mktemp("customer-managed") / "bundle"
    outputs = schema_of(VpcId={"type": "string"})
    name: str = published_template(bundle(folder, template=None, schema=outputs), customer_managed=True)
    return name


def _ended(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert "Traceback" not in output, output
    return output


def test_a_build_that_provisions_fails_is_cancelled_and_is_mended(
    project: Project, proton: Any, build: str
) -> None:
    def wants(**inputs: Any) -> None:
        arguments = environment(build, "built", spec=inputs, codebuild_role_arn=BUILD_ROLE)
        del arguments["proton_service_role_arn"]
        project.declare(dev=arguments)

    wants(word="first")
    project.up()
    assert project.outputs()["dev"] == {"word": "first"}

    wants(word="unlucky")
    error = project.up(fails=True).error()
    assert "environment built: FAILED" in error
    assert "command 3. Reason: exit status 7. The log ends with: no quota left" in error
    assert "Log: file:///" in error

    wants(word="slow", seconds=600)
    updating = project.start("up", "--yes", "--skip-preview")
    eventually(
        lambda: proton.get_environment(name="built")["environment"]["deploymentStatus"] == "IN_PROGRESS"
    )
    proton.cancel_environment_deployment(environmentName="built")
    output = _ended(updating)
    assert updating.returncode != 0
    assert "environment built: CANCELLED" in output

    wants(word="second")
    assert project.preview().deployment_type("dev") == "CURRENT_VERSION"
    project.up()
    assert project.outputs()["dev"] == {"word": "second"}
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert "built" not in str(proton.list_environments()["environments"])


def test_a_pull_request_is_proposed_merged_and_notified_with_and_without_waiting(
    project: Project, proton: Any, proton_server: LocalServer, published_template: Any
) -> None:
    template = published_template(REPOSITORY / "examples" / "06-self-managed" / "template")
    repository = GitRepository(proton_server)
    name = repository.name.replace("/", "-")

    def wants(cidr_block: str, **more: Any) -> None:
        spec = {"cidr_block": cidr_block}
        arguments = environment(template, name, spec=spec, provisioning_repository=repository.link, **more)
        del arguments["proton_service_role_arn"]
        project.declare(dev=arguments)

    def provision(number: int) -> None:
        repository.merge(number)
        outputs = [{"key": "request", "valueString": str(number)}]
        notify(proton, proton.get_environment(name=name)["environment"], outputs=outputs)

    wants("10.0.0.0/16", wait_for_deployment=False)
    project.up()
    assert project.outputs()["dev-facts"][-1] == "IN_PROGRESS"
    provision(1)

    wants("10.1.0.0/16")
    updating = project.start("up", "--yes", "--skip-preview")
    provision(2)
    _ended(updating)
    assert updating.returncode == 0
    assert project.outputs()["dev"] == {"request": "2"}
    assert project.outputs()["dev-facts"][-1] == "SUCCEEDED"

    destroying = project.start("destroy", "--yes", "--skip-preview")
    repository.merge(3)
    _ended(destroying)
    assert destroying.returncode == 0
    assert name not in str(proton.list_environments()["environments"])


def test_a_customer_managed_environment_hands_its_spec_on_and_takes_only_what_fits_its_template(
    project: Project, proton: Any, customer_managed: str, build: str
) -> None:
    project.declare(wrong=environment(build, "never-built"))
    error = project.up(fails=True).error()
    assert "uses CodeBuild provisioning, which needs codebuildRoleArn" in error
    assert "never-built" not in str(proton.list_environments())

    wanted = environment(customer_managed, "brought-along", spec={"VpcId": "vpc-0123"})
    del wanted["proton_service_role_arn"]
    project.declare(dev=wanted)
    project.up()
    assert project.outputs()["dev"] == {"VpcId": "vpc-0123"}
    assert proton.get_environment(name="brought-along")["environment"]["provisioning"] == "CUSTOMER_MANAGED"
    project.pulumi("destroy", "--yes", "--skip-preview")
