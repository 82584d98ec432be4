"""What a verb does when AWS accepted its call and the answer was lost, or when AWS cannot be asked at all.

The method is called here, without a server around it; between it and the local AWS is a proxy.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from proton_server.engine.evaluation import Evaluator
from proton_server.provisioning import Provisioner, State, Work
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.cloudformation.provisioner import CloudFormation
from proton_server.provisioning.codebuild.provisioner import CodeBuild
from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG
from proton_templates.bundle import Bundle
from tests.fault_proxy import Answer, CutOff, FaultProxy, json_refusal, refusal
from tests.names import ACCOUNT, SERVICE_ROLE, unique
from tests.server.builds import project_of
from tests.server.environments import stack_status
from tests.servers import LocalServer, ServedBesideAws
from tests.waiting import eventually


@pytest.fixture
def proxy(local_server: LocalServer) -> Iterator[FaultProxy]:
    proxy = FaultProxy(local_server.url)
    yield proxy
    proxy.close()


@pytest.fixture
def work(evaluate: Evaluator) -> Work:
    name = unique("env")
    arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/{name}"
    return Work(
        deployment_id=str(uuid.uuid4()),
        account_id=ACCOUNT,
        region="us-east-1",
        environment={
            "arn": arn,
            "name": name,
            "createdAt": 1.0,
        },
        role=SERVICE_ROLE,
        read_inputs=dict,
        render=lambda _what, function, *arguments: function(*arguments, {}),
        tags={ENVIRONMENT_TAG: arn},
        template_version=("1", "0"),
        notified={},
        read_bundle=lambda: template("one"),
        evaluate=partial(evaluate, ACCOUNT),
        will_provision=lambda: None,
    )


def template(title: str) -> Bundle:
    text = f"Resources: {{T: {{Type: AWS::SNS::Topic}}}}\nOutputs: {{Title: {{Value: {title}}}}}\n"
    return Bundle("", {}, "cloudformation", {"t.yaml": text.encode()}, template_file="t.yaml")


def unique_account() -> str:
    return str(uuid.uuid4().int)[:12]


def following(work: Work, title: str) -> Work:
    return dataclasses.replace(work, deployment_id=str(uuid.uuid4()), read_bundle=lambda: template(title))


def at(wanted: str, answer: Answer | None = None) -> Callable[[str], Answer | None]:
    """A hook that answers an action so, or cuts the connection at its first call."""
    met: list[str] = []

    def hook(action: str) -> Answer | None:
        if action != wanted or (answer is None and met):
            return None
        met.append(action)
        if answer is None:
            raise CutOff
        return answer

    return hook


def done(method: Provisioner, work: Work) -> dict[str, str]:
    """Waits for success, and returns the outputs."""
    eventually(lambda: method.observe(work).state is not State.RUNNING)
    progress = method.observe(work)
    assert progress.state is State.SUCCEEDED, progress
    return {output["key"]: output["valueString"] for output in progress.outputs}


EXISTS = refusal(400, "AlreadyExistsException", "Stack [x] already exists")
TOKEN_EXISTS = refusal(400, "TokenAlreadyExistsException", "A client request token already exists")
BUSY = refusal(400, "ValidationError", "Stack:x is in UPDATE_IN_PROGRESS state and can not be updated.")
NOTHING = refusal(400, "ValidationError", "No updates are to be performed.")


class TestCloudFormation:
    @pytest.mark.parametrize("repeated", [None, EXISTS, TOKEN_EXISTS])
    def test_a_stack_that_was_created_already_is_recognised_as_the_deployments_own(
        self, repeated: Answer | None, proxy: FaultProxy, work: Work
    ) -> None:
        method = CloudFormation(Aws(proxy.url))
        proxy.after = at("CreateStack", repeated)

        assert method.start(work).state is State.RUNNING
        assert done(method, work) == {"Title": "one"}

    @pytest.mark.parametrize("repeated", [None, BUSY, NOTHING, TOKEN_EXISTS])
    def test_an_update_that_was_begun_already_is_recognised_as_the_deployments_own(
        self, repeated: Answer | None, proxy: FaultProxy, work: Work
    ) -> None:
        method = CloudFormation(Aws(proxy.url))
        method.start(work)
        done(method, work)
        update = following(work, "two")
        proxy.after = at("UpdateStack", repeated)

        assert method.start(update).state is State.RUNNING
        assert done(method, update) == {"Title": "two"}

    def test_an_update_that_is_refused_fails_with_awss_words(self, proxy: FaultProxy, work: Work) -> None:
        method = CloudFormation(Aws(proxy.url))
        method.start(work)
        done(method, work)
        proxy.before = at("UpdateStack", BUSY)

        progress = method.start(following(work, "two"))

        assert (progress.state, "can not be updated" in progress.message) == (State.FAILED, True)

    @pytest.mark.parametrize("repeated", [None, TOKEN_EXISTS])
    def test_a_deletion_that_was_begun_already_is_recognised(
        self, repeated: Answer | None, proxy: FaultProxy, work: Work, local_server: LocalServer
    ) -> None:
        method = CloudFormation(Aws(proxy.url))
        method.start(work)
        done(method, work)
        removal = following(work, "")
        proxy.after = at("DeleteStack", repeated)

        assert method.remove(removal).state in (State.RUNNING, State.SUCCEEDED)
        eventually(lambda: method.observe_removal(removal).state is State.SUCCEEDED)
        assert stack_status(local_server, work.environment["name"]) is None

    def test_a_deletion_waits_for_an_update_of_the_stack_that_is_still_running(
        self, slow: ServedBesideAws, work: Work
    ) -> None:
        method = CloudFormation(Aws(slow.aws.url))
        method.start(work)
        done(method, work)
        assert method.start(following(work, "two")).state is State.RUNNING
        removal = following(work, "")

        progress = method.remove(removal)

        assert progress.state is State.PREPARING
        assert progress.message.startswith(
            "Waiting for the environment's CloudFormation stack, which is UPDATE_IN_PROGRESS since "
        )
        eventually(lambda: method.remove(removal).state is State.RUNNING)
        eventually(lambda: method.observe_removal(removal).state is State.SUCCEEDED)
        assert stack_status(slow.aws, work.environment["name"]) is None

    def test_a_creation_is_announced_before_it_is_sent_and_not_when_the_role_is_denied(
        self, proxy: FaultProxy, work: Work
    ) -> None:
        method, announced = CloudFormation(Aws(proxy.url)), []
        work = dataclasses.replace(work, will_provision=lambda: announced.append(list(proxy.calls)))
        proxy.before = at("AssumeRole", refusal(403, "AccessDenied", "not authorized"))

        progress = method.start(work)
        assert progress.state is State.FAILED
        assert "could not be assumed: not authorized" in progress.message
        assert announced == []

        proxy.heal()
        method.start(work)
        assert len(announced) == 1
        assert "CreateStack" not in announced[0]
        assert proxy.calls.count("CreateStack") == 1

    def test_a_creation_that_is_refused_has_made_nothing(self, proxy: FaultProxy, work: Work) -> None:
        proxy.before = at("CreateStack", refusal(400, "ValidationError", "Template error"))

        progress = CloudFormation(Aws(proxy.url)).start(work)

        assert (progress.state, progress.message) == (State.REFUSED, "Template error")


class TestCodeBuild:
    BUILT = Bundle("", {}, "codebuild", {}, settings={"provision": ["true"], "deprovision": []})

    @pytest.mark.parametrize(
        ("action", "repeated"),
        [
            ("PUT", None),
            ("CreateProject", None),
            ("CreateProject", json_refusal(400, "ResourceAlreadyExistsException")),
            ("StartBuild", None),
            ("StartBuild", json_refusal(400, "InvalidInputException")),
        ],
    )
    def test_what_was_done_already_is_not_done_again(
        self, action: str, repeated: Answer | None, proxy: FaultProxy, work: Work, local_server: LocalServer
    ) -> None:
        method, announced = CodeBuild(Aws(proxy.url)), []
        work = dataclasses.replace(
            work,
            read_bundle=lambda: self.BUILT,
            will_provision=lambda: announced.append(list(proxy.calls)),
        )
        proxy.after = at(action, repeated)

        assert method.start(work).state is State.RUNNING
        done(method, work)
        project = project_of(local_server, work.environment["name"])
        builds = local_server.client("codebuild").list_builds_for_project(projectName=project)
        assert len(builds["ids"]) == 1
        assert not {"PUT", "CreateProject"} & set(announced[0])

    @pytest.mark.parametrize("died_at", ["PUT", "HEAD"])
    def test_a_deletion_removes_the_source_of_a_project_that_was_never_made(
        self, died_at: str, proxy: FaultProxy, work: Work, local_server: LocalServer
    ) -> None:
        method = CodeBuild(Aws(proxy.url))
        work = dataclasses.replace(work, account_id=unique_account(), read_bundle=lambda: self.BUILT)
        if died_at == "PUT":  # between PutObject and CreateProject; else before there is a bucket
            proxy.before = at("CreateProject", json_refusal(500, "InternalFailure"))
        else:
            proxy.before = at("HEAD", Answer(500))
        assert method.start(work).state is State.OUT_OF_REACH
        proxy.heal()

        assert method.remove(following(work, "")).state is State.SUCCEEDED

        s3 = local_server.client("s3", account=work.account_id)
        found = [
            item["Key"]
            for bucket in s3.list_buckets()["Buckets"]
            for item in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
        ]
        assert found == []

    def test_a_deletion_succeeds_where_the_bucket_was_denied_from_the_first(
        self, proxy: FaultProxy, work: Work
    ) -> None:
        method = CodeBuild(Aws(proxy.url))
        work = dataclasses.replace(work, read_bundle=lambda: self.BUILT)
        denied = refusal(403, "AccessDenied")
        proxy.before = lambda action: denied if action in ("HEAD", "POST") else None
        assert method.start(work).state is State.FAILED

        assert method.remove(following(work, "")).state is State.SUCCEEDED


def client_error(code: str, status: int = 400, operation: str = "AssumeRole") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "hush"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoCredentialsError(), "the server has no AWS credentials."),
        (
            EndpointConnectionError(endpoint_url="https://sts.x.amazonaws.com/hush"),
            "sts.x.amazonaws.com cannot",
        ),
        (
            ReadTimeoutError(endpoint_url="https://b.s3.amazonaws.com/hush"),
            "b.s3.amazonaws.com cannot be reached",
        ),
        (CredentialRetrievalError(provider="p", error_msg="hush"), "do not work (CredentialRetrievalError)."),
        (
            client_error("ExpiredToken", 403),
            "the server's credentials (AssumeRole: ExpiredToken). Renew them",
        ),
        (client_error("InvalidClientTokenId", 403), "the server's credentials (AssumeRole: InvalidClient"),
        (client_error("SignatureDoesNotMatch", 403), "check the server's clock."),
        (
            client_error("InternalFailure", 500, "CreateStack"),
            "it answered CreateStack with InternalFailure.",
        ),
        (client_error("Throttling"), "it answered AssumeRole with Throttling."),
        (client_error("AccessDenied", 403), None),
        (client_error("ValidationError"), None),
        (ParamValidationError(report="x"), None),
    ],
)
def test_the_message_on_a_temporary_error_contains_no_secret(error: Any, sentence: str | None) -> None:
    message = temporary_error(error)

    assert (message is None) == (sentence is None)
    if message is not None:
        assert str(sentence) in message
        assert message.startswith("Waiting for AWS: ")
        assert "hush" not in message


def test_nothing_is_known_of_a_deployment_while_aws_is_out_of_reach(work: Work) -> None:
    method = CloudFormation(Aws("http://127.0.0.1:9"))

    for verb in (method.start, method.observe, method.cancel, method.remove, method.observe_removal):
        progress = verb(work)
        assert progress.state is State.OUT_OF_REACH
        assert progress.message == "Waiting for AWS: 127.0.0.1 cannot be reached (EndpointConnectionError)."


def test_what_no_call_can_carry_fails_at_once_and_without_its_values(
    local_server: LocalServer, work: Work
) -> None:
    wrong: Any = {"proton:environment": ["hush"]}

    progress = CloudFormation(Aws(local_server.url)).start(dataclasses.replace(work, tags=wrong))

    assert progress.state is State.FAILED
    assert "Invalid type for parameter Tags[0].Value" in progress.message
    assert "hush" not in progress.message
