"""Programs in TypeScript and Go, with the SDKs that are checked in, deploy through the plugin."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.examples import copy_of
from tests.engine.languages import GO, TYPESCRIPT, Language, give_language, needs_go, needs_node
from tests.engine.project import Project
from tests.names import REPOSITORY
from tests.servers import LocalServer
from tools.uv import VENV

SCHEMA = REPOSITORY / "provider/aws_proton_provider/adapters/plugin/schema.json"


@pytest.fixture
def proton(proton_server: LocalServer) -> Any:
    """The server as any AWS client sees it, in the Region of the programs: there is one adapter here only."""
    return proton_server.client("proton")


@pytest.fixture
def program(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path) -> Callable[[Language], Project]:
    """Copies an example to where it finds the plugin and the SDKs as in the repository."""

    (tmp_path / ".venv").symlink_to(VENV)

    def copy(language: Language) -> Project:
        project = copy_of(tmp_path, proton_server, pulumi_home, language.folder)
        give_language(project, tmp_path, language)
        return project

    return copy


@needs_node
@pytest.mark.usefixtures("quickstart")
def test_10_the_environment_of_01_in_typescript(
    program: Callable[[Language], Project], proton: Any, node_modules: Path
) -> None:
    project = program(TYPESCRIPT)
    (project.folder / "node_modules").symlink_to(node_modules)
    _deploy_change_and_destroy(project, proton, TYPESCRIPT)


@needs_go
@pytest.mark.usefixtures("quickstart")
def test_11_the_environment_of_01_in_go(program: Callable[[Language], Project], proton: Any) -> None:
    _deploy_change_and_destroy(program(GO), proton, GO)


def _deploy_change_and_destroy(project: Project, proton: Any, language: Language) -> None:
    project.up()
    found = project.outputs()
    assert (found["status"], found["version"]) == ("SUCCEEDED", "1.0")
    assert found["outputs"].keys() == {"BucketName", "TableName", "QueueUrl", "TopicArn"}
    assert project.preview().summary.keys() == {"same"}

    source = project.folder / language.program
    text = source.read_text()
    assert text.count(language.days.format(4)) == 1
    source.write_text(text.replace(language.days.format(4), language.days.format(7)))
    preview = project.preview()
    assert preview.steps["quickstart"]["op"] == "update"
    assert preview.deployment_type("quickstart") == "CURRENT_VERSION"
    project.up()
    inputs = {"team": "platform", "stage": "development", "message_retention_days": 7}
    assert _deployed(proton) == ("SUCCEEDED", inputs)

    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.resources() == {}
    with pytest.raises(proton.exceptions.ResourceNotFoundException):
        proton.get_environment(name="quickstart")


def _deployed(proton: Any) -> tuple[str, dict[str, Any]]:
    """The status of the environment's deployment, and the inputs that it was made with."""
    environment = proton.get_environment(name="quickstart")["environment"]
    return environment["deploymentStatus"], yaml.safe_load(environment["spec"])["spec"]


@needs_node
def test_the_typescript_examples_of_the_schema_compile(tmp_path: Path, node_modules: Path) -> None:
    settings = json.loads((REPOSITORY / "examples/10-typescript/tsconfig.json").read_text())
    settings["files"] = [f"{number}.ts" for number, _ in enumerate(_examples("typescript"))]
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    for name, example in zip(settings["files"], _examples("typescript"), strict=True):
        (tmp_path / name).write_text(example)
    (tmp_path / "node_modules").symlink_to(node_modules)

    _run("node", "node_modules/typescript/bin/tsc", "--noEmit", folder=tmp_path)


@needs_go
def test_the_go_sdk_and_the_examples_of_the_schema_compile(tmp_path: Path) -> None:
    module = (REPOSITORY / "examples/11-go/go.mod").read_text()
    (tmp_path / "go.mod").write_text(module.replace("../../sdk/go", str(REPOSITORY / "sdk" / "go")))
    shutil.copy(REPOSITORY / "examples/11-go/go.sum", tmp_path)
    for number, example in enumerate(_examples("go")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "main.go").write_text(example)

    _run("go", "vet", "./...", folder=REPOSITORY / "sdk" / "go")
    _run("go", "vet", "./...", folder=tmp_path)


def _examples(language: str) -> list[str]:
    """The programs in a language in the descriptions of the schema."""
    found = [
        example
        for resource in json.loads(SCHEMA.read_text())["resources"].values()
        for example in re.findall(
            rf"^```{language}\n(.*?)^```", resource["description"], re.DOTALL | re.MULTILINE
        )
    ]
    assert found
    return found


def _run(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
