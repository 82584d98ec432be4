"""What a deployment of a restored database does, by what AWS shows of it. The methods are called here.

The whole way, with a server that is restored, is in `test_restored_deployments.py`.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from proton_server.engine.evaluation import Evaluator
from proton_server.provisioning import Provisioner, State, Work
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.environment_stacks import stack_name
from proton_server.provisioning.cloudformation.provisioner import CloudFormation
from proton_server.provisioning.codebuild.provisioner import CodeBuild
from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG
from proton_server.provisioning.resumption import Change, later_change
from proton_templates.bundle import Bundle
from tests.fault_proxy import FaultProxy, refusal
from tests.names import role, unique
from tests.servers import LocalServer
from tests.waiting import eventually

WRITES = {"CreateStack", "UpdateStack", "DeleteStack", "StartBuild"}
OWN, BEFORE, AFTER = Change("d", 100), Change("c", 50), Change("e", 150)
BY_HAND = Change(None, 150)


@pytest.mark.parametrize(
    ("changes", "later"),
    [
        ([], None),
        ([BEFORE], None),
        ([OWN, BEFORE], None),
        ([AFTER, OWN, BEFORE], AFTER),
        ([BY_HAND, OWN], BY_HAND),
        # It never began, and was asked for at 60.
        ([AFTER, BEFORE], AFTER),
        ([Change("c", 59)], None),
        # A change between the request and its beginning was there when it began.
        ([OWN, Change("x", 80)], None),
        # The last of several is named.
        ([Change("f", 200), AFTER, OWN], Change("f", 200)),
    ],
)
def test_a_change_is_later_if_it_began_after_the_deployment_or_after_the_request_for_it(
    changes: list[Change], later: Change | None
) -> None:
    assert later_change(changes, "d", asked_at=60) == later


@pytest.fixture
def proxy(local_server: LocalServer) -> Iterator[FaultProxy]:
    # The local AWS imports a service at its first call: for longer than a server waits if all is busy.
    local_server.client("cloudformation").list_stacks()
    local_server.client("codebuild").list_projects()
    proxy = FaultProxy(local_server.url)
    yield proxy
    proxy.close()


@pytest.fixture
def work(evaluate: Evaluator) -> Work:
    """The creation of an environment of an account of its own, asked for just now."""
    account, name = str(uuid.uuid4().int)[:12], unique("env")
    arn = f"arn:aws:proton:us-east-1:{account}:environment/{name}"
    return Work(
        deployment_id=str(uuid.uuid4()),
        created_at=time.time(),
        account_id=account,
        region="us-east-1",
        role=role(account),
        environment={
            "arn": arn,
            "name": name,
            "createdAt": 1.0,
        },
        template_version=("1", "0"),
        read_inputs=dict,
        render=lambda _what, function, *arguments: function(*arguments, {}),
        tags={ENVIRONMENT_TAG: arn},
        notified={},
        read_bundle=lambda: Bundle("", {}, "cloudformation", {"t.yaml": TEMPLATE}, template_file="t.yaml"),
        evaluate=partial(evaluate, account),
        will_provision=lambda: None,
    )


TEMPLATE = b"Resources: {T: {Type: AWS::SNS::Topic}}\n"


def following(work: Work) -> Work:
    """The next deployment of the environment."""
    succeeded = dict(work.environment) | {"lastSucceededDeploymentId": work.deployment_id}
    return dataclasses.replace(
        work, deployment_id=str(uuid.uuid4()), created_at=time.time(), environment=succeeded
    )


def end(method: Provisioner, work: Work) -> None:
    """Makes a deployment, and waits for its end."""
    assert method.start(work).state is State.RUNNING
    eventually(lambda: method.observe(work).state is State.SUCCEEDED)


class TestCloudFormation:
    @pytest.fixture
    def method(self, proxy: FaultProxy) -> CloudFormation:
        return CloudFormation(Aws(proxy.url))

    def test_a_creation_that_never_began_begins_once(
        self, method: CloudFormation, work: Work, proxy: FaultProxy
    ) -> None:
        assert method.resume(work).state is State.RUNNING
        eventually(lambda: method.resume(work).state is State.SUCCEEDED)
        assert proxy.calls.count("CreateStack") == 1

    def test_one_that_may_have_been_deleted_fails_where_the_role_may_not_list_stacks(
        self, method: CloudFormation, work: Work, proxy: FaultProxy
    ) -> None:
        denied = refusal(403, "AccessDenied")
        proxy.before = lambda action: denied if action == "ListStacks" else None

        progress = method.resume(work)

        assert progress.state is State.FAILED
        assert "Whether AWS created anything for it, and deleted that since, cannot be found out." in (
            progress.message
        )
        assert WRITES.isdisjoint(proxy.calls)

    def test_one_whose_stacks_cannot_be_listed_now_waits(
        self, method: CloudFormation, work: Work, proxy: FaultProxy
    ) -> None:
        throttled = refusal(400, "Throttling")
        proxy.before = lambda action: throttled if action == "ListStacks" else None

        assert method.resume(work).state is State.OUT_OF_REACH

    def test_an_update_whose_stack_is_gone_fails(
        self, method: CloudFormation, work: Work, proxy: FaultProxy
    ) -> None:
        progress = method.resume(following(work))

        assert progress.state is State.FAILED
        assert "What the environment had in AWS no longer exists." in progress.message
        assert WRITES.isdisjoint(proxy.calls)

    def test_a_creation_goes_on_where_an_earlier_stack_of_the_environment_failed_and_was_deleted(
        self, method: CloudFormation, work: Work, proxy: FaultProxy, local_server: LocalServer
    ) -> None:
        cloudformation = local_server.client("cloudformation", work.account_id)
        text = "Resources: {T: {Type: AWS::SNS::Topic, Properties: {TopicName: '!'}}}"
        tags = [{"Key": key, "Value": value} for key, value in work.tags.items()]
        cloudformation.create_stack(StackName=stack_name(work), TemplateBody=text, Tags=tags)
        eventually(lambda: status(cloudformation, work) == "ROLLBACK_COMPLETE")
        work = dataclasses.replace(work, created_at=time.time())

        eventually(lambda: method.resume(work).state is State.RUNNING)

        eventually(lambda: method.resume(work).state is State.SUCCEEDED)
        assert proxy.calls.count("CreateStack") == 1

    def test_a_removal_whose_stack_is_gone_is_done(self, method: CloudFormation, work: Work) -> None:
        assert method.resume_removal(following(work)).state is State.SUCCEEDED

    def test_a_removal_goes_on(self, method: CloudFormation, work: Work, proxy: FaultProxy) -> None:
        end(method, work)
        removal = following(work)

        assert method.resume_removal(removal).state is State.RUNNING
        eventually(lambda: method.resume_removal(removal).state is State.SUCCEEDED)
        assert proxy.calls.count("DeleteStack") == 1


def status(cloudformation: Any, work: Work) -> str:
    found: str = cloudformation.describe_stacks(StackName=stack_name(work))["Stacks"][0]["StackStatus"]
    return found


class TestCodeBuild:
    BUILT = Bundle("", {}, "codebuild", {}, settings={"provision": ["true"], "deprovision": ["true"]})

    @pytest.fixture
    def method(self, proxy: FaultProxy) -> CodeBuild:
        return CodeBuild(Aws(proxy.url))

    @pytest.fixture
    def work(self, work: Work) -> Work:
        return dataclasses.replace(work, read_bundle=lambda: self.BUILT)

    def test_a_build_that_ended_since_is_found_and_not_started_again(
        self, method: CodeBuild, work: Work, proxy: FaultProxy
    ) -> None:
        end(method, work)

        assert method.resume(work).state is State.RUNNING
        assert method.observe(work).state is State.SUCCEEDED
        assert proxy.calls.count("StartBuild") == 1

    @pytest.mark.parametrize("began", [True, False])
    def test_one_after_which_another_build_ran_fails_and_starts_none(
        self, method: CodeBuild, work: Work, proxy: FaultProxy, *, began: bool
    ) -> None:
        end(method, work)
        update = following(work)
        if began:
            end(method, update)
        end(method, following(work))
        proxy.heal()

        for verb in (method.resume, method.resume_removal):
            progress = verb(update)
            assert progress.state is State.FAILED
            assert "Another change began later, at 20" in progress.message
        assert WRITES.isdisjoint(proxy.calls)

    def test_an_update_that_never_began_begins(
        self, method: CodeBuild, work: Work, proxy: FaultProxy
    ) -> None:
        end(method, work)

        assert method.resume(following(work)).state is State.RUNNING
        assert proxy.calls.count("StartBuild") == 2

    def test_what_has_no_project_fails_and_a_removal_is_done(
        self, method: CodeBuild, work: Work, proxy: FaultProxy
    ) -> None:
        for deployment, message in (
            (work, "cannot be found out."),
            (following(work), "What the environment had in AWS no longer exists."),
        ):
            progress = method.resume(deployment)
            assert progress.state is State.FAILED
            assert message in progress.message
        assert method.resume_removal(following(work)).state is State.SUCCEEDED
        assert WRITES.isdisjoint(proxy.calls)
