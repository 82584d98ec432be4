"""The environment operations over HTTP: what they answer, and each refusal with code and message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proton_server.cli.publish import publish_folder
from tests.bundles import OUTPUTS_SCHEMA, bundle, spec
from tests.names import ACCOUNT, SERVICE_ROLE, unique
from tests.refusals import refused
from tests.server.environments import create
from tests.servers import LocalServer
from tests.waiting import ended, gone


class TestCreate:
    def test_the_reply_is_in_progress_and_shows_what_was_asked_for(self, proton: Any, template: str) -> None:
        record = create(proton, template, name="dev-reply", description="d")

        assert record["deploymentStatus"] == "IN_PROGRESS"
        assert record["arn"] == f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/dev-reply"
        assert (
            record["createdAt"] == record["lastDeploymentAttemptedAt"] == record["lastDeploymentSucceededAt"]
        )
        assert (record["templateMajorVersion"], record["templateMinorVersion"]) == ("1", "0")
        assert (record["description"], record["protonServiceRoleArn"]) == ("d", SERVICE_ROLE)

    def test_a_successful_creation_shows_spec_outputs_and_deployment(
        self, proton: Any, template: str, proton_server: LocalServer
    ) -> None:
        record = ended(proton, create(proton, template, spec=spec(title="sport"))["name"])

        assert record["deploymentStatus"] == "SUCCEEDED"
        assert record["spec"] == spec(title="sport")
        assert record["lastSucceededDeploymentId"] == record["lastAttemptedDeploymentId"]
        assert "deploymentStatusMessage" not in record
        outputs = {
            o["key"]: o["valueString"]
            for o in proton.list_environment_outputs(environmentName=record["name"])["outputs"]
        }
        assert outputs["Title"] == "sport"
        topics = proton_server.client("sns").list_topics()["Topics"]
        assert {"TopicArn": outputs["TopicArn"]} in topics

    def test_defaults_of_the_schema_are_filled_in_but_not_written_into_the_spec(
        self, proton: Any, template: str
    ) -> None:
        record = ended(proton, create(proton, template, spec=spec())["name"])

        outputs = proton.list_environment_outputs(environmentName=record["name"])["outputs"]
        assert {"key": "Title", "valueString": "news"} in outputs
        assert record["spec"] == spec()

    def test_the_stack_is_named_and_tagged_as_proton_does_and_has_the_environments_tags(
        self, proton: Any, environment: dict[str, Any], proton_server: LocalServer
    ) -> None:
        resources = proton.list_environment_provisioned_resources(environmentName=environment["name"])
        (stack,) = resources["provisionedResources"]
        (found,) = proton_server.client("cloudformation").describe_stacks(StackName=stack["identifier"])[
            "Stacks"
        ]

        prefix = f"AWSProton-{environment['name'][:15]}-cloudformation--"
        assert stack["name"].startswith(prefix)
        assert stack["name"][len(prefix) :].isalpha()
        assert len(stack["name"]) == len(prefix) + 15
        assert stack["provisioningEngine"] == "CLOUDFORMATION"
        template_arn = (
            f"arn:aws:proton:us-east-1:{ACCOUNT}:environment-template/{environment['templateName']}"
        )
        assert {tag["Key"]: tag["Value"] for tag in found["Tags"]} == {
            "proton:account": ACCOUNT,
            "proton:template": template_arn,
            "proton:environment": environment["arn"],
            "a": "b",
        }

    def test_without_a_minor_version_it_takes_the_highest_published_one(
        self, proton: Any, versions: str
    ) -> None:
        assert create(proton, versions)["templateMinorVersion"] == "1"
        assert create(proton, versions, templateMajorVersion="2")["templateMinorVersion"] == "0"

    def test_a_draft_version_can_be_deployed_by_number(self, proton: Any, versions: str) -> None:
        record = create(proton, versions, templateMajorVersion="2", templateMinorVersion="1")

        assert ended(proton, record["name"])["deploymentStatus"] == "SUCCEEDED"

    def test_the_same_request_again_answers_with_the_existing_environment(
        self, proton: Any, template: str
    ) -> None:
        name = unique("again")
        first = create(proton, template, name=name)

        assert create(proton, template, name=name)["createdAt"] == first["createdAt"]
        assert len(proton.list_deployments(environmentName=name)["deployments"]) == 1

    def test_another_request_for_a_taken_name_is_a_parameter_mismatch(
        self, proton: Any, environment: dict[str, Any]
    ) -> None:
        with refused("ValidationException", "Idempotent parameter mismatch", environment["name"]):
            create(proton, environment["templateName"], name=environment["name"])

    def test_the_same_request_for_an_environment_modified_since_is_a_conflict(
        self, proton: Any, template: str
    ) -> None:
        name = ended(proton, create(proton, template)["name"])["name"]
        proton.update_environment(name=name, deploymentType="NONE", description="changed")

        with refused("ConflictException", "already exists and was modified"):
            create(proton, template, name=name)

    @pytest.mark.parametrize(
        ("change", "code", "message"),
        [
            (
                {"templateName": "missing"},
                "ResourceNotFoundException",
                "Environment template not found: missing",
            ),
            ({"templateMinorVersion": "7"}, "ResourceNotFoundException", "version not found"),
            (
                {"templateMajorVersion": "9"},
                "ValidationException",
                "no published version under major version 9",
            ),
            ({"protonServiceRoleArn": None}, "ValidationException", "needs protonServiceRoleArn"),
            (
                {"protonServiceRoleArn": "arn:aws:iam::999999999999:role/r"},
                "ValidationException",
                f"protonServiceRoleArn must be a role in account {ACCOUNT}",
            ),
            ({"spec": spec(title="NEWS")}, "ValidationException", "spec.title"),
            ({"spec": spec(tilte="x")}, "ValidationException", "tilte"),
            ({"spec": "{"}, "ValidationException", "spec"),
            ({"tags": [{"key": "aws:x", "value": ""}]}, "ValidationException", "reserved"),
            ({"name": "-x"}, "ValidationException", "Value '-x' at 'name' failed to satisfy constraint"),
        ],
    )
    def test_a_wrong_request_is_refused(
        self, proton: Any, template: str, change: dict[str, Any], code: str, message: str
    ) -> None:
        name = change.get("name", unique("refused"))

        with refused(code, message):
            create(proton, template, **{"name": name, **change})
        if name.startswith("refused"):
            with refused("ResourceNotFoundException", f"Environment not found: {name}"):
                proton.get_environment(name=name)


class TestGetAndList:
    def test_a_missing_environment_is_not_found(self, proton: Any) -> None:
        with refused("ResourceNotFoundException", "Environment not found: missing"):
            proton.get_environment(name="missing")

    def test_an_environment_of_another_account_or_region_is_not_found(
        self, proton_server: LocalServer, environment: dict[str, Any]
    ) -> None:
        for client in (
            proton_server.client("proton", account="222222222222"),
            proton_server.client("proton", region="eu-west-1"),
        ):
            with refused("ResourceNotFoundException", f"Environment not found: {environment['name']}"):
                client.get_environment(name=environment["name"])

    def test_listing_pages_through_all_in_order(self, proton_server: LocalServer, tmp_path: Path) -> None:
        account = "444444444444"
        publish_folder(
            bundle(tmp_path / "b", template=None, schema=OUTPUTS_SCHEMA),
            "own",
            session=proton_server.session(account),
            customer_managed=True,
        )
        client = proton_server.client("proton", account)
        role = f"arn:aws:iam::{account}:role/r"
        for name in ("c", "a", "b"):
            create(client, "own", name=name, spec=spec(vpc="v"), protonServiceRoleArn=role)

        pages = client.get_paginator("list_environments").paginate(PaginationConfig={"PageSize": 2})
        names = [[environment["name"] for environment in page["environments"]] for page in pages]
        assert names == [["a", "b"], ["c"]]

    def test_the_list_can_be_of_certain_template_versions(self, proton: Any, versions: str) -> None:
        name = create(proton, versions, templateMajorVersion="2")["name"]

        def listed(major: str) -> list[str]:
            filters = [{"templateName": versions, "majorVersion": major}]
            return [e["name"] for e in proton.list_environments(environmentTemplates=filters)["environments"]]

        assert name in listed("2")
        assert name not in listed("1")

    def test_a_token_of_another_list_is_refused(
        self, proton: Any, environment: dict[str, Any], template: str
    ) -> None:
        create(proton, template)
        token = proton.list_environments(maxResults=1)["nextToken"]

        for wrong in ("Zm9v", "x" * 5):
            with refused("ValidationException", "nextToken"):
                proton.list_environments(nextToken=wrong)
        with refused("ValidationException", "nextToken"):
            filters = [{"templateName": "t", "majorVersion": "1"}]
            proton.list_environments(nextToken=token, environmentTemplates=filters)


class TestDelete:
    def test_a_deleted_environment_is_gone_with_its_stack_and_tags_but_not_its_history(
        self, proton: Any, template: str, proton_server: LocalServer
    ) -> None:
        record = ended(proton, create(proton, template, tags=[{"key": "k", "value": "v"}])["name"])
        (stack,) = proton.list_environment_provisioned_resources(environmentName=record["name"])[
            "provisionedResources"
        ]

        reply = proton.delete_environment(name=record["name"])["environment"]
        gone(proton, record["name"])

        assert reply["deploymentStatus"] == "DELETE_IN_PROGRESS"
        (found,) = proton_server.client("cloudformation").describe_stacks(StackName=stack["identifier"])[
            "Stacks"
        ]
        assert found["StackStatus"] == "DELETE_COMPLETE"
        with refused("ResourceNotFoundException", record["arn"]):
            proton.list_tags_for_resource(resourceArn=record["arn"])
        history = proton.list_deployments(environmentName=record["name"])["deployments"]
        assert [deployment["deploymentStatus"] for deployment in history] == ["DELETE_COMPLETE", "SUCCEEDED"]

    def test_deleting_a_missing_environment_succeeds_with_nothing_to_show(self, proton: Any) -> None:
        assert "environment" not in proton.delete_environment(name="missing")

    def test_the_name_can_be_used_again(self, proton: Any, template: str) -> None:
        name = ended(proton, create(proton, template)["name"])["name"]
        proton.delete_environment(name=name)
        gone(proton, name)

        again = create(proton, template, name=name, description="again")
        assert ended(proton, again["name"])["deploymentStatus"] == "SUCCEEDED"
        newest = proton.list_deployments(environmentName=name)["deployments"][0]
        assert newest["targetResourceCreatedAt"] == again["createdAt"]


class TestOutputsAndResources:
    def test_outputs_can_be_those_of_an_earlier_deployment(self, proton: Any, template: str) -> None:
        first = ended(proton, create(proton, template, spec=spec(title="one"))["name"])
        proton.update_environment(
            name=first["name"], deploymentType="CURRENT_VERSION", spec=spec(title="two")
        )
        ended(proton, first["name"])

        def title(**of: str) -> list[str]:
            outputs = proton.list_environment_outputs(environmentName=first["name"], **of)["outputs"]
            return [output["valueString"] for output in outputs if output["key"] == "Title"]

        assert title() == ["two"]
        assert title(deploymentId=first["lastSucceededDeploymentId"]) == ["one"]

    def test_the_deployment_of_another_environment_is_not_found(
        self, proton: Any, template: str, environment: dict[str, Any]
    ) -> None:
        other = ended(proton, create(proton, template)["name"])

        with refused("ResourceNotFoundException", "has no deployment"):
            proton.list_environment_outputs(
                environmentName=environment["name"], deploymentId=other["lastAttemptedDeploymentId"]
            )

    @pytest.mark.parametrize(
        "operation", ["list_environment_outputs", "list_environment_provisioned_resources"]
    )
    def test_a_missing_environment_is_not_found(self, proton: Any, operation: str) -> None:
        with refused("ResourceNotFoundException", "Environment not found: missing"):
            getattr(proton, operation)(environmentName="missing")


def test_a_customer_managed_environment_succeeds_at_once_and_its_spec_is_its_outputs(
    proton: Any, published_template: Callable[..., str], tmp_path: Path
) -> None:
    template = published_template(
        bundle(tmp_path / "b", template=None, schema=OUTPUTS_SCHEMA), customer_managed=True
    )

    record = ended(proton, create(proton, template, spec=spec(vpc="vpc-1"))["name"])

    assert (record["deploymentStatus"], record["provisioning"]) == ("SUCCEEDED", "CUSTOMER_MANAGED")
    outputs = proton.list_environment_outputs(environmentName=record["name"])["outputs"]
    assert outputs == [{"key": "vpc", "valueString": "vpc-1"}]
    assert (
        proton.list_environment_provisioned_resources(environmentName=record["name"])["provisionedResources"]
        == []
    )
    proton.delete_environment(name=record["name"])
    gone(proton, record["name"])
