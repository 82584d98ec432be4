"""Each example does what its README says: its template is published, it goes up, and it comes down again."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.project import Project
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, REPOSITORY
from tests.servers import LocalServer
from tests.waiting import eventually


@pytest.fixture
def example(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path) -> Any:
    """A copy of an example's project, with a stack and an account's credentials: `example("03-…")`."""

    def copy(folder: str, account: str = ACCOUNT, declared: str | None = None) -> Project:
        source = REPOSITORY / "examples" / folder
        settings = REPOSITORY / declared if declared else source / "Pulumi.yaml"
        name = yaml.safe_load(settings.read_text())["name"]
        project = Project(tmp_path / folder, proton_server.url, name=name, home=pulumi_home)
        shutil.copytree(source, project.folder, dirs_exist_ok=True)
        shutil.copy(settings, project.folder)
        project.environment["AWS_ACCESS_KEY_ID"] = account
        return project

    return copy


def _destroy(project: Project) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.resources() == {}


def _rows(readme: Path) -> list[tuple[str, str]]:
    """The commands in the first column of a README's table, and what the second says they show."""
    found = re.findall(r"^\| `(pulumi .*)` \| (.*) \|$", readme.read_text(), re.MULTILINE)
    assert found, f"{readme} has no table of commands"
    return found


@pytest.mark.usefixtures("quickstart")
def test_01_one_environment_with_its_outputs(example: Any, proton_server: LocalServer) -> None:
    project = example("01-quickstart", declared="Pulumi.yaml")
    # The root's Pulumi.yaml, in which the program is a folder below.
    program = project.folder / "examples" / "01-quickstart"
    program.mkdir(parents=True)
    (project.folder / "__main__.py").rename(program / "__main__.py")

    project.up()

    found = project.outputs()
    assert (found["status"], found["version"]) == ("SUCCEEDED", "1.0")
    assert found["outputs"].keys() == {"BucketName", "TableName", "QueueUrl", "TopicArn"}
    queues = proton_server.client("sqs").list_queues()["QueueUrls"]
    assert found["outputs"]["QueueUrl"].rpartition("/")[2] in str(queues)
    _destroy(project)


def test_02_each_change_of_the_readmes_table_shows_what_it_says(
    example: Any, published_template: Any
) -> None:
    bundles = REPOSITORY / "examples" / "02-change-and-preview"
    published_template(bundles / "template-v1.0", name="queue")
    project = example("02-change-and-preview")
    project.up()
    published_template(bundles / "template-v1.1", name="queue", major_version="1")
    published_template(bundles / "template-v2.0", name="queue")

    seen = []
    for commands, shows in _rows(bundles / "README.md"):
        for command in commands.split(";"):
            project.pulumi(*shlex.split(command)[1:])
        output = project.pulumi("preview", "--diff", fails="an error" in shows).text
        seen += re.findall(r'deploymentType: .*"([A-Z_]+)"', output)
        if "an error" in shows:
            assert "spec.retention_days: must be at most 14" in output
        elif "a replacement" in shows:
            assert "(replace)" in output
        else:
            assert seen[-1] in shows
        if "MAJOR_VERSION" in shows:
            project.up()
    assert seen == ["NONE", "CURRENT_VERSION", "MINOR_VERSION", "MAJOR_VERSION"]
    _destroy(project)


@pytest.mark.usefixtures("quickstart")
def test_03_one_program_and_two_accounts(example: Any, proton_server: LocalServer) -> None:
    project = example("03-two-accounts")

    project.up()

    found = project.outputs()
    assert (found["connection"], found["infrastructureAccount"]) == ("CONNECTED", ENVIRONMENT_ACCOUNT)
    there = proton_server.client("sqs", account=ENVIRONMENT_ACCOUNT).list_queues()["QueueUrls"]
    assert found["outputs"]["QueueUrl"].rpartition("/")[2] in str(there)
    _destroy(project)


@pytest.mark.usefixtures("quickstart")
@pytest.mark.parametrize("first", ["environment-team", "platform-team"])
def test_04_two_stacks_wait_for_each_other_whoever_begins(
    example: Any, proton_server: LocalServer, first: str
) -> None:
    teams = {
        name: example(f"04-two-stacks/{name}", account)
        for name, account in (("platform-team", ACCOUNT), ("environment-team", ENVIRONMENT_ACCOUNT))
    }
    (second,) = teams.keys() - {first}
    called = proton_server.log.read_text().count("ListEnvironmentAccountConnections")

    waiting = teams[first].start("up", "--yes", "--skip-preview")
    # It has asked, or looked for a request, more than once: it waits.
    eventually(
        lambda: (
            proton_server.log.read_text().count("ListEnvironmentAccountConnections") > called + 1
            if first == "platform-team"
            else "PENDING" in str(_requests(proton_server))
        )
    )
    teams[second].up()
    output, _ = waiting.communicate(timeout=60)

    assert waiting.returncode == 0, output
    found = {name: project.outputs() for name, project in teams.items()}
    assert found["environment-team"]["status"] == "CONNECTED"
    assert found["environment-team"]["connection"] == found["platform-team"]["connection"]
    assert "QueueUrl" in found["platform-team"]["outputs"]
    for project in teams.values():
        _destroy(project)


def _requests(server: LocalServer) -> Any:
    proton = server.client("proton", account=ENVIRONMENT_ACCOUNT)
    return proton.list_environment_account_connections(
        requestedBy="ENVIRONMENT_ACCOUNT", environmentName="shared"
    )["environmentAccountConnections"]


def test_05_a_build_makes_changes_and_removes_its_queues(
    example: Any, proton_server: LocalServer, published_template: Any
) -> None:
    published_template(REPOSITORY / "examples/05-codebuild/template", name="team-queues")
    project = example("05-codebuild")
    sqs = proton_server.client("sqs")

    def queues() -> set[str]:
        urls = sqs.list_queues(QueueNamePrefix="team-queues-").get("QueueUrls", [])
        return {url.rpartition("/")[2] for url in urls}

    project.up()
    found = project.outputs()
    assert found["status"] == "SUCCEEDED"
    assert found["queues"].keys() == {"orders", "billing"}
    assert queues() == {"team-queues-orders", "team-queues-billing"}

    project.pulumi("config", "set", "--path", "teams[0]", "carts")
    project.up()
    assert queues() == {"team-queues-carts"}
    _destroy(project)
    assert queues() == set()


@pytest.fixture
def automation(proton_server: LocalServer) -> Iterator[None]:
    """Example 06's automation, at work on the server's git repositories."""
    program = REPOSITORY / "examples" / "06-self-managed" / "automation.py"
    keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
    there = {"AWS_ENDPOINT_URL": proton_server.url, **keys}
    with subprocess.Popen(
        [sys.executable, program, "--git-root", proton_server.folder / "proton-git"],
        env=os.environ | there,
    ) as process:
        proton = proton_server.client("proton")
        eventually(lambda: "acme/infrastructure" in str(proton.list_repositories()["repositories"]))
        yield
        process.terminate()


@pytest.mark.usefixtures("automation")
def test_06_the_automation_merges_provisions_and_notifies(example: Any, published_template: Any) -> None:
    published_template(REPOSITORY / "examples/06-self-managed/template", name="network")
    project = example("06-self-managed")

    project.up()

    assert project.outputs() == {
        "status": "SUCCEEDED",
        "outputs": {"cidr_block": "10.0.0.0/16", "zones": "2"},
    }
    _destroy(project)


def test_07_a_setting_is_set_changed_and_reset(example: Any, proton_server: LocalServer) -> None:
    proton = proton_server.client("proton")
    role, builds = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("proton-pipelines", "builds"))
    project = example("07-account-settings")

    project.up()
    assert proton.get_account_settings()["accountSettings"] == {"pipelineServiceRoleArn": role}
    project.pulumi("config", "set", "codebuildRole", builds)
    project.up()
    assert proton.get_account_settings()["accountSettings"] == {
        "pipelineServiceRoleArn": role,
        "pipelineCodebuildRoleArn": builds,
    }
    _destroy(project)
    assert proton.get_account_settings()["accountSettings"] == {}
