"""Every status in which a stack can be left, and the way out of it through Proton's API: decision 0020.

A server of this module's own, on an AWS whose stacks go from resource to resource in a second, with a proxy
between the two for what only a real AWS can do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from proton_server.provisioning.cloudformation.status import BEFORE_AN_UPDATE, STATE_OF
from tests.bundles import bundle, schema_of, spec
from tests.fault_proxy import Answer, CutOff, FaultProxy, refusal
from tests.names import ACCOUNT, role, unique
from tests.server.environments import create, stack_of
from tests.servers import LocalServer, ServedBesideAws, botocore_session, publisher
from tests.waiting import ended, eventually, gone

TEMPLATE = """
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: {{ environment.inputs.seconds }} } }
{% if environment.inputs.bucket %}
  Bucket: {Type: AWS::S3::Bucket, DependsOn: Queue}
{% endif %}
{% if environment.inputs.bad %}
  Bad: {Type: AWS::S3::Bucket, DependsOn: Queue, Properties: {BucketName: "NO SUCH NAME"} }
{% endif %}
Outputs:
  Url: {Value: !Ref Queue}
"""
SCHEMA = schema_of(
    seconds={"type": "integer", "default": 30},
    bucket={"type": "boolean", "default": False},
    bad={"type": "boolean", "default": False},
)
BY_HAND = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


@dataclass
class Situation:
    """The servers, their clients, and an environment with its stack."""

    server: ServedBesideAws
    proxy: FaultProxy
    template: str
    name: str = ""

    def __post_init__(self) -> None:
        self.proton = self.server.client("proton")
        self.cloudformation = self.server.aws.client("cloudformation")
        self.sqs, self.s3 = self.server.aws.client("sqs"), self.server.aws.client("s3")

    def create(self, **inputs: Any) -> None:
        """Begins the creation of the environment."""
        # A role of its own: what was assumed for another is kept.
        made = create(
            self.proton,
            self.template,
            spec=spec(**inputs),
            protonServiceRoleArn=role(ACCOUNT, unique("role")),
        )
        self.name = made["name"]

    def created(self, **inputs: Any) -> None:
        self.create(**inputs)
        assert self.ended()["deploymentStatus"] == "SUCCEEDED"

    def update(self, deployment_type: str = "CURRENT_VERSION", **members: Any) -> None:
        self.proton.update_environment(name=self.name, deploymentType=deployment_type, **members)

    def updated(self, **inputs: Any) -> dict[str, Any]:
        """The environment after an update."""
        self.update(spec=spec(**inputs))
        return self.ended()

    def deleted(self) -> dict[str, Any]:
        """The environment after a deletion that fails."""
        self.proton.delete_environment(name=self.name)
        return self.ended()

    def goes(self) -> None:
        """The environment can be deleted."""
        self.proton.delete_environment(name=self.name)
        gone(self.proton, self.name)

    def ended(self) -> dict[str, Any]:
        return ended(self.proton, self.name)

    def message(self) -> str:
        found: str = self.proton.get_environment(name=self.name)["environment"].get(
            "deploymentStatusMessage", ""
        )
        return found

    def stack(self) -> dict[str, Any] | None:
        """The stack with the environment's name."""
        return stack_of(self.cloudformation, self.name)

    def status(self) -> str | None:
        stack = self.stack()
        return stack["StackStatus"] if stack else None

    def stack_name(self) -> str:
        stack = self.stack()
        assert stack is not None
        name: str = stack["StackName"]
        return name

    def reaches(self, status: str | None) -> None:
        eventually(lambda: self.status() == status, 30)

    def happens(self, resource: str, status: str) -> dict[str, Any]:
        """The event of a resource, as soon as it is there."""

        def event() -> dict[str, Any] | None:
            if self.stack() is None:
                return None
            for event in self.cloudformation.describe_stack_events(StackName=self.stack_name())[
                "StackEvents"
            ]:
                if (event["LogicalResourceId"], event["ResourceStatus"]) == (resource, status):
                    found: dict[str, Any] = event
                    return found
            return None

        happened: dict[str, Any] = eventually(event, 30)
        return happened

    def delete_by_hand(self) -> str:
        """Deletes the stack, and returns its name."""
        name = self.stack_name()
        self.cloudformation.delete_stack(StackName=name)
        self.reaches(None)
        return name


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    aws = LocalServer(tmp_path_factory.mktemp("aws"), ("--deploy-seconds", "1"))
    aws.start()
    yield aws
    aws.stop()


@pytest.fixture(scope="module")
def proxy(aws: LocalServer) -> Iterator[FaultProxy]:
    proxy = FaultProxy(aws.url)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def server(
    aws: LocalServer, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    server = ServedBesideAws(tmp_path_factory.mktemp("serve"), aws=aws, aws_url=proxy.url)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def template(server: ServedBesideAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = bundle(tmp_path_factory.mktemp("b") / "b", template=TEMPLATE, schema=SCHEMA)
    return publisher(server)(folder)


@pytest.fixture
def it(server: ServedBesideAws, proxy: FaultProxy, template: str) -> Iterator[Situation]:
    yield Situation(server, proxy, template)
    proxy.heal()


@pytest.fixture
def not_rolled_back(it: Situation) -> Situation:
    """An environment whose update failed, and its rollback too: its queue was deleted meanwhile."""
    it.created()
    (output,) = it.proton.list_environment_outputs(environmentName=it.name)["outputs"]
    it.update(spec=spec(seconds=60, bad=True))
    it.happens("Queue", "UPDATE_COMPLETE")
    it.sqs.delete_queue(QueueUrl=output["valueString"])
    it.ended()
    assert it.status() == "UPDATE_ROLLBACK_FAILED"
    return it


def queue_again(it: Situation) -> None:
    """Makes the queue again that was deleted by hand."""
    url: str = it.happens("Queue", "CREATE_COMPLETE")["PhysicalResourceId"]
    it.sqs.create_queue(QueueName=url.rpartition("/")[2])


def test_every_status_of_a_stack_has_a_measure() -> None:
    model = botocore_session().get_service_model("cloudformation").shape_for("StackStatus")

    assert set(BEFORE_AN_UPDATE) == set(STATE_OF) == set(model.enum) - {"DELETE_COMPLETE"}


class TestRollbackFailed:
    def test_the_next_update_continues_it_and_says_what_is_in_the_way(
        self, not_rolled_back: Situation
    ) -> None:
        it = not_rolled_back
        assert "It could not be rolled back either: Queue: " in it.message()
        assert "Bad: " in it.message()

        record = it.updated(seconds=90)
        command = f"--stack-name {it.stack_name()} --resources-to-skip Queue`"
        assert record["deploymentStatus"] == "FAILED"
        assert "An earlier update has to be rolled back first, and could not be: Queue: " in it.message()
        assert command in it.message()

        queue_again(it)
        record = it.updated(seconds=90)
        assert (record["deploymentStatus"], it.message()) == ("SUCCEEDED", "")
        assert it.status() == "UPDATE_COMPLETE"

    def test_it_can_be_deleted(self, not_rolled_back: Situation) -> None:
        not_rolled_back.goes()
        assert not_rolled_back.stack() is None

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_server_that_dies_at_its_continuation_continues_it_once(
        self, moment: str, not_rolled_back: Situation
    ) -> None:
        it = not_rolled_back
        queue_again(it)

        def kill(action: str) -> Answer | None:
            if action == "ContinueUpdateRollback" and it.server.process is not None:
                it.server.kill()
                raise CutOff
            return None

        setattr(it.proxy, moment, kill)
        it.update(spec=spec(seconds=90))
        eventually(lambda: it.server.process is None)
        it.proxy.heal()
        it.server.start()

        assert it.ended()["deploymentStatus"] == "SUCCEEDED"
        assert it.proxy.calls.count("ContinueUpdateRollback") == (1 if moment == "before" else 0)


def test_what_a_creation_left_that_was_not_rolled_back_is_deleted_and_created_anew(it: Situation) -> None:
    it.create(bucket=True, bad=True)
    bucket = it.happens("Bucket", "CREATE_COMPLETE")["PhysicalResourceId"]
    it.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert it.ended()["deploymentStatus"] == "FAILED"
    assert it.status() == "ROLLBACK_FAILED"

    record = it.updated(bucket=True)
    assert record["deploymentStatus"] == "FAILED"
    assert (
        "has to be deleted before it is created anew. CloudFormation could not delete Bucket: "
        in it.message()
    )
    assert "--retain-resources Bucket` first." in it.message()

    it.s3.delete_object(Bucket=bucket, Key="k")
    assert it.updated(bucket=True)["deploymentStatus"] == "SUCCEEDED"


def test_a_stack_that_cannot_be_deleted_says_why_and_is_deleted_or_created_anew_later(it: Situation) -> None:
    it.created(bucket=True)
    bucket = it.happens("Bucket", "CREATE_COMPLETE")["PhysicalResourceId"]
    it.s3.put_object(Bucket=bucket, Key="k", Body=b"")

    assert it.deleted()["deploymentStatus"] == "DELETE_FAILED"
    assert "CloudFormation could not delete Bucket: " in it.message()
    assert "as at the deletion before" not in it.message()
    assert it.deleted()["deploymentStatus"] == "DELETE_FAILED"
    assert "It is the same as at the deletion before." in it.message()
    assert f"--stack-name {it.stack_name()} --retain-resources Bucket` first." in it.message()

    it.s3.delete_object(Bucket=bucket, Key="k")
    record = it.updated(bucket=True)
    assert record["deploymentStatus"] == "SUCCEEDED"
    assert "stack had been deleted: it was created anew" in it.message()
    it.goes()


def test_an_update_that_somebody_left_failed_is_rolled_back_first(it: Situation) -> None:
    it.created()
    broken = it.cloudformation.get_template(StackName=it.stack_name())["TemplateBody"]
    broken = broken.replace("Outputs:", "  T: {Type: AWS::EC2::VPC, Properties: {CidrBlock: no}}\nOutputs:")
    it.cloudformation.update_stack(StackName=it.stack_name(), TemplateBody=broken, DisableRollback=True)
    it.reaches("UPDATE_FAILED")

    assert it.updated(seconds=60)["deploymentStatus"] == "SUCCEEDED"
    assert it.message() == ""


class TestDeletedByHand:
    def test_the_next_update_creates_it_anew_and_says_so(self, it: Situation) -> None:
        it.created()
        it.delete_by_hand()

        assert it.updated()["deploymentStatus"] == "SUCCEEDED"
        assert it.message().startswith("The environment's CloudFormation stack had been deleted: it was")
        assert it.updated(seconds=60)["deploymentStatus"] == "SUCCEEDED"
        assert it.message() == ""

    def test_the_environment_can_be_deleted(self, it: Situation) -> None:
        it.created()
        it.delete_by_hand()
        it.goes()

    @pytest.mark.parametrize("way_out", ["update", "delete"])
    def test_a_change_set_that_nobody_executed_is_not_in_the_way(self, it: Situation, way_out: str) -> None:
        it.created()
        change = {"StackName": it.delete_by_hand(), "ChangeSetName": "c", "ChangeSetType": "CREATE"}
        it.cloudformation.create_change_set(**change, TemplateBody=BY_HAND)
        assert it.status() == "REVIEW_IN_PROGRESS"

        if way_out == "update":
            assert it.updated()["deploymentStatus"] == "SUCCEEDED"
        it.goes()
        assert it.stack() is None

    def test_a_stack_that_somebody_created_in_its_place_is_left_alone(self, it: Situation) -> None:
        it.created()
        name = it.delete_by_hand()
        it.cloudformation.create_stack(StackName=name, TemplateBody=BY_HAND)
        it.reaches("CREATE_COMPLETE")

        assert it.updated()["deploymentStatus"] == "FAILED"
        assert it.message().startswith(f"The stack {name} is not the environment's:")
        it.goes()
        assert it.status() == "CREATE_COMPLETE"
        it.cloudformation.delete_stack(StackName=name)

    def test_what_somebody_created_for_the_environment_and_left_failed_is_created_anew(
        self, it: Situation
    ) -> None:
        it.created()
        tags = it.stack()["Tags"]  # type: ignore[index]
        broken = "Resources: {T: {Type: AWS::EC2::VPC, Properties: {CidrBlock: no}}}"
        by_hand = {"TemplateBody": broken, "Tags": tags, "DisableRollback": True}
        it.cloudformation.create_stack(StackName=it.delete_by_hand(), **by_hand)
        it.reaches("CREATE_FAILED")

        assert it.updated()["deploymentStatus"] == "SUCCEEDED"


class TestSomebodyElsesUpdate:
    @pytest.fixture
    def busy(self, it: Situation) -> Situation:
        it.created()
        body = it.cloudformation.get_template(StackName=it.stack_name())["TemplateBody"]
        changed = body.replace("VisibilityTimeout: 30", "VisibilityTimeout: 45")
        by_hand = {"TemplateBody": changed, "ClientRequestToken": f"Console-{it.name}"}
        it.cloudformation.update_stack(StackName=it.stack_name(), **by_hand)
        return it

    @staticmethod
    def hold(it: Situation) -> None:
        """Shows the stack in progress until the proxy is healed."""
        it.proxy.rewrite = lambda action, body: (
            body.replace(b"UPDATE_COMPLETE<", b"UPDATE_IN_PROGRESS<") if action == "DescribeStacks" else body
        )

    def test_an_update_waits_for_it_and_says_for_whose(self, busy: Situation) -> None:
        self.hold(busy)
        busy.update(spec=spec(seconds=60))
        eventually(lambda: f"begun with the client token Console-{busy.name}. Updating: " in busy.message())
        assert busy.message().startswith(
            "Waiting for the environment's CloudFormation stack, which is UPDATE_IN_PROGRESS since "
        )

        busy.proxy.heal()
        assert busy.ended()["deploymentStatus"] == "SUCCEEDED"
        assert busy.message() == ""

    def test_a_deletion_waits_for_it(self, busy: Situation) -> None:
        busy.goes()
        assert busy.stack() is None

    def test_an_update_that_waits_is_cancelled_at_once(self, busy: Situation) -> None:
        self.hold(busy)
        busy.update(spec=spec(seconds=60))
        eventually(lambda: "Waiting for" in busy.message())
        busy.proton.cancel_environment_deployment(environmentName=busy.name)

        record = busy.ended()
        assert record["deploymentStatus"] == "CANCELLED"
        assert busy.message() == "User initiated cancellation."

    def test_an_update_that_somebody_forestalled_waits_too(self, it: Situation) -> None:
        it.created()
        forestalled: list[str] = []

        def forestall(action: str) -> Answer | None:
            if action == "UpdateStack" and not forestalled:
                forestalled.append(action)
                body = it.cloudformation.get_template(StackName=it.stack_name())["TemplateBody"]
                changed = body.replace("VisibilityTimeout: 30", "VisibilityTimeout: 45")
                it.cloudformation.update_stack(StackName=it.stack_name(), TemplateBody=changed)
            return None

        it.proxy.before = forestall
        assert it.updated(seconds=60)["deploymentStatus"] == "SUCCEEDED"
        assert it.proxy.calls.count("UpdateStack") >= 2


class TestImports:
    """Only a real AWS imports resources: the status alone is AWS's."""

    @staticmethod
    def show(it: Situation, status: str) -> None:
        it.proxy.rewrite = lambda action, body: (
            body.replace(b"<StackStatus>CREATE_COMPLETE<", f"<StackStatus>{status}<".encode())
            if action == "DescribeStacks"
            else body
        )

    @pytest.mark.parametrize("status", ["IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])
    def test_an_update_follows_one_that_has_ended(self, it: Situation, status: str) -> None:
        it.created()
        self.show(it, status)
        assert it.updated(seconds=60)["deploymentStatus"] == "SUCCEEDED"

    @pytest.mark.parametrize("status", ["IMPORT_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"])
    def test_an_update_waits_for_one_in_progress(self, it: Situation, status: str) -> None:
        it.created()
        self.show(it, status)
        it.update(spec=spec(seconds=60))
        eventually(lambda: f"which is {status}" in it.message())
        it.proxy.heal()
        assert it.ended()["deploymentStatus"] == "SUCCEEDED"

    def test_one_that_was_not_rolled_back_needs_a_person_or_a_deletion(self, it: Situation) -> None:
        it.created()
        self.show(it, "IMPORT_ROLLBACK_FAILED")
        assert it.updated(seconds=60)["deploymentStatus"] == "FAILED"
        assert f"The stack {it.stack_name()} is IMPORT_ROLLBACK_FAILED" in it.message()
        it.goes()


def test_a_protected_stack_is_not_deleted_and_the_way_out_is_said(it: Situation) -> None:
    it.created()
    name = it.stack_name()
    it.cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=True)

    assert it.deleted()["deploymentStatus"] == "DELETE_FAILED"
    assert it.message() == (
        f"The stack {name} has termination protection, which somebody enabled on it. To delete it, run `aws "
        f"cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name}"
        "`, and then repeat what was asked for."
    )
    it.cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    it.goes()


def test_a_stack_policy_that_denies_an_update_is_named_and_is_not_in_the_way_of_the_next(
    it: Situation,
) -> None:
    it.created()
    everything = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    policy = {"Statement": [everything | {"Effect": "Deny"}]}
    it.cloudformation.set_stack_policy(StackName=it.stack_name(), StackPolicyBody=json.dumps(policy))

    assert it.updated(seconds=60)["deploymentStatus"] == "FAILED"
    assert "Queue: Action denied by stack policy: Statement [#1] does not allow" in it.message()
    policy = {"Statement": [everything]}
    it.cloudformation.set_stack_policy(StackName=it.stack_name(), StackPolicyBody=json.dumps(policy))
    assert it.updated(seconds=60)["deploymentStatus"] == "SUCCEEDED"


@pytest.mark.parametrize("way_out", ["update", "delete"])
def test_an_environment_whose_role_is_gone_gets_another_one(it: Situation, way_out: str) -> None:
    it.created()
    lost, other = (role(ACCOUNT, unique(name)) for name in ("lost", "other"))
    it.proxy.before = lambda action: (
        refusal(403, "AccessDenied", "denied") if action == "AssumeRole" else None
    )
    it.update("NONE", protonServiceRoleArn=lost)

    record = it.updated(seconds=60) if way_out == "update" else it.deleted()
    assert record["deploymentStatus"] == ("FAILED" if way_out == "update" else "DELETE_FAILED")
    assert it.message() == (
        f"The Proton service role {lost} could not be assumed: denied. Let this server assume it, or give "
        "UpdateEnvironment another protonServiceRoleArn (deploymentType NONE deploys nothing); then repeat "
        "what was asked for."
    )
    it.proxy.heal()
    it.update("NONE", protonServiceRoleArn=other)
    if way_out == "update":
        assert it.updated(seconds=60)["deploymentStatus"] == "SUCCEEDED"
    it.goes()


class TestProgress:
    def test_the_message_tells_what_cloudformation_is_at_and_goes_with_the_deployment(
        self, it: Situation
    ) -> None:
        it.create()
        eventually(lambda: it.message().startswith("Creating"))
        deployment = it.proton.list_deployments(environmentName=it.name)["deployments"][0]["id"]
        shown = it.proton.get_deployment(id=deployment)["deployment"]["deploymentStatusMessage"]
        assert shown.startswith("Creating")

        assert it.ended()["deploymentStatus"] == "SUCCEEDED"
        assert it.message() == ""

    def test_a_role_that_may_not_see_events_deploys_all_the_same(self, it: Situation) -> None:
        denied = refusal(403, "AccessDenied", "denied")
        it.proxy.before = lambda action: denied if action == "DescribeStackEvents" else None
        it.create()
        eventually(lambda: it.message() == "Creating.")
        assert it.ended()["deploymentStatus"] == "SUCCEEDED"

    def test_a_rollback_says_first_why(self, it: Situation) -> None:
        it.created()
        it.update(spec=spec(seconds=60, bad=True))
        eventually(lambda: re.match("Rolling back.*Bad", it.message()))
        assert it.ended()["deploymentStatus"] == "FAILED"
        assert "Rolling back" not in it.message()
