"""Each example does what its README says: its template is published, it goes up, and it comes down again."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proton_server.cli.publish import publish_folder
from tests.engine.examples import copy_of, destroy, made_by
from tests.engine.project import DYNAMIC, PLUGIN
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, REPOSITORY, THIRD
from tests.servers import LocalServer
from tests.waiting import eventually
from tools.uv import VENV

either = pytest.mark.parametrize("form", [DYNAMIC, PLUGIN])


@pytest.fixture
def example(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path) -> Any:
    """A copy of an example's project, as `copy_of`: `example("03-two-accounts")`."""
    (tmp_path / ".venv").symlink_to(VENV)
    return partial(copy_of, tmp_path, proton_server, pulumi_home)


def _rows(readme: Path) -> list[tuple[str, str]]:
    """The commands in the first column of a README's table, and what the second says they show."""
    found = re.findall(r"^\| `(pulumi .*)` \| (.*) \|$", readme.read_text(), re.MULTILINE)
    assert found, f"{readme} has no table of commands"
    return found


@either
@pytest.mark.usefixtures("quickstart")
def test_01_one_environment_with_its_outputs(example: Any, proton_server: LocalServer, form: str) -> None:
    # Its Pulumi.yaml is the root's, which names the program's folder.
    project = example("01-quickstart", form=form, where=".")

    project.up()

    found = project.outputs()
    assert (found["status"], found["version"]) == ("SUCCEEDED", "1.0")
    assert found["outputs"].keys() == {"BucketName", "TableName", "QueueUrl", "TopicArn"}
    queues = proton_server.client("sqs").list_queues()["QueueUrls"]
    assert found["outputs"]["QueueUrl"].rpartition("/")[2] in str(queues)
    assert made_by(project) == form
    destroy(project)


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
    destroy(project)


@either
@pytest.mark.usefixtures("quickstart")
def test_03_one_program_and_two_accounts(example: Any, proton_server: LocalServer, form: str) -> None:
    project = example("03-two-accounts", form=form)

    project.up()

    found = project.outputs()
    assert (found["connection"], found["infrastructureAccount"]) == ("CONNECTED", ENVIRONMENT_ACCOUNT)
    there = proton_server.client("sqs", account=ENVIRONMENT_ACCOUNT).list_queues()["QueueUrls"]
    assert found["outputs"]["QueueUrl"].rpartition("/")[2] in str(there)
    assert made_by(project) == form
    destroy(project)


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
        destroy(project)


def _requests(server: LocalServer) -> Any:
    proton = server.client("proton", account=ENVIRONMENT_ACCOUNT)
    return proton.list_environment_account_connections(
        requestedBy="ENVIRONMENT_ACCOUNT", environmentName="shared"
    )["environmentAccountConnections"]


@pytest.fixture(scope="module")
def team_queues(published_template: Any) -> str:
    """The template of example 05, under the name that it knows it by."""
    name: str = published_template(REPOSITORY / "examples/05-codebuild/template", name="team-queues")
    return name


@either
@pytest.mark.usefixtures("team_queues")
def test_05_a_build_makes_changes_and_removes_its_queues(
    example: Any, proton_server: LocalServer, form: str
) -> None:
    project = example("05-codebuild", form=form)
    sqs = proton_server.client("sqs")

    def queues() -> set[str]:
        urls = sqs.list_queues(QueueNamePrefix="team-queues-").get("QueueUrls", [])
        return {url.rpartition("/")[2] for url in urls}

    project.up()
    found = project.outputs()
    assert found["status"] == "SUCCEEDED"
    assert found["queues"].keys() == {"orders", "billing"}
    assert queues() == {"team-queues-orders", "team-queues-billing"}
    assert made_by(project) == form

    project.pulumi("config", "set", "--path", "teams[0]", "carts")
    project.up()
    assert queues() == {"team-queues-carts"}
    destroy(project)
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
    destroy(project)


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
    destroy(project)
    assert proton.get_account_settings()["accountSettings"] == {}


def test_08_a_dozen_environments_in_the_accounts_of_two_providers(
    example: Any, proton_server: LocalServer
) -> None:
    accounts = {"development": ENVIRONMENT_ACCOUNT, "production": THIRD}
    template = REPOSITORY / "examples/02-change-and-preview/template-v1.0"
    for account in accounts.values():
        publish_folder(template, "queue", session=proton_server.session(account))
    project = example("08-many-environments")

    project.pulumi("up", "--yes", "--skip-preview", "--parallel", "12")

    teams = {"billing", "carts", "orders", "payments", "search", "shipping"}
    for stage, account in accounts.items():
        proton = proton_server.client("proton", account=account)
        names = {found["name"] for found in proton.list_environments()["environments"]}
        assert names >= {f"{team}-{stage}" for team in teams}
        arns = project.outputs()[stage]
        assert arns.keys() == teams
        tags = proton.list_tags_for_resource(resourceArn=arns["search"])["tags"]
        assert {"key": "stage", "value": stage} in tags
    assert project.preview().summary == {"same": 17}
    destroy(project)


@pytest.mark.usefixtures("quickstart")
def test_09_a_program_previews_deploys_changes_and_destroys(example: Any, proton_server: LocalServer) -> None:
    project = example("09-automation-api")
    readme = (project.folder / "README.md").read_text()

    printed = subprocess.check_output(
        [sys.executable, "__main__.py"], cwd=project.folder, env=project.environment, text=True
    )

    assert printed in readme
    names = [found["name"] for found in proton_server.client("proton").list_environments()["environments"]]
    assert "automated" not in names
