"""Each example goes up and comes down at `proton-server serve`: beside AWS, whose credentials it exchanges.

That is how a team runs it; test_examples.py has their whole stories, at `proton-server local`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engine.examples import copy_of, destroy
from tests.engine.folder_github import folder_github
from tests.engine.languages import GO, TYPESCRIPT, Language, give_language, needs_go, needs_node
from tests.engine.project import Project
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, REPOSITORY, THIRD, role
from tests.servers import LocalServer, ServedBesideAws, free_port
from tests.waiting import eventually
from tools.uv import VENV

WRITERS = tuple(
    principal
    for account in (ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD)
    for principal in (f"arn:aws:iam::{account}:user/deploy", role(account, "proton-admin"))
)
"""Who may write: in each account its user, and the role that examples assume there."""


class Example(NamedTuple):
    """An example's project, the bundles that it needs as (folder, template, account), and what it shows."""

    folder: str
    bundles: tuple[tuple[str, str, str], ...]
    outputs: set[str]
    where: str | None = None


_QUICKSTART = ("01-quickstart/template", "quickstart", ACCOUNT)
_QUEUE = "02-change-and-preview/template-v1.0"

EXAMPLES = (
    Example("01-quickstart", (_QUICKSTART,), {"arn", "outputs", "status", "version"}, where="."),
    Example("02-change-and-preview", ((_QUEUE, "queue", ACCOUNT),), set()),
    Example(
        "03-two-accounts", (_QUICKSTART,), {"connection", "environment", "infrastructureAccount", "outputs"}
    ),
    Example("05-codebuild", (("05-codebuild/template", "team-queues", ACCOUNT),), {"queues", "status"}),
    Example("07-account-settings", (), set()),
    Example(
        "08-many-environments",
        ((_QUEUE, "queue", ENVIRONMENT_ACCOUNT), (_QUEUE, "queue", THIRD)),
        {"development", "production"},
    ),
)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of git repositories that is GitHub's."""
    return tmp_path_factory.mktemp("repositories")


@pytest.fixture(scope="module")
def served(
    local_server: LocalServer, repositories: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    with folder_github(repositories, tmp_path_factory.mktemp("certificates")) as github:
        folder, port = tmp_path_factory.mktemp("serve"), free_port()
        rules = [{"principal": principal, "allow": "write"} for principal in WRITERS]
        (folder / "serve.yaml").write_text(json.dumps({"access": rules}))
        url = f"http://127.0.0.1:{port}"
        options = ("--public-url", url, "--config", "serve.yaml", "--sts-endpoint", local_server.url)
        variables = github | {f"PROTON_GITHUB_TOKEN_{ACCOUNT}": "token"}
        server = ServedBesideAws(folder, options, port, aws=local_server, variables=variables)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def example(tmp_path: Path, served: ServedBesideAws, pulumi_home: Path) -> Callable[..., Project]:
    """A copy of an example's project, as `copy_of`."""
    (tmp_path / ".venv").symlink_to(VENV)
    return partial(copy_of, tmp_path, served, pulumi_home)


def _publish(server: ServedBesideAws, *bundles: tuple[str, str, str]) -> None:
    """Publishes bundles by the command, with the AWS credentials of an account."""
    for folder, name, account in bundles:
        environment = os.environ | server.client_environment(account) | {"AWS_REGION": "us-east-1"}
        command = ["templates", "publish", REPOSITORY / "examples" / folder, "--name", name]
        subprocess.run(
            [sys.executable, "-m", "proton_server.cli", *command], env=environment, check=True, timeout=300
        )


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.folder)
def test_an_example_goes_up_and_comes_down(
    one: Example, example: Callable[..., Project], served: ServedBesideAws
) -> None:
    _publish(served, *one.bundles)
    project = example(one.folder, where=one.where)

    project.pulumi("up", "--yes", "--skip-preview", "--parallel", "12")

    assert project.outputs().keys() >= one.outputs
    destroy(project)


def test_the_two_stacks_of_04_meet(example: Callable[..., Project], served: ServedBesideAws) -> None:
    _publish(served, _QUICKSTART)
    platform = example("04-two-stacks/platform-team")
    environment = example("04-two-stacks/environment-team", ENVIRONMENT_ACCOUNT)

    waiting = platform.start("up", "--yes", "--skip-preview")
    environment.up()
    output, _ = waiting.communicate(timeout=300)

    assert waiting.returncode == 0, output
    assert environment.outputs()["connection"] == platform.outputs()["connection"]
    destroy(platform)
    destroy(environment)


@pytest.fixture
def automation(served: ServedBesideAws, repositories: Path, tmp_path: Path) -> Iterator[None]:
    """Example 06's automation: an AWS client that knows of no exchange, with a credential_process."""
    user = served.client_environment()
    command = f"{sys.executable} -m proton_server.cli credentials --endpoint-url {served.url} --profile user"
    (tmp_path / "config").write_text(
        f"[profile proton]\nregion = {REGION}\ncredential_process = {command} --region {REGION}\n"
        f"[profile user]\naws_access_key_id = {user.pop('AWS_ACCESS_KEY_ID')}\n"
        f"aws_secret_access_key = {user.pop('AWS_SECRET_ACCESS_KEY')}\n"
    )
    there = user | {"AWS_PROFILE": "proton", "AWS_CONFIG_FILE": str(tmp_path / "config")}
    program = REPOSITORY / "examples" / "06-self-managed" / "automation.py"
    proton = served.client("proton")
    with subprocess.Popen(
        [sys.executable, program, "--git-root", repositories], env=os.environ | there
    ) as process:
        eventually(lambda: "acme/infrastructure" in str(proton.list_repositories()["repositories"]))
        yield
        process.terminate()


@pytest.mark.usefixtures("automation")
def test_the_pull_requests_of_06_are_merged_on_github(
    example: Callable[..., Project], served: ServedBesideAws
) -> None:
    _publish(served, ("06-self-managed/template", "network", ACCOUNT))
    project = example("06-self-managed")

    project.up()

    assert project.outputs() == {
        "status": "SUCCEEDED",
        "outputs": {"cidr_block": "10.0.0.0/16", "zones": "2"},
    }
    destroy(project)


def test_the_program_of_09_runs_pulumi(example: Callable[..., Project], served: ServedBesideAws) -> None:
    _publish(served, _QUICKSTART)
    project = example("09-automation-api")

    printed = subprocess.check_output(
        [sys.executable, "__main__.py"], cwd=project.folder, env=project.environment, text=True
    )

    assert printed.endswith("Destroyed\n")


@needs_node
def test_the_typescript_of_10_goes_up_and_comes_down(
    example: Callable[..., Project], served: ServedBesideAws, tmp_path: Path, node_modules: Path
) -> None:
    project = example(TYPESCRIPT.folder)
    (project.folder / "node_modules").symlink_to(node_modules)
    _up_and_down(project, TYPESCRIPT, tmp_path, served)


@needs_go
def test_the_go_of_11_goes_up_and_comes_down(
    example: Callable[..., Project], served: ServedBesideAws, tmp_path: Path
) -> None:
    _up_and_down(example(GO.folder), GO, tmp_path, served)


def _up_and_down(project: Project, language: Language, root: Path, server: ServedBesideAws) -> None:
    _publish(server, _QUICKSTART)
    give_language(project, root, language)

    project.up()

    assert project.outputs()["status"] == "SUCCEEDED"
    destroy(project)
