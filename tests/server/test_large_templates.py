"""Templates above 51,200 bytes: they go through a bucket of the operator, which is empty afterwards."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from proton_server.engine.template_objects import TemplateObjects
from proton_server.persistence.store import Store
from proton_server.persistence.tables import deployments
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.template_buckets import OwnTemplateBuckets
from tests.bundles import TEMPLATE, bundle, schema_of, spec
from tests.commands import run_command
from tests.fault_proxy import Answer, CutOff, FaultProxy
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, SERVICE_ROLE, THIRD, unique
from tests.server.accounts import Accounts
from tests.server.environments import create, stack_status
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.stacks_left_behind import leave_behind, tags_of
from tests.waiting import ended, eventually, gone

BUCKET = unique("templates")
MOST = 1_048_576
PADDED = TEMPLATE + "# {{ environment.inputs.letter * environment.inputs.padding }}\n"
SCHEMA = schema_of(
    title={"type": "string", "default": "news"},
    fifo={"type": "boolean", "default": False},
    letter={"type": "string", "default": "x"},
    padding={"type": "integer", "default": 60_000},
)


def padded(folder: Path, template: str = PADDED) -> Path:
    return bundle(folder, template=template, schema=SCHEMA)


def keys(server: LocalServer, bucket: str = BUCKET, account: str = ACCOUNT) -> list[str]:
    listed = server.client("s3", account).list_objects_v2(Bucket=bucket)
    return [item["Key"] for item in listed.get("Contents", [])]


def of(name: str, found: list[str]) -> list[str]:
    return [key for key in found if f"/{name}/" in key]


def xml(status: int, code: str) -> Answer:
    """An error of S3."""
    return Answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


@pytest.fixture(scope="module")
def server(
    slow: ServedBesideAws, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    """A server with a bucket, on whose AWS stack operations take two seconds."""
    slow.aws.client("s3").create_bucket(Bucket=BUCKET)
    folder = tmp_path_factory.mktemp("bucket")
    options = ("--stack-template-bucket", f"{REGION}={BUCKET}")
    server = ServedBesideAws(folder, options, aws=slow.aws, aws_url=proxy.url)
    server.start()
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def _healed(proxy: FaultProxy) -> Iterator[None]:
    yield
    proxy.heal()


@pytest.fixture
def proton(server: ServedBesideAws) -> Any:
    return server.client("proton")


@pytest.fixture(scope="module")
def template(server: ServedBesideAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    return publisher(server)(padded(tmp_path_factory.mktemp("b") / "b"))


def test_the_template_is_in_the_bucket_while_its_deployment_is_in_progress_and_not_afterwards(
    server: ServedBesideAws, proton: Any, template: str, proxy: FaultProxy
) -> None:
    record = create(proton, template)
    name = record["name"]

    eventually(lambda: stack_status(server, name) == "CREATE_IN_PROGRESS")
    deployment = proton.get_environment(name=name)["environment"]["lastAttemptedDeploymentId"]
    assert of(name, keys(server)) == [f"{ACCOUNT}/{name}/{deployment}"]
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    eventually(lambda: not of(name, keys(server)))
    stack = server.client("cloudformation").get_template(
        StackName=proton.list_environment_provisioned_resources(environmentName=name)["provisionedResources"][
            0
        ]["name"]
    )
    assert str(stack["TemplateBody"]).endswith("x" * 60_000 + "\n")

    proxy.calls.clear()
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(padding=MOST - 1_000))
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    eventually(lambda: not of(name, keys(server)))
    assert proxy.calls.count("PUT") == 1


def test_a_small_template_goes_without_the_bucket(proton: Any, template: str, proxy: FaultProxy) -> None:
    proxy.calls.clear()

    record = ended(proton, create(proton, template, spec=spec(padding=50_000))["name"])

    assert record["deploymentStatus"] == "SUCCEEDED"
    assert not {"PUT", "DELETE"} & set(proxy.calls)


def test_a_template_that_cloudformation_takes_in_no_way_fails_with_one_sentence(
    proton: Any, template: str, proxy: FaultProxy
) -> None:
    proxy.calls.clear()
    in_bytes = create(proton, template, spec=spec(padding=600_000, letter="é"))["name"]
    in_characters = ended(proton, create(proton, template, spec=spec(padding=MOST))["name"])

    record = ended(proton, in_bytes)
    assert (record["deploymentStatus"], in_characters["deploymentStatus"]) == ("FAILED", "FAILED")
    assert record["deploymentStatusMessage"].startswith("The rendered template has 1,200,")
    assert record["deploymentStatusMessage"].endswith(
        " bytes, more than the 1,048,576 that CloudFormation takes."
    )
    assert "is longer than 1,048,576 characters" in in_characters["deploymentStatusMessage"]
    assert "PUT" not in proxy.calls


class TestTheObjectGoes:
    def test_when_the_deployment_fails_is_refused_or_cancelled(
        self, server: ServedBesideAws, proton: Any, template: str, tmp_path: Path
    ) -> None:
        publish = publisher(server)
        bad = 'Resources:\n  Bad: {Type: AWS::S3::Bucket, Properties: {BucketName: "NO SUCH NAME"}}'
        failing = publish(padded(tmp_path / "f", PADDED.replace("Resources:", bad)))
        refused = publish(padded(tmp_path / "r", PADDED.replace("!Ref Topic", "!Ref Nothing")))
        updated = ended(proton, create(proton, template)["name"])["name"]
        proton.update_environment(name=updated, deploymentType="CURRENT_VERSION", spec=spec(title="new"))
        eventually(lambda: stack_status(server, updated) == "UPDATE_IN_PROGRESS")
        proton.cancel_environment_deployment(environmentName=updated)
        names = [create(proton, failing)["name"], create(proton, refused)["name"]]

        records = [ended(proton, name) for name in (updated, *names)]

        assert [record["deploymentStatus"] for record in records] == ["CANCELLED", "FAILED", "FAILED"]
        assert "Nothing" in records[2]["deploymentStatusMessage"]
        assert [stack_status(server, name) for name in names] == ["ROLLBACK_COMPLETE", None]
        eventually(lambda: not keys(server))

    @pytest.mark.parametrize("moment", ["CreateStack", "DELETE"])
    def test_when_the_server_dies_at_any_call(
        self, server: ServedBesideAws, proton: Any, template: str, proxy: FaultProxy, moment: str
    ) -> None:
        def die(action: str) -> None:
            if action == moment and server.process is not None:
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
                server.process = None
                raise CutOff

        # After the stack was begun; before the deletion, for after it nothing is left to do.
        setattr(proxy, "before" if moment == "DELETE" else "after", die)
        name = create(proton, template)["name"]
        eventually(lambda: server.process is None)
        assert of(name, keys(server))
        proxy.heal()
        server.start()

        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        eventually(lambda: not keys(server))
        assert "CreateStack" not in proxy.calls

    def test_when_s3_does_not_answer_at_first(
        self, server: ServedBesideAws, proton: Any, template: str, proxy: FaultProxy
    ) -> None:
        proxy.before = lambda action: xml(503, "SlowDown") if action == "PUT" else None
        name = create(proton, template)["name"]
        eventually(
            lambda: (
                "Waiting for AWS: it answered PutObject with SlowDown."
                in proton.get_environment(name=name)["environment"].get("deploymentStatusMessage", "")
            )
        )
        proxy.heal()

        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        eventually(lambda: not keys(server))

    def test_of_every_row_with_nothing_left_to_do_and_of_no_other(
        self, server: ServedBesideAws, slow: ServedBesideAws, store: Store
    ) -> None:
        s3, buckets = server.client("s3"), OwnTemplateBuckets(Aws(slow.aws.url))
        bucket = f"proton-stack-templates-{ACCOUNT}-{REGION}"
        s3.create_bucket(Bucket=bucket)
        ended_key, running_key = (f"{ACCOUNT}/env/{unique('id')}" for _ in range(2))
        with store.write() as connection:
            for key, next_at in ((ended_key, None), (running_key, 1e12)):
                s3.put_object(Bucket=bucket, Key=key, Body=b"")
                row = {"id": key, "environment_name": key, "phase": "begun", "created_at": 0.0, "record": {}}
                where = {"account_id": ACCOUNT, "region": REGION, "template_object": f"{bucket}/{key}"}
                connection.execute(sa.insert(deployments), row | where | {"next_at": next_at})
        objects = TemplateObjects(store, buckets)

        def left() -> list[str | None]:
            with store.read() as connection:
                return [*connection.scalars(sa.select(deployments.c.template_object))]

        objects.start()
        try:
            eventually(lambda: sorted(left(), key=str) == [None, f"{bucket}/{running_key}"])
        finally:
            objects.stop()

        assert keys(server, bucket) == [running_key]
        s3.delete_object(Bucket=bucket, Key=running_key)


class TestADeploymentFailsWithWhoMayNotDoWhat:
    @pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket")])
    def test_when_the_server_cannot_write(
        self, server: ServedBesideAws, proton: Any, template: str, proxy: FaultProxy, status: int, code: str
    ) -> None:
        proxy.before = lambda action: xml(status, code) if action == "PUT" else None

        record = ended(proton, create(proton, template)["name"])

        assert record["deploymentStatus"] == "FAILED"
        message = record["deploymentStatusMessage"]
        assert f"goes through the bucket {BUCKET}, which the server cannot write to ({code}): its" in message
        assert f"in {REGION} and in account {ACCOUNT}, and that the server may do s3:PutObject" in message
        assert f"{BUCKET}/{ACCOUNT}/{record['name']}" in server.log.read_text()

    def test_when_the_bucket_belongs_to_another_account(self, slow: ServedBesideAws, tmp_path: Path) -> None:
        theirs = unique("theirs")
        slow.aws.client("s3", THIRD).create_bucket(Bucket=theirs)
        options = ("--stack-template-bucket", f"{REGION}={theirs}")
        server = ServedBesideAws(tmp_path, options, aws=slow.aws)
        server.start()
        try:
            proton, template = server.client("proton"), publisher(server)(padded(tmp_path / "b"))
            record = ended(proton, create(proton, template)["name"])
        finally:
            server.kill()

        assert "cannot write to (AccessDenied)" in record["deploymentStatusMessage"]
        assert keys(server, theirs, THIRD) == []

    def test_when_the_role_of_another_account_cannot_read_until_the_buckets_policy_lets_it(
        self, server: ServedBesideAws, template: str
    ) -> None:
        accounts = Accounts(
            *(server.client("proton", account=account) for account in (ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD))
        )
        name = unique("far")
        connection = accounts.connect(name)
        accounts.create(template, connection, name)

        record = ended(accounts.management, name)
        assert record["deploymentStatus"] == "FAILED"
        message = record["deploymentStatusMessage"]
        assert "CloudFormation cannot read the rendered template of 60," in message
        assert f"s3://{BUCKET}/{ENVIRONMENT_ACCOUNT}/{name}/" in message
        assert "(S3 error: Access Denied): the role needs s3:GetObject there" in message

        server.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
        accounts.management.delete_environment(name=name)
        gone(accounts.management, name)
        accounts.create(template, connection, name)
        assert ended(accounts.management, name)["deploymentStatus"] == "SUCCEEDED"
        eventually(lambda: not keys(server))


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:root"]},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/${{aws:PrincipalAccount}}/*",
        }
    ],
}


def test_without_a_bucket_one_sentence_names_the_size_the_limit_and_the_option(
    slow: ServedBesideAws, tmp_path: Path
) -> None:
    proton, template = slow.client("proton"), publisher(slow)(padded(tmp_path / "b"))

    record = ended(proton, create(proton, template)["name"])

    assert record["deploymentStatus"] == "FAILED"
    message = record["deploymentStatusMessage"]
    assert message.startswith("The rendered template has 60,")
    assert message.endswith(
        " bytes, and without a bucket CloudFormation takes 51,200: for up to 1,048,576 the server's operator "
        "gives it one with --stack-template-bucket us-east-1=BUCKET."
    )
    proton.delete_environment(name=record["name"])
    gone(proton, record["name"])


def test_the_local_server_has_a_bucket_of_its_own_in_each_account_and_region(
    local_server: LocalServer, tmp_path: Path
) -> None:
    proton = local_server.client("proton", region="eu-west-1")
    template = publisher(local_server)(padded(tmp_path / "b"), region="eu-west-1")

    record = ended(proton, create(proton, template, spec=spec(padding=1_000_000))["name"])

    assert record["deploymentStatus"] == "SUCCEEDED"
    bucket = f"proton-stack-templates-{ACCOUNT}-eu-west-1"
    s3 = local_server.client("s3", region="eu-west-1")
    eventually(lambda: not s3.list_objects_v2(Bucket=bucket).get("Contents"))


def test_a_stack_with_a_large_template_is_adopted_and_deployed_where_there_is_a_bucket(
    server: ServedBesideAws, slow: ServedBesideAws, template: str, proton: Any, proxy: FaultProxy
) -> None:
    name, text = unique("left"), None
    made = ended(proton, create(proton, template)["name"])["name"]
    cloudformation = server.client("cloudformation")
    (resource,) = proton.list_environment_provisioned_resources(environmentName=made)["provisionedResources"]
    text = str(cloudformation.get_template(StackName=resource["name"])["TemplateBody"]).replace(made, name)
    server.client("s3").put_object(Bucket=BUCKET, Key="left", Body=text.encode())
    stack = leave_behind(
        cloudformation, name, f"{slow.aws.url}/{BUCKET}/left", tags_of(name, template), by_url=True
    )
    eventually(lambda: stack_status(server, name) == "CREATE_COMPLETE")
    server.client("s3").delete_object(Bucket=BUCKET, Key="left")

    def adopt(where: ServedBesideAws) -> dict[str, Any]:
        adoption: dict[str, Any] = where.client("proton-server").adopt_environment(
            environmentName=name, stackId=stack, protonServiceRoleArn=SERVICE_ROLE, dryRun=where is slow
        )["adoption"]
        return adoption

    adopted = adopt(server)

    assert (adopted["outcome"], adopted["templateName"]) == ("adopted", template)
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="arts"))
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["nowhere-1=bucket"], "--stack-template-bucket nowhere-1=bucket: AWS has no Region 'nowhere-1'."),
        (["bucket"], "--stack-template-bucket must be REGION=BUCKET, and not 'bucket'."),
        (["us-east-1="], "--stack-template-bucket must be REGION=BUCKET, and not 'us-east-1='."),
        (["us-east-1=s3://b"], "--stack-template-bucket must be REGION=BUCKET, and not 'us-east-1=s3://b'."),
        (
            ["us-east-1=one", "us-east-1=two"],
            "--stack-template-bucket names two buckets for us-east-1: one and two.",
        ),
    ],
)
def test_a_wrong_value_of_the_option_is_one_sentence(values: list[str], message: str) -> None:
    given = [text for value in values for text in ("--stack-template-bucket", value)]

    done = run_command("serve", "--port", "0", *given)
    variable = run_command(
        "serve", "--port", "0", environment={"PROTON_STACK_TEMPLATE_BUCKETS": ",".join(values)}
    )

    assert (done.exit_code, done.stderr) == (1, f"Error: {message}\n")
    assert (variable.exit_code, variable.stderr) == (1, f"Error: {message}\n")


def test_templates_check_says_what_only_a_bucket_makes_possible(tmp_path: Path) -> None:
    folder, file = padded(tmp_path / "b"), tmp_path / "spec.yaml"

    def check(padding: int) -> tuple[int, str]:
        file.write_text(spec(padding=padding))
        done = run_command("templates", "check", str(folder), "--spec", str(file))
        return done.exit_code, done.stderr

    assert check(50_000) == (0, "")
    code, note = check(60_000)
    assert code == 0
    assert note.startswith("infrastructure: the rendered template has 60,")
    assert note.endswith(" bytes: above 51,200 a server needs --stack-template-bucket to deploy it.\n")
    code, fault = check(MOST)
    assert code == 1
    assert "the result is longer than 1,048,576 characters" in fault
