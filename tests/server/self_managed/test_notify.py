"""NotifyResourceDeploymentStatusChange over HTTP: what it does to a deployment, and each refusal.

The environments here are self-managed or built by CodeBuild, whose own tests are in their own files.
"""

from __future__ import annotations

import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.bundles import bundle, spec
from tests.names import ACCOUNT, unique
from tests.refusals import refused
from tests.server.environments import create
from tests.waiting import ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import LocalServer

ENVIRONMENT_ACCOUNT, THIRD = "222222222222", "333333333333"
BUILT = """
infrastructure:
  templates:
    - rendering_engine: codebuild
      settings: {image: "aws/codebuild/standard:7.0", provision: [sleep 2], deprovision: ["true"]}
"""


def output(key: str, value: str) -> dict[str, str]:
    return {"key": key, "valueString": value}


@pytest.fixture(scope="module")
def repository(proton: Any, proton_server: LocalServer) -> dict[str, str]:
    """A linked repository with a first commit, for `provisioningRepository`."""
    name = f"acme/{unique('notified')}"
    place = proton_server.folder / "proton-git" / f"{name}.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", place], check=True)
    first = "commit refs/heads/main\ncommitter A <a@localhost> 1 +0000\ndata 0\n"
    subprocess.run(["git", "--git-dir", place, "fast-import", "--quiet"], check=True, input=first.encode())
    link = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1"
    proton.create_repository(provider="GITHUB", name=name, connectionArn=link)
    return {"provider": "GITHUB", "name": name, "branch": "main"}


@pytest.fixture
def environment(proton: Any, terraform_template: str, repository: dict[str, str]) -> dict[str, Any]:
    """An environment whose first deployment waits for the automation."""
    return create(proton, terraform_template, protonServiceRoleArn=None, provisioningRepository=repository)


@pytest.fixture
def notify(proton: Any, environment: dict[str, Any]) -> Callable[..., None]:
    """Notifies of the environment, from its own account."""

    def notify(**said: Any) -> None:
        proton.notify_resource_deployment_status_change(resourceArn=environment["arn"], **said)

    return notify


@pytest.fixture
def outputs(proton: Any, environment: dict[str, Any]) -> Callable[..., list[dict[str, str]]]:
    """The environment's outputs."""

    def outputs(**of: str) -> list[dict[str, str]]:
        answer = proton.list_environment_outputs(environmentName=environment["name"], **of)
        listed: list[dict[str, str]] = answer["outputs"]
        return listed

    return outputs


class TestWhileADeploymentIsInProgress:
    def test_success_ends_it_with_the_outputs(
        self,
        proton: Any,
        environment: dict[str, Any],
        notify: Callable[..., None],
        outputs: Callable[..., list[dict[str, str]]],
    ) -> None:
        notify(
            status="SUCCEEDED",
            outputs=[output("Url", "https://a.example")],
            deploymentId=environment["lastAttemptedDeploymentId"],
        )

        assert ended(proton, environment["name"])["deploymentStatus"] == "SUCCEEDED"
        assert outputs() == [output("Url", "https://a.example")]

    def test_failure_ends_it_with_the_message(
        self, proton: Any, environment: dict[str, Any], notify: Callable[..., None]
    ) -> None:
        notify(status="FAILED", statusMessage="terraform apply: no quota")

        record = ended(proton, environment["name"])
        assert record["deploymentStatus"] == "FAILED"
        assert record["deploymentStatusMessage"] == "terraform apply: no quota"

    def test_what_is_said_later_replaces_what_it_names_and_keeps_the_rest(
        self,
        proton: Any,
        environment: dict[str, Any],
        notify: Callable[..., None],
        outputs: Callable[..., list[dict[str, str]]],
    ) -> None:
        notify(outputs=[output("Url", "first")])
        notify(status="IN_PROGRESS", outputs=[output("Url", "second"), output("Id", "1")])
        notify(status="SUCCEEDED")

        assert ended(proton, environment["name"])["deploymentStatus"] == "SUCCEEDED"
        assert outputs() == [output("Url", "second"), output("Id", "1")]

    def test_progress_alone_ends_nothing(
        self, proton: Any, environment: dict[str, Any], notify: Callable[..., None]
    ) -> None:
        notify(status="IN_PROGRESS")

        record = proton.get_environment(name=environment["name"])["environment"]
        assert record["deploymentStatus"] == "IN_PROGRESS"

    def test_of_another_deployment_is_refused(
        self, environment: dict[str, Any], notify: Callable[..., None]
    ) -> None:
        other = str(uuid.uuid4())

        with refused("ConflictException", f"is {environment['lastAttemptedDeploymentId']}, not {other}"):
            notify(status="SUCCEEDED", deploymentId=other)


class TestAfterADeploymentSucceeded:
    @pytest.fixture(autouse=True)
    def succeeded(self, proton: Any, environment: dict[str, Any], notify: Callable[..., None]) -> str:
        notify(status="SUCCEEDED", outputs=[output("Url", "first")])
        deployment_id: str = ended(proton, environment["name"])["lastSucceededDeploymentId"]
        return deployment_id

    @pytest.mark.parametrize("named", [True, False])
    def test_outputs_may_be_replaced(
        self,
        named: bool,
        succeeded: str,
        notify: Callable[..., None],
        outputs: Callable[..., list[dict[str, str]]],
    ) -> None:
        notify(outputs=[output("Url", "second")], **({"deploymentId": succeeded} if named else {}))

        assert outputs() == outputs(deploymentId=succeeded) == [output("Url", "second")]

    def test_a_repetition_by_name_of_what_ended_it_is_welcome(
        self, succeeded: str, notify: Callable[..., None], outputs: Callable[..., list[dict[str, str]]]
    ) -> None:
        notify(status="SUCCEEDED", deploymentId=succeeded, outputs=[output("Url", "first")])

        assert outputs() == [output("Url", "first")]

    @pytest.mark.parametrize("status", ["IN_PROGRESS", "FAILED", "SUCCEEDED"])
    def test_a_status_is_refused(self, status: str, notify: Callable[..., None]) -> None:
        with refused("ConflictException", "is SUCCEEDED and has no deployment in progress"):
            notify(status=status)

    def test_another_status_for_it_is_refused(self, succeeded: str, notify: Callable[..., None]) -> None:
        with refused("ConflictException", "is SUCCEEDED and has no deployment in progress"):
            notify(status="FAILED", deploymentId=succeeded)

    def test_outputs_of_another_deployment_are_refused(
        self, succeeded: str, notify: Callable[..., None]
    ) -> None:
        other = str(uuid.uuid4())

        with refused("ConflictException", f"is {succeeded}, not {other}"):
            notify(outputs=[output("Url", "second")], deploymentId=other)


def test_outputs_of_a_deployment_that_failed_are_refused(
    proton: Any, environment: dict[str, Any], notify: Callable[..., None]
) -> None:
    notify(status="FAILED")
    ended(proton, environment["name"])

    with refused("ConflictException", "is FAILED and has no deployment in progress"):
        notify(outputs=[output("Url", "first")])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "Give status, outputs or both."),
        ({"statusMessage": "well"}, "Give status, outputs or both."),
        ({"outputs": [output("a", "1"), output("a", "2")]}, "Each output key may be given only once"),
        ({"outputs": [{"key": "a"}]}, "Each output needs a key and a valueString"),
    ],
)
def test_a_notification_that_says_nothing_or_nonsense_is_refused(
    said: dict[str, Any], sentence: str, notify: Callable[..., None]
) -> None:
    with refused("ValidationException", sentence):
        notify(**said)


def test_an_environment_that_cloudformation_provisions_takes_none(
    proton: Any, published_template: Callable[..., str], tmp_path: Any
) -> None:
    record = create(proton, published_template(bundle(tmp_path / "bundle")))

    with refused(
        "ValidationException",
        f"Environment {record['name']} uses AWS-managed provisioning, whose status and outputs cannot be "
        "notified.",
    ):
        proton.notify_resource_deployment_status_change(resourceArn=record["arn"], status="SUCCEEDED")


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/no-such-environment",
        f"arn:aws:proton:us-east-1:{THIRD}:environment/no-such-environment",
        f"arn:aws:proton:us-east-1:{ACCOUNT}:service/shop/service-instance/prod",
        f"arn:aws:proton:eu-west-1:{ACCOUNT}:environment/no-such-environment",
    ],
)
def test_what_is_no_environment_here_is_not_found(arn: str, proton: Any) -> None:
    with refused("ResourceNotFoundException", f"Environment not found: {arn}"):
        proton.notify_resource_deployment_status_change(resourceArn=arn, status="SUCCEEDED")


@pytest.mark.parametrize("account", [ENVIRONMENT_ACCOUNT, THIRD])
def test_an_account_that_has_nothing_to_do_with_the_environment_does_not_find_it(
    account: str, environment: dict[str, Any], proton_server: LocalServer
) -> None:
    with refused("ResourceNotFoundException", f"Environment not found: {environment['arn']}"):
        proton_server.client("proton", account=account).notify_resource_deployment_status_change(
            resourceArn=environment["arn"], status="SUCCEEDED"
        )


def test_the_account_that_an_environment_is_built_in_notifies_its_outputs(
    proton: Any, proton_server: LocalServer, published_template: Callable[..., str], tmp_path: Any
) -> None:
    there, name = proton_server.client("proton", account=ENVIRONMENT_ACCOUNT), unique("built")
    asked = there.create_environment_account_connection(
        managementAccountId=ACCOUNT,
        environmentName=name,
        codebuildRoleArn=f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/build",
    )
    key = asked["environmentAccountConnection"]["id"]
    proton.accept_environment_account_connection(id=key)
    record = create(
        proton,
        published_template(bundle(tmp_path / "bundle", manifest=BUILT)),
        name=name,
        protonServiceRoleArn=None,
        environmentAccountConnectionId=key,
        spec=spec(),
    )

    there.notify_resource_deployment_status_change(resourceArn=record["arn"], outputs=[output("Url", "far")])

    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert proton.list_environment_outputs(environmentName=name)["outputs"] == [output("Url", "far")]
