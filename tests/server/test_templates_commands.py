"""`proton-server templates check` and `render`: a bundle and a spec are tried without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from proton_server.cli.commands import main
from tests.bundles import bundle
from tests.names import REPOSITORY

SAMPLES = REPOSITORY.parent / "shared" / "samples"
EXAMPLES = REPOSITORY / "examples"
TAB = "found character that cannot start any token"
SCHEMA = """\
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types:
    Zone: {type: string, enum: [a, b], default: a}
    Inputs:
      type: object
      required: [title]
      properties:
        title: {type: string, pattern: "^[a-zä]+$"}
        zones: {type: array, items: {$ref: "#/schema/types/Zone"}, default: [a]}
        network:
          type: object
          properties: {cidr: {type: string, default: 10.0.0.0/16}, zone: {$ref: "#/schema/types/Zone"}}
"""
TEMPLATE = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: {{ environment.inputs.title }}-{{ environment.inputs.zones[0] }}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle with two types, a list and an object among its inputs."""
    return bundle(tmp_path / "bundle", schema=SCHEMA, template=TEMPLATE)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["templates", *map(str, words)], catch_exceptions=False)


def lines(result: Result) -> list[str]:
    return result.stderr.splitlines()


def spec_file(folder: Path, inputs: str | bytes) -> Path:
    path = folder.parent / "spec.yaml"
    text = inputs if isinstance(inputs, bytes) else f"proton: EnvironmentSpec\nspec:\n{inputs}".encode()
    path.write_bytes(text)
    return path


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of AWS lie beside the repository")
@pytest.mark.parametrize("sample", ["fargate-env", "lambda-env", "vpc-env"])
def test_the_samples_of_aws_have_no_faults_and_are_rendered(sample: str) -> None:
    spec = SAMPLES / sample / "spec" / "spec.yaml"

    checked = run("check", SAMPLES / sample, "--spec", spec)
    rendered = run("render", SAMPLES / sample, "--spec", spec)

    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout == f"{SAMPLES / sample} and {spec}: no faults found\n"
    assert "\nResources:" in rendered.stdout
    assert "{{" not in rendered.stdout


@pytest.mark.parametrize(
    ("inputs", "rendered"),
    [
        ("  title: news\n", "news-a"),
        ("  title: &t news\n  zones: [b]\n  network: {cidr: *t}\n", "news-b"),
        (b"\xef\xbb\xbfproton: EnvironmentSpec\r\nspec:\r\n  title: news\r\n", "news-a"),
        ("  title: zwölf\n".replace("ö", "ä"), "zwälf-a"),
        (b'{"proton": "EnvironmentSpec", "spec": {"title": "news", "network": {}}}', "news-a"),
    ],
    ids=["plain", "anchors", "BOM and CRLF", "Unicode", "JSON"],
)
def test_a_spec_is_rendered_with_its_defaults(folder: Path, inputs: str | bytes, rendered: str) -> None:
    result = run("render", folder, "--spec", spec_file(folder, inputs))

    assert (result.exit_code, result.stderr) == (0, "")
    assert yaml.safe_load(result.stdout)["Resources"]["Topic"]["Properties"] == {"DisplayName": rendered}


@pytest.mark.parametrize(
    ("inputs", "faults"),
    [
        ("  title: 5\n  zones: [c, a, d]\n  network: {cidr: 1, zon: a}\n", [
            "spec.title: must be a string (put it in quotes)",
            "spec.zones[0]: must be one of a, b",
            "spec.zones[2]: must be one of a, b",
            "spec.network.cidr: must be a string (put it in quotes)",
            "spec.network.zon: is not an input of the template (known: 'cidr', 'zone')",
        ]),
        ("", ["spec.title: is required"]),
        ("  - title\n", ["The spec must have a mapping of input names to values below 'spec:'"]),
        ("\ttitle: x\n", [f"The spec cannot be read: not valid YAML: line 3, column 1: {TAB}"]),
        (b"", ["The spec cannot be read: must be a YAML mapping (key: value)"]),
        (b"title: \xff", ["is not text in UTF-8"]),
    ],
    ids=["several", "empty", "a list", "a tab", "an empty file", "not UTF-8"],
)  # fmt: skip
def test_every_fault_of_a_spec_is_a_line_with_its_path(
    folder: Path, inputs: str | bytes, faults: list[str]
) -> None:
    spec = spec_file(folder, inputs)

    result = run("check", folder, "--spec", spec)

    assert result.exit_code == 1
    assert lines(result) == [f"{spec}: {fault}." for fault in faults]


def test_every_fault_of_bundle_and_spec_is_reported_at_once(folder: Path) -> None:
    (folder / "schema" / "schema.yaml").write_text(SCHEMA.replace("array", "list").replace("^[", "("))
    (folder / "infrastructure" / "cloudformation.yaml").write_text("A: 1\nB: {{ environment.\n")
    spec = spec_file(folder, "  title: a\n  title: b\n")

    result = run("check", folder, "--spec", spec)

    types = "schema/schema.yaml: schema.types.Inputs.properties"
    assert result.exit_code == 1
    assert lines(result) == [
        f"{types}.title.pattern is not a regular expression that can be used here.",
        f"{types}.zones.type must be one of string, number, integer, boolean, array, object.",
        "infrastructure/cloudformation.yaml, line 2: expected name or number.",
        f"{spec}: The spec cannot be read: line 4, column 3: the key 'title' is given twice.",
    ]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("Name:\n  {{ environment.inputs.titel }}", "line 2: environment.inputs has no 'titel'."),
        ("{% for a in range(99999) %}{% endfor %}", "its loops and macros take more than 50,000 steps."),
        ("{{ 'a' | center(9999999999) }}", "."),
        ("{# nothing #}", "The rendered template is empty."),
        ("a: {{ 'é' * 600000 }}", "The rendered template has 1,200,003 bytes, more than the 1,048,576 "),
        ("a: {{ environment.name }}: b", "the rendered template: not valid YAML: line 1, column "),
        ("- {{ environment.name }}", "the rendered template must be a mapping with Resources, in YAML"),
    ],
)
def test_a_template_that_fails_with_a_spec_is_a_fault(folder: Path, template: str, fault: str) -> None:
    (folder / "infrastructure" / "cloudformation.yaml").write_text(template)

    result = run("check", folder, "--spec", spec_file(folder, "  title: news\n"))

    assert result.exit_code == 1
    assert fault in result.stderr
    assert len(lines(result)) == 1


def test_a_schema_without_inputs_and_an_empty_file_are_faults(folder: Path) -> None:
    (folder / "schema" / "schema.yaml").write_text(
        SCHEMA.partition("    Zone")[0] + "    Inputs: {type: object}\n"
    )
    (folder / "infrastructure" / "manifest.yaml").write_text("")

    assert lines(run("check", folder)) == [
        "schema/schema.yaml: schema.types.Inputs must be of type object and have at least one property.",
        "infrastructure/manifest.yaml: must be a YAML mapping (key: value).",
    ]


def test_a_customer_managed_bundle_is_checked_as_such(folder: Path) -> None:
    result = run("check", folder, "--customer-managed")

    assert lines(result) == [
        "schema/schema.yaml: the property 'zones' must be of type string in a customer-managed template.",
        "schema/schema.yaml: the property 'zones' must not have a default in a customer-managed template.",
        "schema/schema.yaml: the property 'network' must be of type string in a customer-managed template.",
        "infrastructure: a customer-managed template has a schema only; leave this folder out.",
    ]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("check", "no-folder"), "no-folder: is not a folder."),
        (("check", ".", "--name", "a b"), "Error: --name must be 1 to 100 letters, digits, hyphens and"),
        (("render", ".", "--spec", "no.yaml", "--account", "1"), "Error: --account must be 12 digits"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(words: tuple[str, ...], fault: str) -> None:
    result = run(*words)

    assert result.exit_code == 1
    assert result.stderr.startswith(fault)


def test_a_spec_file_that_is_not_there_is_one_sentence(folder: Path) -> None:
    result = run("check", folder, "--spec", "no.yaml")

    assert (result.exit_code, lines(result)) == (1, ["no.yaml: No such file or directory."])


def test_the_buildspecs_and_inputs_of_codebuild_are_rendered(tmp_path: Path) -> None:
    spec, out = spec_file(tmp_path / "x", "  teams: [news]\n"), tmp_path / "out"
    template = EXAMPLES / "05-codebuild" / "template"

    result = run("render", template, "--spec", spec, "--name", "q", "--output-dir", out)

    files = ("proton-provision-buildspec.yaml", "proton-deprovision-buildspec.yaml", "proton-inputs.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.split() == [str(out / name) for name in files]
    assert json.loads((out / files[2]).read_text()) == {
        "environment": {"name": "q", "inputs": {"teams": ["news"], "retention_days": 4}}
    }
    assert yaml.safe_load((out / files[0]).read_text())["phases"]["build"]["commands"]


def test_the_files_of_a_pull_request_are_printed_with_their_names(tmp_path: Path) -> None:
    spec = spec_file(tmp_path / "x", "  cidr_block: 10.0.0.0/16\n")
    template = EXAMPLES / "06-self-managed" / "template"

    result = run("render", template, "--spec", spec, "--name", "net", "--account", "111122223333")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "==> net/main.tf <==" in result.stdout
    assert "==> net/proton.auto.tfvars.json <==" in result.stdout
    assert "arn:aws:proton:us-east-1:111122223333:environment/net" in result.stdout
