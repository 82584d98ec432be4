"""Buildspecs that nobody can run: each is a sentence, and none stops the server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from proton_server.local.codebuild.source import BuildSourceError, read_buildspec
from tests.names import SERVICE_ROLE, unique
from tests.servers import LocalServer

_TENFOLD = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
FAULTS = {
    "laughs": (
        f"a0: &a0 [ha]\n{_TENFOLD}phases: {{build: {{commands: *a11}}}}\n",
        "more than 100,000 values",
    ),
    "too deep": ("phases:\n" + " [\n" * 25_000, "nested deeper than 50 levels"),
    "no YAML": ("phases: [\n", "not valid YAML"),
    "a list": ("- a\n- b\n", "must be a YAML mapping"),
    "a long number": (f"phases: {{build: {{commands: [{'1' * 5_000}]}}}}\n", "a number that is too long"),
    "no phases": ("version: 0.2\n", "`phases` must be a mapping"),
    "a phase without content": ("phases: {build: }\n", "`build` must be a mapping"),
    "commands that are text": ("phases: {build: {commands: make}}\n", "`commands` must be a list"),
    "variables that are a list": (
        "env: {variables: [a]}\nphases: {build: {commands: []}}\n",
        "`variables` must be a mapping",
    ),
    "files that are a number": (
        "artifacts: {files: 5}\nphases: {build: {commands: []}}\n",
        "`files` must be a list",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), FAULTS.values(), ids=FAULTS)
def test_a_buildspec_that_cannot_be_run_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BuildSourceError) as fault:
        read_buildspec(text, tmp_path)
    assert sentence in str(fault.value)


def test_a_buildspec_in_the_source_is_text(tmp_path: Path) -> None:
    (tmp_path / "buildspec.yml").write_bytes(b"\xff")
    with pytest.raises(BuildSourceError, match="is not text in UTF-8"):
        read_buildspec("buildspec.yml", tmp_path)


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ({"name": "A", "value": "x" * 3_000_000}, "Argument list too long"),
        ({"name": "A", "value": "\0"}, "'A' has a character that no environment can hold"),
        ({"name": "A=B", "value": "x"}, "'A=B' has a character that no environment can hold"),
    ],
    ids=["too long", "without text", "no name"],
)
def test_a_variable_that_no_environment_can_hold_fails_the_build(
    local_server: LocalServer, variable: dict[str, Any], sentence: str
) -> None:
    codebuild, name = local_server.client("codebuild"), unique("variables")
    codebuild.create_project(
        name=name,
        serviceRole=SERVICE_ROLE,
        source={"type": "NO_SOURCE", "location": "none", "buildspec": "phases: {build: {commands: [pwd]}}\n"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
    )
    build = codebuild.start_build(projectName=name, environmentVariablesOverride=[variable])["build"]
    deadline = time.monotonic() + 30
    while not build["buildComplete"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        (build,) = codebuild.batch_get_builds(ids=[build["id"]])["builds"]
    assert build["buildStatus"] == "FAILED"
    assert sentence in json.dumps(build["phases"], default=str)
