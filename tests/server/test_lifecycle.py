"""How deployments go and end: failures, cancellation, the server killed in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle, spec
from tests.refusals import refused
from tests.server.environments import create, stack_status
from tests.servers import LocalServer, ServedBesideAws
from tests.waiting import ended, eventually, gone

FAILING = """
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: "{{ environment.inputs.title }}"}}
{% if environment.inputs.fifo %}
  Bad: {Type: AWS::S3::Bucket, Properties: {BucketName: "NO SUCH NAME"}}
{% endif %}
Outputs: {Title: {Value: "{{ environment.inputs.title }}"}}
"""
"""Fails in CloudFormation, after the topic, for inputs with fifo."""


@pytest.fixture(scope="module")
def failing(published_template: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return published_template(bundle(tmp_path_factory.mktemp("b") / "b", template=FAILING))


class TestFailure:
    def test_a_failed_creation_keeps_the_environment_with_cloudformations_reason(
        self, proton: Any, failing: str
    ) -> None:
        record = ended(proton, create(proton, failing, spec=spec(fifo=True))["name"])

        assert record["deploymentStatus"] == "FAILED"
        assert "Bad" in record["deploymentStatusMessage"]
        assert "lastSucceededDeploymentId" not in record
        deployment = proton.get_deployment(id=record["lastAttemptedDeploymentId"])["deployment"]
        assert deployment["deploymentStatusMessage"] == record["deploymentStatusMessage"]

    def test_a_failed_creation_is_repaired_by_an_update(self, proton: Any, failing: str) -> None:
        name = ended(proton, create(proton, failing, spec=spec(fifo=True))["name"])["name"]

        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="good"))

        record = ended(proton, name)
        assert (record["deploymentStatus"], record["spec"]) == ("SUCCEEDED", spec(title="good"))
        assert "deploymentStatusMessage" not in record

    def test_a_failed_creation_can_be_deleted(self, proton: Any, failing: str) -> None:
        name = ended(proton, create(proton, failing, spec=spec(fifo=True))["name"])["name"]

        proton.delete_environment(name=name)

        gone(proton, name)

    def test_a_failed_update_keeps_what_was_last_applied(self, proton: Any, failing: str) -> None:
        before = ended(proton, create(proton, failing, spec=spec(title="good"))["name"])

        proton.update_environment(
            name=before["name"], deploymentType="CURRENT_VERSION", spec=spec(title="bad", fifo=True)
        )

        after = ended(proton, before["name"])
        assert (after["deploymentStatus"], after["spec"]) == ("FAILED", spec(title="good"))
        assert (
            after["lastSucceededDeploymentId"]
            == before["lastSucceededDeploymentId"]
            != after["lastAttemptedDeploymentId"]
        )
        outputs = proton.list_environment_outputs(environmentName=before["name"])["outputs"]
        assert outputs == [{"key": "Title", "valueString": "good"}]

    def test_a_template_that_cloudformation_refuses_fails_with_its_words(
        self, proton: Any, published_template: Callable[..., str], tmp_path: Path
    ) -> None:
        broken = "Resources: {Topic: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: !Ref Nothing}}}\n"
        name = published_template(bundle(tmp_path / "b", template=broken))

        record = ended(proton, create(proton, name)["name"])

        assert record["deploymentStatus"] == "FAILED"
        assert "Nothing" in record["deploymentStatusMessage"]

    def test_a_stack_that_cannot_be_deleted_fails_the_deletion_which_can_be_repeated(
        self, proton: Any, proton_server: LocalServer, published_template: Callable[..., str], tmp_path: Path
    ) -> None:
        bucket = "Resources: {Bucket: {Type: AWS::S3::Bucket}}\nOutputs: {Name: {Value: !Ref Bucket}}\n"
        name = published_template(bundle(tmp_path / "b", template=bucket))
        environment = ended(proton, create(proton, name)["name"])["name"]
        (output,) = proton.list_environment_outputs(environmentName=environment)["outputs"]
        s3 = proton_server.client("s3")
        s3.put_object(Bucket=output["valueString"], Key="in-the-way", Body=b"")

        proton.delete_environment(name=environment)
        record = ended(proton, environment)
        s3.delete_object(Bucket=output["valueString"], Key="in-the-way")

        assert record["deploymentStatus"] == "DELETE_FAILED"
        assert "Bucket" in record["deploymentStatusMessage"]
        # What is in the way may be a role or a connection, which only an update exchanges.
        answer = proton.update_environment(name=environment, deploymentType="NONE", description="kept")
        assert answer["environment"]["deploymentStatus"] == "DELETE_FAILED"
        proton.delete_environment(name=environment)
        gone(proton, environment)


class TestInProgress:
    def test_nothing_else_can_be_started_meanwhile(self, slow: LocalServer, slow_template: str) -> None:
        proton = slow.client("proton")
        record = create(proton, slow_template)
        name = record["name"]

        for deployment_type in ("NONE", "CURRENT_VERSION"):
            with refused("ConflictException", f"Environment {name} is IN_PROGRESS and cannot be updated"):
                proton.update_environment(name=name, deploymentType=deployment_type)
        with refused("ConflictException", f"Environment {name} is IN_PROGRESS and cannot be deleted"):
            proton.delete_environment(name=name)
        with refused("ConflictException", "has no update in progress to cancel"):
            proton.cancel_environment_deployment(environmentName=name)
        with refused("ValidationException", "is in progress and cannot be deleted"):
            proton.delete_deployment(id=record["lastAttemptedDeploymentId"])
        with refused("ConflictException", "is used by environment"):
            key = {"templateName": slow_template, "majorVersion": "1", "minorVersion": "0"}
            proton.delete_environment_template_version(**key)

    def test_a_deletion_can_be_repeated_and_blocks_a_creation(
        self, slow: LocalServer, slow_template: str
    ) -> None:
        proton = slow.client("proton")
        name = ended(proton, create(proton, slow_template)["name"])["name"]
        first = proton.delete_environment(name=name)["environment"]

        assert proton.delete_environment(name=name)["environment"] == first
        with refused("ConflictException", f"Environment {name} is being deleted"):
            create(proton, slow_template, name=name)
        gone(proton, name)


class TestKilledServer:
    """One server, killed while a deletion, a deployment and new deployments were under way; started again.

    AWS outlives it: what was begun is found again, and what was not begun goes on.
    """

    @pytest.fixture(scope="class")
    @staticmethod
    def survivor(
        slow: ServedBesideAws,
        tmp_path_factory: pytest.TempPathFactory,
        published_template: Callable[..., str],
    ) -> Iterator[LocalServer]:
        server = ServedBesideAws(tmp_path_factory.mktemp("killed"), aws=slow.aws)
        server.start()
        proton = server.client("proton")
        template = published_template(bundle(tmp_path_factory.mktemp("b") / "b"), server=server)
        ended(proton, create(proton, template, name="deleted")["name"])
        create(proton, template, name="begun")
        eventually(lambda: stack_status(server, "begun") == "CREATE_IN_PROGRESS")
        proton.delete_environment(name="deleted")
        for number in range(10):
            create(proton, template, name=f"new-{number}")
        server.kill()
        server.start()
        yield server
        server.stop()

    def test_a_deletion_goes_on(self, survivor: LocalServer) -> None:
        gone(survivor.client("proton"), "deleted")

    @pytest.mark.parametrize("name", ["begun", *(f"new-{number}" for number in range(10))])
    def test_every_deployment_succeeds_once(self, name: str, survivor: LocalServer) -> None:
        proton = survivor.client("proton")

        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert len(proton.list_deployments(environmentName=name)["deployments"]) == 1
        assert stack_status(survivor, name) == "CREATE_COMPLETE"


def test_a_stack_that_is_deleted_by_hand_fails_its_deployment_and_an_update_makes_it_anew(
    slow: LocalServer, slow_template: str
) -> None:
    proton = slow.client("proton")
    name = create(proton, slow_template)["name"]
    eventually(lambda: stack_status(slow, name) == "CREATE_IN_PROGRESS")
    stacks = slow.client("cloudformation").describe_stacks()["Stacks"]
    (stack,) = [each["StackId"] for each in stacks if each["StackName"].startswith(f"AWSProton-{name[:15]}-")]
    slow.client("cloudformation").delete_stack(StackName=stack)

    record = ended(proton, name)
    assert record["deploymentStatus"] == "FAILED"
    assert "The environment's CloudFormation stack no longer exists." in record["deploymentStatusMessage"]
    assert "a restart of `proton-server local` loses them" in record["deploymentStatusMessage"]
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION")
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert proton.list_environment_outputs(environmentName=name)["outputs"]
