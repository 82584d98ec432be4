"""AdoptEnvironment: stacks that AWS Proton left behind become environments; CloudFormation is only read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from botocore.loaders import Loader

from proton_server.api.wire import MODELS
from proton_server.cli.publish import publish_folder
from proton_server.persistence.tables import environments
from tests.bundles import (
    CODEBUILD_MANIFEST,
    SCHEMA,
    TEMPLATE,
    bundle,
    schema_of,
    spec,
    terraform_bundle,
)
from tests.fault_proxy import FaultProxy, refusal
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, SERVICE_ROLE, role, unique
from tests.refusals import refused
from tests.server.accounts import Accounts
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.stacks_left_behind import leave_behind, rendered, tags_of
from tests.waiting import ended, eventually, gone

READS = {"AssumeRole", "DescribeStacks", "GetTemplate"}


@pytest.fixture(scope="module")
def proxy(local_server: LocalServer) -> Iterator[FaultProxy]:
    """Between the server and CloudFormation: it has the calls that the server made."""
    proxy = FaultProxy(local_server.url)
    yield proxy
    proxy.close()


@pytest.fixture(autouse=True)
def _healed(proxy: FaultProxy) -> Iterator[None]:
    proxy.heal()
    yield
    proxy.heal()


@pytest.fixture(scope="module")
def server(
    local_server: LocalServer, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    folder = tmp_path_factory.mktemp("adopting")
    server = ServedBesideAws(folder, aws=local_server, aws_url=proxy.url)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def publish(server: ServedBesideAws) -> Callable[..., str]:
    return publisher(server)


@pytest.fixture(scope="module")
def proton(server: ServedBesideAws) -> Any:
    return server.client("proton")


@pytest.fixture(scope="module")
def cloudformation(server: ServedBesideAws) -> Any:
    return server.client("cloudformation")


@pytest.fixture(scope="module")
def template(publish: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small template, with one published version 1.0."""
    return publish(bundle(tmp_path_factory.mktemp("b") / "b"))


@pytest.fixture
def adopt(server: ServedBesideAws) -> Callable[..., dict[str, Any]]:
    """AdoptEnvironment with what is not under test filled in; returns `adoption`."""
    client = server.client("proton-server")

    def call(name: str, stack: str, *, client: Any = client, **more: Any) -> dict[str, Any]:
        request = {"protonServiceRoleArn": SERVICE_ROLE, **more}
        given = {member: value for member, value in request.items() if value is not None}
        adoption: dict[str, Any] = client.adopt_environment(environmentName=name, stackId=stack, **given)[
            "adoption"
        ]
        return adoption

    return call


@pytest.fixture
def left(cloudformation: Any, template: str) -> tuple[str, str]:
    """The name of an environment with the title "sport", and the stack that AWS Proton left of it."""
    name = unique("left")
    text = rendered(name, title="sport")
    return name, leave_behind(cloudformation, name, text, tags_of(name, template))


def described(cloudformation: Any, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return found


class TestAnAdoption:
    def test_a_dry_run_recovers_the_spec_and_records_nothing(
        self, adopt: Any, left: tuple[str, str], template: str, proton: Any, proxy: FaultProxy
    ) -> None:
        name, stack = left

        adoption = adopt(name, stack, dryRun=True)

        assert adoption["outcome"] == "recovered"
        assert adoption["stackId"] == stack
        assert adoption["stackStatus"] == "CREATE_COMPLETE"
        assert adoption["environmentArn"] == f"arn:aws:proton:{REGION}:{ACCOUNT}:environment/{name}"
        version = {"templateName": template, "templateMajorVersion": "1", "templateMinorVersion": "0"}
        assert version.items() <= adoption.items()
        assert adoption["comparisons"] == [{**version, "agreement": "text"}]
        assert yaml.safe_load(adoption["spec"])["spec"] == {"title": "sport", "fifo": False}
        assert adoption["inputsWithoutTrace"] == ["fifo"]
        assert adoption["warnings"] == []
        assert set(proxy.calls) <= READS
        with refused("ResourceNotFoundException", f"Environment not found: {name}"):
            proton.get_environment(name=name)

    def test_the_environment_is_recorded_with_outputs_and_a_deployment_and_nothing_is_written(
        self, adopt: Any, left: tuple[str, str], template: str, proton: Any, cloudformation: Any, proxy: Any
    ) -> None:
        name, stack = left
        tags = [{"key": "team", "value": "net"}]

        adoption = adopt(name, stack, description="of AWS", tags=tags)

        assert {"DescribeStacks", "GetTemplate"} <= set(proxy.calls) <= READS
        assert adoption["outcome"] == "adopted"
        live = described(cloudformation, stack)
        environment = proton.get_environment(name=name)["environment"]
        assert environment["arn"] == adoption["environmentArn"]
        assert environment["deploymentStatus"] == "SUCCEEDED"
        assert environment["createdAt"].timestamp() == round(live["CreationTime"].timestamp(), 3)
        assert environment["description"] == "of AWS"
        assert environment["protonServiceRoleArn"] == SERVICE_ROLE
        assert environment["spec"] == adoption["spec"]
        assert (environment["templateName"], environment["templateMajorVersion"]) == (template, "1")
        assert "provisioning" not in environment
        listed = proton.list_tags_for_resource(resourceArn=environment["arn"])["tags"]
        assert tags[0] in listed
        outputs = {output["OutputKey"]: output["OutputValue"] for output in live["Outputs"]}
        shown = proton.list_environment_outputs(environmentName=name)["outputs"]
        assert {output["key"]: output["valueString"] for output in shown} == outputs
        assert proton.list_environment_provisioned_resources(environmentName=name)[
            "provisionedResources"
        ] == [
            {
                "name": live["StackName"],
                "identifier": stack,
                "provisioningEngine": "CLOUDFORMATION",
            }
        ]
        (deployment,) = proton.list_deployments(environmentName=name)["deployments"]
        assert deployment["id"] == adoption["deploymentId"] == environment["lastSucceededDeploymentId"]
        assert deployment["deploymentStatus"] == "SUCCEEDED"
        whole = proton.get_deployment(id=deployment["id"])["deployment"]
        assert whole["targetState"]["environment"]["spec"] == adoption["spec"]

    def test_a_repetition_answers_the_same(self, adopt: Any, left: tuple[str, str]) -> None:
        name, stack = left
        first = adopt(name, stack)

        again = adopt(name, stack)

        assert again["outcome"] == "adopted"
        assert again["deploymentId"] == first["deploymentId"]
        assert again["spec"] == first["spec"]

    def test_a_given_spec_is_compared_by_rendering(
        self, adopt: Any, left: tuple[str, str], proton: Any
    ) -> None:
        name, stack = left

        wrong = adopt(name, stack, spec=spec(title="news"), dryRun=True)
        unfit = adopt(name, stack, spec=spec(title=7), dryRun=True)
        adopted = adopt(name, stack, spec=spec(title="sport", fifo=True))

        assert (wrong["outcome"], unfit["outcome"]) == ("differs", "differs")
        assert "sport" in wrong["reason"]
        assert "spec.title: must be a string" in unfit["reason"]
        assert adopted["outcome"] == "adopted"
        assert proton.get_environment(name=name)["environment"]["spec"] == spec(title="sport", fifo=True)

    def test_without_tags_all_templates_are_compared_and_the_stack_may_be_named_in_any_way(
        self, adopt: Any, cloudformation: Any, publish: Any, tmp_path: Path
    ) -> None:
        name = unique("untagged_and_long")
        mine = publish(bundle(tmp_path / "mine", template=f"# only mine\n{TEMPLATE}"))
        text = rendered(name, f"# only mine\n{TEMPLATE}")
        stack = leave_behind(cloudformation, name, text, {})

        adoption = adopt(name, stack, dryRun=True)
        by_name = adopt(name, described(cloudformation, stack)["StackName"], dryRun=True)

        assert (adoption["outcome"], adoption["templateName"]) == ("recovered", mine)
        assert len(adoption["comparisons"]) > 1
        assert by_name == adoption

    def test_a_stack_that_neither_a_tag_nor_its_name_ascribes_is_adopted_with_a_warning(
        self, adopt: Any, cloudformation: Any, template: str
    ) -> None:
        name = unique("plain")
        stack = leave_behind(cloudformation, name, rendered(name), {}, stack_name=unique("own"))

        adoption = adopt(name, stack, templateName=template)

        assert adoption["outcome"] == "adopted"
        assert "Neither a tag nor the stack's name" in adoption["warnings"][0]

    def test_the_text_of_a_template_in_json_is_compared_as_it_was_written(
        self, adopt: Any, cloudformation: Any, publish: Any, tmp_path: Path, proton: Any
    ) -> None:
        document = yaml.safe_load(TEMPLATE.replace("!Ref Topic", "{Ref: Topic}"))
        text = json.dumps(document, indent=4)
        name, published = unique("json"), publish(bundle(tmp_path / "json", template=text))
        stack = leave_behind(cloudformation, name, rendered(name, text), tags_of(name, published))

        adoption = adopt(name, stack)

        assert adoption["comparisons"][0]["agreement"] == "text"
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"

    def test_a_text_that_is_the_same_document_is_adopted_and_stays(
        self, adopt: Any, cloudformation: Any, template: str, proton: Any
    ) -> None:
        name = unique("dos")
        text = rendered(name, title="sport").replace("\n", "\r\n") + "\r\n"
        stack = leave_behind(cloudformation, name, text, tags_of(name, template, account="999999999999"))
        before = described(cloudformation, stack)

        adoption = adopt(name, stack)
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")

        assert (adoption["outcome"], adoption["comparisons"][0]["agreement"]) == ("adopted", "document")
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert described(cloudformation, stack) == before

    def test_a_connection_gives_the_role_and_the_account(
        self, adopt: Any, server: ServedBesideAws, template: str, proton: Any, proxy: FaultProxy
    ) -> None:
        there = server.client("cloudformation", ENVIRONMENT_ACCOUNT)
        accounts = Accounts(proton, server.client("proton", ENVIRONMENT_ACCOUNT), None)
        name = unique("far")
        stack = leave_behind(there, name, rendered(name), tags_of(name, template))
        connection = accounts.connect(name)

        adoption = adopt(name, stack, protonServiceRoleArn=None, environmentAccountConnectionId=connection)

        assert adoption["outcome"] == "adopted"
        assert proton.get_environment(name=name)["environment"]["environmentAccountId"] == ENVIRONMENT_ACCOUNT
        assert set(proxy.calls) <= READS
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="sport"))
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert described(there, stack)["StackStatus"] == "UPDATE_COMPLETE"


class TestAfterwards:
    def test_an_unchanged_spec_changes_nothing_not_even_the_tags(
        self, adopt: Any, left: tuple[str, str], proton: Any, cloudformation: Any, proxy: FaultProxy
    ) -> None:
        name, stack = left
        adopt(name, stack)
        before = described(cloudformation, stack)

        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")

        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert proxy.calls.count("UpdateStack") == 1
        assert described(cloudformation, stack) == before

    def test_a_changed_input_updates_the_same_stack_with_the_servers_tags(
        self, adopt: Any, cloudformation: Any, template: str, proton: Any
    ) -> None:
        name = unique("left")
        old = tags_of(name, template, account="999999999999") | {"cost-centre": "7"}
        stack = leave_behind(cloudformation, name, rendered(name, title="sport"), old)
        adoption = adopt(name, stack)

        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="arts"))

        assert len(adoption["warnings"]) == 3
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        live = described(cloudformation, stack)
        assert live["StackStatus"] == "UPDATE_COMPLETE"
        tags = {tag["Key"]: tag["Value"] for tag in live["Tags"]}
        assert tags == tags_of(name, template) | {"cost-centre": "7"}
        outputs = proton.list_environment_outputs(environmentName=name)["outputs"]
        assert {"key": "Title", "valueString": "arts"} in outputs
        names = [
            item["StackName"]
            for item in cloudformation.get_paginator("describe_stacks").paginate().search("Stacks[]")
            if item["StackName"].startswith(f"AWSProton-{name[:15]}")
        ]
        assert names == [live["StackName"]]

    def test_a_deletion_deletes_the_stack(
        self, adopt: Any, left: tuple[str, str], proton: Any, cloudformation: Any
    ) -> None:
        name, stack = left
        adopt(name, stack)

        proton.delete_environment(name=name)

        gone(proton, name)
        assert described(cloudformation, stack)["StackStatus"] == "DELETE_COMPLETE"

    def test_an_update_can_be_cancelled(self, slow: ServedBesideAws, slow_template: str, adopt: Any) -> None:
        cloudformation, proton = slow.client("cloudformation"), slow.client("proton")
        name = unique("slow")
        stack = leave_behind(cloudformation, name, rendered(name), tags_of(name, slow_template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        adopt(name, stack, client=slow.client("proton-server"))
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="arts"))

        proton.cancel_environment_deployment(environmentName=name)

        assert ended(proton, name)["deploymentStatus"] == "CANCELLED"
        assert described(cloudformation, stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert proton.get_environment(name=name)["environment"]["spec"] != spec(title="arts")

    def test_once_the_stack_is_gone_a_deployment_creates_one_as_for_every_environment(
        self, adopt: Any, left: tuple[str, str], proton: Any, cloudformation: Any
    ) -> None:
        name, stack = left
        adopt(name, stack)
        cloudformation.delete_stack(StackName=stack)

        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")

        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        (resource,) = proton.list_environment_provisioned_resources(environmentName=name)[
            "provisionedResources"
        ]
        assert resource["identifier"] != stack
        proton.delete_environment(name=name)
        gone(proton, name)
        assert described(cloudformation, resource["identifier"])["StackStatus"] == "DELETE_COMPLETE"


class TestSeveralVersions:
    def test_versions_that_render_the_same_are_ambiguous_until_one_is_named(
        self, adopt: Any, cloudformation: Any, publish: Any, tmp_path: Path
    ) -> None:
        published = publish(bundle(tmp_path / "one"))
        more = SCHEMA + "        more: {type: string, default: none}\n"
        publish(bundle(tmp_path / "two", schema=more), name=published, major_version="1")
        publish(bundle(tmp_path / "three", template=f"# 2.0\n{TEMPLATE}"), name=published)
        name = unique("twice")
        stack = leave_behind(cloudformation, name, rendered(name), tags_of(name, published))

        adoption = adopt(name, stack, dryRun=True)
        named = {"templateName": published, "templateMajorVersion": "1", "templateMinorVersion": "0"}
        chosen = adopt(name, stack, dryRun=True, **named)

        assert adoption["outcome"] == "ambiguous"
        assert f"{published} 1.1, {published} 1.0" in adoption["reason"]
        assert [item["agreement"] for item in adoption["comparisons"]] == ["none", "text", "text"]
        assert "spec" not in adoption
        assert (chosen["outcome"], chosen["templateMinorVersion"]) == ("recovered", "0")
        with refused("ConflictException", f"Stack {adoption['stackName']} cannot be adopted. Several"):
            adopt(name, stack)

    def test_a_template_that_was_edited_by_hand_differs_and_the_line_is_named(
        self, adopt: Any, cloudformation: Any, template: str
    ) -> None:
        name = unique("edited")
        text = (
            rendered(name).replace("AWS::SNS::Topic", "AWS::SQS::Queue").replace("DisplayName", "QueueName")
        )
        stack = leave_behind(
            cloudformation, name, text.replace(f"news of {name}", name), tags_of(name, template)
        )

        adoption = adopt(name, stack, dryRun=True)

        assert adoption["outcome"] == "differs"
        assert adoption["comparisons"][0]["agreement"] == "none"
        assert "line 4" in adoption["comparisons"][0]["difference"]
        why = f"No version renders as its template for environment {name}: {template} 1.0 (line 4"
        assert why in adoption["reason"]
        with refused("ConflictException", "cannot be adopted. No version renders as its template"):
            adopt(name, stack)

    @pytest.mark.parametrize(
        ("shown", "required", "reason"),
        [
            (
                "{{ environment.inputs.a }}{{ environment.inputs.b }}",
                [],
                "specs, which differ in a, b: give the",
            ),
            ("{{ environment.inputs.a }}", ["b"], "which does not show the required b: give a spec."),
        ],
    )
    def test_a_spec_that_is_not_certain_is_ambiguous_until_it_is_given(
        self,
        shown: str,
        required: list[str],
        reason: str,
        adopt: Any,
        cloudformation: Any,
        publish: Any,
        tmp_path: Path,
        proton: Any,
    ) -> None:
        schema = yaml.safe_load(schema_of(a={"type": "string"}, b={"type": "string"}))
        schema["schema"]["types"]["Inputs"]["required"] = required
        source = f'Resources: {{T: {{Type: "AWS::SNS::Topic", Properties: {{DisplayName: "{shown}"}}}}}}\n'
        published = publish(bundle(tmp_path / "b", template=source, schema=yaml.safe_dump(schema)))
        name = unique("unsure")
        text = rendered(name, source, a="left", b="right")
        stack = leave_behind(cloudformation, name, text, tags_of(name, published))

        adoption = adopt(name, stack, dryRun=True)

        assert (adoption["outcome"], adoption["templateName"]) == ("ambiguous", published)
        assert reason in adoption["reason"]
        with refused("ConflictException", "cannot be adopted. ", reason):
            adopt(name, stack)
        given = spec(a="left", b="right")
        assert adopt(name, stack, spec=given)["outcome"] == "adopted"
        assert proton.get_environment(name=name)["environment"]["spec"] == given

    def test_a_template_that_has_no_such_version_is_refused(
        self, adopt: Any, left: tuple[str, str], template: str
    ) -> None:
        with refused("ValidationException", f"Environment template {template} has no such version"):
            adopt(*left, templateName=template, templateMajorVersion="7")
        with refused("ResourceNotFoundException", "Environment template not found: nothing"):
            adopt(*left, templateName="nothing")
        with refused("ValidationException", "A templateMinorVersion needs a templateMajorVersion"):
            adopt(*left, templateName=template, templateMinorVersion="0")

    def test_an_account_without_a_template_is_told_to_publish(
        self, adopt: Any, left: tuple[str, str], server: ServedBesideAws
    ) -> None:
        stranger = server.client("proton-server", ENVIRONMENT_ACCOUNT)
        with refused("ValidationException", "This account has no such version", "publish it first"):
            adopt(*left, client=stranger, protonServiceRoleArn=role(ENVIRONMENT_ACCOUNT))

    @pytest.mark.parametrize("method", ["CodeBuild provisioning", "self-managed provisioning"])
    def test_templates_whose_environments_have_no_stack_are_refused(
        self, method: str, adopt: Any, left: tuple[str, str], publish: Any, tmp_path: Path
    ) -> None:
        folder = (
            bundle(tmp_path / "c", manifest=CODEBUILD_MANIFEST)
            if method.startswith("CodeBuild")
            else terraform_bundle(tmp_path / "t")
        )
        published = publish(folder)
        with refused("ValidationException", f"{published} uses {method}, whose environments have no stack"):
            adopt(*left, templateName=published)


class TestWhatCannotBeAdopted:
    def impossible(self, adopt: Any, name: str, stack: str, reason: str, *more: str) -> None:
        adoption = adopt(name, stack, dryRun=True)
        assert (adoption["outcome"], adoption["comparisons"]) == ("impossible", [])
        assert all(part in adoption["reason"] for part in (reason, *more)), adoption["reason"]
        with refused("ConflictException", f"Stack {adoption['stackName']} cannot be adopted. ", reason):
            adopt(name, stack)

    def test_the_stack_of_a_service(self, adopt: Any, cloudformation: Any, template: str) -> None:
        name = unique("left")
        tags = tags_of(name, template) | {"proton:service": "arn:aws:proton:us-east-1:1:service/web"}
        stack = leave_behind(cloudformation, name, rendered(name), tags)
        self.impossible(adopt, name, stack, "It is of a service or component, as its tag proton:service says")

    def test_the_stack_of_a_codebuild_project(self, adopt: Any, cloudformation: Any, template: str) -> None:
        name = unique("left")
        stack = leave_behind(
            cloudformation, name, rendered(name), {}, stack_name=unique("AWSProton-Codebuild")
        )
        self.impossible(
            adopt, name, stack, "It has the project of CodeBuild provisioning", "Create the environment"
        )

    def test_an_environment_that_is_called_codebuild_is_none(
        self, adopt: Any, cloudformation: Any, template: str
    ) -> None:
        name = unique("CodeBuild")
        stack = leave_behind(cloudformation, name, rendered(name), tags_of(name, template))
        assert adopt(name, stack)["outcome"] == "adopted"

    @pytest.mark.parametrize("tag", ["other", f"arn:aws:proton:{REGION}:{ACCOUNT}:environment/other"])
    def test_the_stack_of_another_environment(
        self, tag: str, adopt: Any, cloudformation: Any, template: str
    ) -> None:
        name = unique("left")
        tags = tags_of(name, template) | {"proton:environment": tag}
        stack = leave_behind(cloudformation, name, rendered(name), tags)
        self.impossible(
            adopt, name, stack, f"Its tag proton:environment names environment other, not {name}."
        )

    def test_a_nested_stack(self, adopt: Any, server: ServedBesideAws, cloudformation: Any) -> None:
        name = unique("left")
        s3 = server.client("s3")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="inner.yaml", Body=rendered(name).encode())
        url = f"https://{name}.s3.amazonaws.com/inner.yaml"
        outer = {
            "Resources": {"In": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}
        }
        parent = cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(outer))["StackId"]
        (inner,) = cloudformation.describe_stack_resources(StackName=parent)["StackResources"]
        self.impossible(
            adopt, name, inner["PhysicalResourceId"], f"It is nested in the stack {parent}: adopt that one."
        )

    def test_a_stack_whose_creation_failed(self, adopt: Any, cloudformation: Any, template: str) -> None:
        name = unique("left")
        broken = TEMPLATE.replace("DisplayName:", "TopicName: 'no name'\n      DisplayName:")
        stack = leave_behind(cloudformation, name, rendered(name, broken), tags_of(name, template))
        assert described(cloudformation, stack)["StackStatus"] == "ROLLBACK_COMPLETE"
        self.impossible(
            adopt, name, stack, "It is ROLLBACK_COMPLETE: its creation failed", "create the environment"
        )

    def test_a_stack_that_is_in_progress(self, slow: ServedBesideAws, slow_template: str, adopt: Any) -> None:
        name = unique("left")
        stack = leave_behind(
            slow.client("cloudformation"), name, rendered(name), tags_of(name, slow_template)
        )
        adoption = adopt(name, stack, client=slow.client("proton-server"), dryRun=True)
        assert adoption["outcome"] == "impossible"
        assert adoption["reason"] == (
            "It is CREATE_IN_PROGRESS: it is not at rest. Adopt it when that has ended."
        )

    def test_a_stack_that_is_deleted(self, adopt: Any, left: tuple[str, str], cloudformation: Any) -> None:
        name, stack = left
        cloudformation.delete_stack(StackName=stack)
        self.impossible(adopt, name, stack, "It is DELETE_COMPLETE: it can only be deleted.")

    def test_a_stack_that_does_not_exist(self, adopt: Any, template: str) -> None:
        with refused("ResourceNotFoundException", f"Stack not found: nowhere in account {ACCOUNT}"):
            adopt("nowhere", "nowhere")

    def test_an_environment_that_exists(
        self, adopt: Any, left: tuple[str, str], template: str, proton: Any, cloudformation: Any
    ) -> None:
        name, stack = left
        made = create(proton, template)["name"]
        with refused("ConflictException", f"Environment {made} already exists."):
            adopt(made, stack)
        adopt(name, stack)
        other = leave_behind(cloudformation, name, rendered(name), tags_of(name, template))
        with refused("ConflictException", f"Environment {name} already exists."):
            adopt(name, other)

    def test_the_stack_of_an_environment_of_this_server(
        self, adopt: Any, template: str, proton: Any, cloudformation: Any
    ) -> None:
        made = ended(proton, create(proton, template)["name"])["name"]
        (resource,) = proton.list_environment_provisioned_resources(environmentName=made)[
            "provisionedResources"
        ]
        with refused("ConflictException", f"belongs to environment {made} of this server."):
            adopt(unique("thief"), resource["identifier"])

    def test_the_stack_of_an_environment_that_was_adopted(
        self, adopt: Any, cloudformation: Any, template: str
    ) -> None:
        name = unique("left")
        stack = leave_behind(cloudformation, name, rendered(name), {})
        adopt(name, stack, templateName=template)
        with refused("ConflictException", f"belongs to environment {name} of this server."):
            adopt(unique("thief"), stack, templateName=template)

    def test_the_stack_of_another_accounts_environment(
        self, adopt: Any, server: ServedBesideAws, template: str, proton: Any, tmp_path: Path
    ) -> None:
        accounts = Accounts(proton, server.client("proton", ENVIRONMENT_ACCOUNT), None)
        name = unique("far")
        there = server.client("cloudformation", ENVIRONMENT_ACCOUNT)
        stack = leave_behind(there, name, rendered(name), {})
        adopt(
            name,
            stack,
            templateName=template,
            protonServiceRoleArn=None,
            environmentAccountConnectionId=accounts.connect(name),
        )
        publish_folder(bundle(tmp_path / "b"), "own", session=server.session(ENVIRONMENT_ACCOUNT))
        thief = server.client("proton-server", ENVIRONMENT_ACCOUNT)
        with refused("ConflictException", "belongs to environment of another account of this server."):
            adopt(unique("thief"), stack, client=thief, protonServiceRoleArn=role(ENVIRONMENT_ACCOUNT))


def test_it_is_the_same_on_postgresql(
    new_postgresql: str, local_server: LocalServer, cloudformation: Any, adopt: Any, tmp_path: Path
) -> None:
    server = ServedBesideAws(tmp_path, aws=local_server, database_url=new_postgresql)
    server.start()
    try:
        proton, client = server.client("proton"), server.client("proton-server")
        published = publisher(server)(bundle(tmp_path / "b"))
        name = unique("left")
        stack = leave_behind(cloudformation, name, rendered(name), {})
        assert adopt(name, stack, client=client)["outcome"] == "adopted"
        with refused("ConflictException", f"belongs to environment {name} of this server."):
            adopt(unique("thief"), stack, client=client)
        made = ended(proton, create(proton, published)["name"])["name"]
        (resource,) = proton.list_environment_provisioned_resources(environmentName=made)[
            "provisionedResources"
        ]
        with refused("ConflictException", f"belongs to environment {made} of this server."):
            adopt(unique("thief"), resource["identifier"], client=client)
        before = described(cloudformation, stack)
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert described(cloudformation, stack) == before
    finally:
        server.stop()


def test_of_two_accounts_that_adopt_one_stack_at_the_same_instant_one_is_refused(
    new_postgresql: str, local_server: LocalServer, cloudformation: Any, adopt: Any, tmp_path: Path
) -> None:
    server = ServedBesideAws(tmp_path, aws=local_server, database_url=new_postgresql)
    server.start()
    try:
        publisher(server)(bundle(tmp_path / "b"))
        client, name = server.client("proton-server"), unique("left")
        stack = leave_behind(cloudformation, name, rendered(name), {})
        engine = sa.create_engine(new_postgresql)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'"
        with ThreadPoolExecutor() as thread, engine.connect() as rival, engine.connect() as watching:
            # What the other account's transaction has written and not yet committed.
            row = {"account_id": ENVIRONMENT_ACCOUNT, "region": REGION, "name": "rival", "record": {}}
            rival.execute(sa.insert(environments), row | {"adopted_stack_id": stack})
            late = thread.submit(adopt, name, stack, client=client)
            eventually(lambda: watching.exec_driver_sql(waiting).scalar(), seconds=30)
            rival.commit()
            with refused("ConflictException", "belongs to environment of another account of this server."):
                late.result()
        engine.dispose()
    finally:
        server.stop()


class TestRoles:
    def test_a_role_of_another_account_is_refused_before_anything_is_read(
        self, adopt: Any, left: tuple[str, str], proxy: FaultProxy
    ) -> None:
        with refused("ValidationException", f"protonServiceRoleArn must be a role in account {ACCOUNT}."):
            adopt(*left, protonServiceRoleArn=role(ENVIRONMENT_ACCOUNT))
        assert "AssumeRole" not in proxy.calls

    def test_a_role_or_a_connection_is_needed(self, adopt: Any, left: tuple[str, str]) -> None:
        with refused("ValidationException", "needs protonServiceRoleArn or environmentAccountConnectionId"):
            adopt(*left, protonServiceRoleArn=None)

    def test_a_role_that_cannot_be_assumed_and_one_that_may_not_read(
        self, adopt: Any, left: tuple[str, str], proxy: FaultProxy
    ) -> None:
        fresh = role(ACCOUNT, unique("role"))
        proxy.before = lambda action: refusal(403, "AccessDenied") if action == "AssumeRole" else None
        with refused("ValidationException", f"The Proton service role {fresh} could not be assumed: no"):
            adopt(*left, protonServiceRoleArn=fresh)
        proxy.before = lambda action: refusal(403, "AccessDenied") if action == "GetTemplate" else None
        with refused("ValidationException", f"{SERVICE_ROLE} cannot read the stack {left[1]}: no"):
            adopt(*left)

    def test_an_aws_that_cannot_be_reached_can_be_tried_again(
        self, adopt: Any, left: tuple[str, str], proxy: FaultProxy
    ) -> None:
        proxy.before = lambda action: refusal(503, "Unavailable") if action == "DescribeStacks" else None
        with refused("InternalServerException", "it answered DescribeStacks with Unavailable. Try again."):
            adopt(*left)
        proxy.heal()
        assert adopt(*left)["outcome"] == "adopted"


class TestTheWire:
    def test_its_shapes_are_protons_where_they_have_the_same_name(self) -> None:
        loader = Loader([str(MODELS)])
        protons, ours = (
            loader.load_service_model(name, "service-2")["shapes"] for name in ("proton", "proton-server")
        )
        plain = {
            name: {key: value for key, value in shape.items() if key not in ("members", "documentation")}
            for name, shape in ours.items()
            if name in protons and shape["type"] not in ("structure", "list")
        }
        assert {"SpecContents", "RoleArn", "ResourceName", "TemplateVersionPart"} <= plain.keys()
        assert plain == {name: protons[name] for name in plain}

    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ({"stackId": "s"}, "Value null at 'environmentName'"),
            ({"environmentName": "e"}, "Value null at 'stackId'"),
            ({"environmentName": "-e", "stackId": "s"}, "at 'environmentName' failed to satisfy constraint"),
            ({"environmentName": "e", "stackId": "a/b"}, "at 'stackId' failed to satisfy constraint"),
            ({"environmentName": "e", "stackId": "s", "dryRun": "no"}, "must be of type boolean"),
            ({"environmentName": "e", "stackId": "s", "spec": 1}, "Value at 'spec' failed"),
            ({"environmentName": "e", "stackId": "s", "outputs": []}, "Member is not known"),
        ],
    )
    def test_its_members_are_checked_as_protons_are(
        self, members: dict[str, Any], message: str, server: ServedBesideAws
    ) -> None:
        client = server.client("proton-server")
        client.meta.events.register(
            "before-call.proton-server.AdoptEnvironment",
            lambda params, **_: params.update(body=json.dumps(members).encode()),
        )
        with refused("ValidationException", message):
            client.adopt_environment()

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            ("AwsProton20200720.AdoptEnvironment", "AWS Proton has no operation 'AdoptEnvironment'."),
            ("ProtonServer20261128.GetEnvironment", "proton-server has no operation 'GetEnvironment'."),
            ("ProtonServer20261128", "proton-server has no operation ''."),
        ],
    )
    def test_it_is_neither_protons_nor_are_protons_operations_its_own(
        self, target: str, message: str, server: ServedBesideAws
    ) -> None:
        client = server.client("proton-server")
        client.meta.events.register(
            "before-call.proton-server.AdoptEnvironment",
            lambda params, **_: params["headers"].update({"X-Amz-Target": target}),
        )
        with refused("UnknownOperationException", message):
            client.adopt_environment()

    def test_no_member_of_a_request_is_in_the_log(
        self, adopt: Any, left: tuple[str, str], server: ServedBesideAws
    ) -> None:
        adopt(*left, spec=spec(title="sport"), description="confidential")
        log = server.log.read_text()
        assert "AdoptEnvironment" in log
        assert all(word not in log for word in ("confidential", "sport", left[1]))
