"""`proton-server templates recover`: the spec that a stack was deployed with, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proton_server.cli.commands import main
from tests.bundles import bundle
from tests.names import REPOSITORY

SAMPLES = REPOSITORY.parent / "shared" / "samples"
SCHEMA = """\
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types:
    Inputs:
      type: object
      required: [title, owner]
      properties:
        title: {type: string}
        owner: {type: string, default: team}
        unused: {type: integer, default: 3}
"""
TEMPLATE = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: '{{ environment.name }} {{ environment.inputs.title }}'
      TopicName: '{{ environment.inputs.owner | lower }}'
"""
DEPLOYED = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: 'dev 007'
      TopicName: 'team-a'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of which the text shows one input whole, one in lower case, and one not at all."""
    return bundle(tmp_path / "bundle", schema=SCHEMA, template=TEMPLATE)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["templates", *map(str, words)], catch_exceptions=False)


def recovered(folder: Path, text: str, *words: str | Path) -> Result:
    (folder.parent / "deployed.yaml").write_bytes(text.encode())
    return run("recover", folder, "--template", folder.parent / "deployed.yaml", "--name", "dev", *words)


def remarks(result: Result) -> list[str]:
    return [line.partition("deployed.yaml: ")[2] for line in result.stderr.splitlines()]


def known(folder: Path, inputs: str) -> Path:
    path = folder.parent / "known.yaml"
    path.write_text(f"proton: EnvironmentSpec\nspec: {inputs}\n")
    return path


def test_what_the_text_leaves_open_is_told_beside_the_spec(folder: Path) -> None:
    result = recovered(folder, DEPLOYED)
    assert result.exit_code == 3
    assert result.stdout == ("proton: EnvironmentSpec\nspec:\n  title: '007'\n  owner: team-a\n  unused: 3\n")
    assert remarks(result) == [
        "has no trace of unused: the default is taken, or nothing.",
        "other values of owner render the same text; give yours with --known.",
    ]


def test_a_value_that_is_given_makes_the_spec_the_only_one(folder: Path) -> None:
    result = recovered(folder, DEPLOYED, "--known", known(folder, "{owner: Team-A, unused: 4}"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "owner: Team-A\n" in result.stdout
    assert "unused: 4\n" in result.stdout


def test_the_spec_renders_the_deployed_text(folder: Path) -> None:
    spec = folder.parent / "spec.yaml"
    spec.write_text(recovered(folder, DEPLOYED).stdout)
    assert run("render", folder, "--spec", spec, "--name", "dev").stdout == DEPLOYED


def test_the_same_document_written_otherwise_is_told(folder: Path) -> None:
    result = recovered(folder, DEPLOYED + "\n", "--known", known(folder, "{owner: team-a, unused: 3}"))
    assert (result.exit_code, remarks(result)) == (
        0,
        ["the spec renders the same document, written otherwise."],
    )


FAULTS = [
    (
        (),
        DEPLOYED.replace("SNS", "SQS"),
        "line 3: the deployed text has 'QS::Topic' where the template has 'NS::Topic'.",
    ),
    (
        ("--name", "prod"),
        DEPLOYED,
        "line 5: the deployed text has \"dev 007'\" where the template has 'prod'.",
    ),
    (("--known", "{title: 7}"), DEPLOYED, "the value given for the input 'title' does not fit the schema."),
]


@pytest.mark.parametrize(("words", "text", "fault"), FAULTS)
def test_where_nothing_is_found_it_is_one_sentence_and_no_spec(
    folder: Path, words: tuple[str, ...], text: str, fault: str
) -> None:
    if "--known" in words:
        words = ("--known", str(known(folder, words[1])))
    result = recovered(folder, text, *words)
    assert (result.exit_code, result.stdout, remarks(result)) == (1, "", [fault])


def test_a_known_file_that_is_no_spec_is_one_sentence(folder: Path) -> None:
    (folder.parent / "known.yaml").write_text("title: a\n")
    result = recovered(folder, DEPLOYED, "--known", folder.parent / "known.yaml")
    assert result.exit_code == 1
    assert result.stderr.endswith("known.yaml: The spec must begin with 'proton: EnvironmentSpec'.\n")


@pytest.mark.parametrize("sample", ["fargate-env", "lambda-env", "vpc-env"])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of AWS are not part of the repository")
def test_the_specs_of_the_samples_of_aws_are_read_back(tmp_path: Path, sample: str) -> None:
    spec = SAMPLES / sample / "spec" / "spec.yaml"
    deployed = tmp_path / "deployed.yaml"
    deployed.write_bytes(run("render", SAMPLES / sample / "v1", "--spec", spec, "--name", "dev").stdout_bytes)
    result = run("recover", SAMPLES / sample / "v1", "--template", deployed, "--name", "dev")
    assert result.exit_code == 0, result.stderr
    # `render` ends a text with a line break, which not every sample does.
    assert result.stderr in ("", f"{deployed}: the spec renders the same document, written otherwise.\n")
    assert result.stdout.split() == spec.read_text().split()
