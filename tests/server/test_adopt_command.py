"""`proton-server adopt`: what it finds, prints and records, and what its exit code says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proton_server.api.wire import MODELS
from proton_server.cli.adopt import adopt
from tests.bundles import TEMPLATE, bundle, spec
from tests.names import ENVIRONMENT_ACCOUNT, SERVICE_ROLE, unique
from tests.server.accounts import Accounts
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.signing import Keys
from tests.stacks_left_behind import leave_behind, rendered, tags_of
from tests.verifying_sts import VerifyingSts

REGION = "eu-north-1"
"""Which these tests have to themselves: the command lists all stacks of a Region."""


@pytest.fixture(scope="module")
def template(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("b")
    name = publisher(local_server)(bundle(folder / "one"), region=REGION)
    more = bundle(folder / "two", template=f"# 1.1\n{TEMPLATE}")
    return publisher(local_server)(more, name=name, major_version="1", region=REGION)


@pytest.fixture
def cloudformation(local_server: LocalServer) -> Any:
    """Without a stack but those of one test."""
    client = local_server.client("cloudformation", region=REGION)
    for stack in client.describe_stacks()["Stacks"]:
        client.delete_stack(StackName=stack["StackId"])
    return client


@pytest.fixture
def run(local_server: LocalServer) -> Callable[..., Result]:
    """Runs the command against `local`, where all of AWS is."""
    settings = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": REGION}

    def command(*arguments: str, env: dict[str, Any] | None = None) -> Result:
        given = ["--endpoint-url", local_server.url, "--role", SERVICE_ROLE, *arguments]
        return CliRunner().invoke(adopt, given, env=env or settings)

    return command


@pytest.fixture
def proton(local_server: LocalServer) -> Any:
    return local_server.client("proton", region=REGION)


def left(cloudformation: Any, template: str, **inputs: Any) -> tuple[str, str]:
    """The name of an environment and that of its stack."""
    name = unique("an-environment-with-a-long-name")
    tags = tags_of(name, template, region=REGION)
    stack = leave_behind(cloudformation, name, rendered(name, **inputs), tags)
    return name, stack.split("/")[1]


def test_it_shows_what_it_finds_and_adopts_with_yes(
    run: Any, cloudformation: Any, template: str, proton: Any
) -> None:
    name, stack = left(cloudformation, template, title="sport")
    cloudformation.create_stack(StackName=unique("other"), TemplateBody=rendered("other"))

    shown = run()
    adopted = run("--yes")
    again = run("--yes")

    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["STACK", "ENVIRONMENT", "VERSION", "RESULT"]
    assert lines[1] == [stack, name, template, "1.0", "recovered"]
    assert "Nothing in the stack shows the value of fifo: the schema's default counts." in shown.stdout
    assert shown.stderr == "0 of 1 adopted; 1 can be: run this again with --yes\n"
    assert len(lines) == 3
    assert adopted.stdout.splitlines()[1].split()[-1] == again.stdout.splitlines()[1].split()[-1] == "adopted"
    assert adopted.stderr == again.stderr == "1 of 1 adopted\n"
    assert [shown.exit_code, adopted.exit_code, again.exit_code] == [0, 0, 0]
    assert "sport" in proton.get_environment(name=name)["environment"]["spec"]


def test_it_tells_why_a_stack_cannot_be_adopted_and_adopts_the_others(
    run: Any, cloudformation: Any, template: str
) -> None:
    good, _ = left(cloudformation, template)
    edited = unique("edited")
    text = rendered(edited).replace("AWS::SNS::Topic", "AWS::SQS::Queue").replace("DisplayName", "QueueName")
    text = text.replace(f"news of {edited}", edited)
    leave_behind(cloudformation, edited, text, tags_of(edited, template, region=REGION))
    untagged = leave_behind(cloudformation, unique("untagged"), rendered("u"), {}).split("/")[1]
    project = unique("AWSProton-CodeBuild")
    leave_behind(cloudformation, project, rendered("p"), {}, stack_name=project)
    service = unique("service")
    tags = {"proton:environment": service, "proton:service": "web"}
    leave_behind(cloudformation, service, rendered("s"), tags)

    done = run("--yes")

    outcomes = {line.split()[0]: line.split()[-1] for line in done.stdout.splitlines() if line[0] != " "}
    assert sorted(outcomes.values()) == [
        "RESULT",
        "adopted",
        "differs",
        "impossible",
        "impossible",
        "impossible",
    ]
    assert f"--environment NAME --stack {untagged}." in done.stdout
    assert "It has the project of CodeBuild provisioning" in done.stdout
    assert "It is of a service or component" in done.stdout
    assert f"No version renders as its template for environment {edited}: {template} 1.1 (" in done.stdout
    assert f"; {template} 1.0 (line 4" in done.stdout
    assert (done.exit_code, done.stderr) == (1, "1 of 5 adopted\n")
    assert good in done.stdout


def test_an_untagged_stack_is_adopted_when_its_environment_is_named(
    run: Any, cloudformation: Any, template: str, proton: Any
) -> None:
    name = unique("untagged")
    stack = leave_behind(cloudformation, name, rendered(name), {}).split("/")[1]
    left(cloudformation, template)

    done = run("--environment", name, "--stack", stack, "--template", f"{name}={template}:1.0", "--yes")

    assert (done.exit_code, done.stderr) == (0, "1 of 1 adopted\n")
    assert proton.get_environment(name=name)["environment"]["templateMinorVersion"] == "0"


def test_a_nested_stack_goes_with_the_one_that_it_is_in(
    run: Any, cloudformation: Any, local_server: LocalServer, tmp_path: Path
) -> None:
    bucket, inner = unique("nested"), {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
    s3 = local_server.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="inner.json", Body=json.dumps(inner).encode())
    nested = {"TemplateURL": f"https://{bucket}.s3.amazonaws.com/inner.json"}
    outer = {"Resources": {"In": {"Type": "AWS::CloudFormation::Stack", "Properties": nested}}}
    text, name = json.dumps(outer), unique("outer")
    published = publisher(local_server)(bundle(tmp_path / "b", template=text), region=REGION)
    leave_behind(cloudformation, name, text, tags_of(name, published, region=REGION))
    assert len(cloudformation.describe_stacks()["Stacks"]) == 2

    done = run("--yes")

    assert (done.exit_code, done.stderr) == (0, "1 of 1 adopted\n"), done.stdout


def test_json_has_the_specs(run: Any, cloudformation: Any, template: str) -> None:
    name, _ = left(cloudformation, template, title="sport")
    left(cloudformation, template)

    done = run("--environment", name, "--json")

    (adoption,) = json.loads(done.stdout)
    assert (adoption["environmentName"], adoption["outcome"]) == (name, "recovered")
    assert "sport" in adoption["spec"]


def test_a_spec_of_one_environment_is_compared(
    run: Any, cloudformation: Any, template: str, tmp_path: Path
) -> None:
    name, _ = left(cloudformation, template, title="sport")
    wrong = tmp_path / "spec.yaml"
    wrong.write_text(spec(title="news"))

    done = run("--spec", f"{name}={wrong}")

    assert done.exit_code == 1
    assert "differs" in done.stdout


def test_an_environment_that_has_no_stack_is_an_error_and_an_account_without_stacks_is_none(
    run: Any, cloudformation: Any, template: str
) -> None:
    nothing = run()
    missing = run("--environment", "nowhere")

    assert (nothing.exit_code, missing.exit_code) == (0, 1)
    assert nothing.stderr == missing.stderr == "There is no such stack in this account and Region.\n"


def test_a_value_that_is_given_twice_is_a_usage_error(run: Any) -> None:
    done = run("--role", "a=arn:1", "--role", "a=arn:2")
    assert done.exit_code == 2
    assert "--role is given twice for a." in done.stderr


def test_a_role_is_needed_and_the_server_says_so(
    local_server: LocalServer, cloudformation: Any, template: str
) -> None:
    left(cloudformation, template)
    settings = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": REGION}
    done = CliRunner().invoke(adopt, ["--endpoint-url", local_server.url], env=settings)
    assert done.exit_code == 1
    assert "needs protonServiceRoleArn or environmentAccountConnectionId" in done.stdout


@pytest.fixture(scope="module")
def published(proton_server: ServedBesideAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template of `serve`."""
    return publisher(proton_server)(bundle(tmp_path_factory.mktemp("b") / "b"), region=REGION)


class TestServe:
    """The server is one place, AWS another, and each has its own credentials."""

    @pytest.fixture
    def settings(self, proton_server: ServedBesideAws, tmp_path: Path) -> dict[str, str]:
        """A key that only the server knows, and a profile with one that only AWS knows."""
        profiles = tmp_path / "credentials"
        profiles.write_text(
            f"[far]\naws_access_key_id = {ENVIRONMENT_ACCOUNT}\naws_secret_access_key = local\n"
            "[stacks]\naws_access_key_id = 123456789012\naws_secret_access_key = local\n"
        )
        url, key_id, secret = proton_server.door("proton", "123456789012")
        return {
            "AWS_ENDPOINT_URL_PROTON": url,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_SHARED_CREDENTIALS_FILE": str(profiles),
            # Stands for AWS, which is where it leads by itself.
            "AWS_ENDPOINT_URL_CLOUDFORMATION": proton_server.aws.url,
        }

    def test_the_stacks_are_those_of_a_profile_of_their_own(
        self, settings: dict[str, str], cloudformation: Any, published: str
    ) -> None:
        left(cloudformation, published)
        arguments = ["--stacks-profile", "stacks", "--role", SERVICE_ROLE, "--yes"]
        done = CliRunner().invoke(adopt, arguments, env=settings)
        assert (done.exit_code, done.stderr) == (0, "1 of 1 adopted\n"), done.output

    def test_stacks_of_another_account_are_adopted_through_its_connections(
        self, settings: dict[str, str], proton_server: ServedBesideAws, published: str
    ) -> None:
        accounts = Accounts(
            proton_server.client("proton", region=REGION),
            proton_server.client("proton", ENVIRONMENT_ACCOUNT, REGION),
            None,
        )
        there = proton_server.client("cloudformation", ENVIRONMENT_ACCOUNT, REGION)
        name, _ = left(there, published)
        connection = accounts.connect(name)
        arguments = ["--stacks-profile", "far", "--connection", f"{name}={connection}", "--yes"]
        done = CliRunner().invoke(adopt, [*arguments, "--environment", name], env=settings)
        assert (done.exit_code, done.stderr) == (0, "1 of 1 adopted\n"), done.output

    def test_a_wrong_key_is_one_sentence(
        self, settings: dict[str, str], cloudformation: Any, published: str
    ) -> None:
        left(cloudformation, published)
        arguments = ["--stacks-profile", "stacks", "--role", SERVICE_ROLE]
        done = CliRunner().invoke(adopt, arguments, env={**settings, "AWS_SECRET_ACCESS_KEY": "wrong"})
        assert done.exit_code == 1
        assert "does not match the signature you provided" in done.stderr
        assert done.stderr.count("\n") == 1


class TestServeThatTakesAwsCredentials:
    """One AWS profile is enough: the server exchanges its credentials, and the stacks are AWS's."""

    @pytest.fixture
    def left_behind(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, cloudformation: Any, tmp_path: Path
    ) -> tuple[str, Callable[[Keys], dict[str, str]]]:
        """An environment whose stack is there, and the settings of somebody with these AWS credentials."""
        published = publisher(exchanging)(bundle(tmp_path / "b"), region=REGION)
        name, _ = left(cloudformation, published)

        def settings(keys: Keys) -> dict[str, str]:
            return {
                "AWS_ENDPOINT_URL": exchanging.url,
                "AWS_ACCESS_KEY_ID": keys.key_id,
                "AWS_SECRET_ACCESS_KEY": keys.secret,
                "AWS_SESSION_TOKEN": keys.token or "",
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL_STS": sts.url,
                "AWS_ENDPOINT_URL_CLOUDFORMATION": exchanging.aws.url,
            }

        return name, settings

    def test_the_stacks_are_adopted_by_whoever_may_write(
        self, left_behind: tuple[str, Any], sts: VerifyingSts, exchanging: ServedBesideAws
    ) -> None:
        name, settings = left_behind
        done = CliRunner().invoke(adopt, ["--role", SERVICE_ROLE, "--yes"], env=settings(sts.role))
        assert (done.exit_code, done.stderr) == (0, "1 of 1 adopted\n"), done.output
        record = exchanging.client("proton", region=REGION).get_environment(name=name)["environment"]
        assert record["deploymentStatus"] == "SUCCEEDED"

    def test_whoever_may_only_read_adopts_nothing_and_compares_nothing(
        self, left_behind: tuple[str, Any], sts: VerifyingSts
    ) -> None:
        _, settings = left_behind
        done = CliRunner().invoke(adopt, ["--role", SERVICE_ROLE], env=settings(sts.reader))
        assert done.exit_code == 1
        assert "is not authorized to perform: proton:AdoptEnvironment" in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_endpoint_without_the_operation_is_one_sentence(
    run: Any, cloudformation: Any, template: str, monkeypatch: pytest.MonkeyPatch, local_server: LocalServer
) -> None:
    left(cloudformation, template)
    # moto knows no such operation, and neither does a server of a release before.
    monkeypatch.setattr("proton_server.cli.adoption_clients.MODELS", _renamed(Path(str(local_server.folder))))
    done = run()
    assert done.exit_code == 1
    assert f"{local_server.url} has no operation AdoptEnvironment: it is no proton-server" in done.stderr
    assert done.stderr.count("\n") == 1


def _renamed(folder: Path) -> Path:
    """The model with another target: as a server answers that has no such operation."""
    source = MODELS / "proton-server/2026-11-28/service-2.json"
    target = folder / "renamed/proton-server/2026-11-28/service-2.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text().replace('"ProtonServer20261128"', '"AwsProton20200720"'))
    return folder / "renamed"
