"""The pure half of CodeBuild provisioning: from manifest and inputs to buildspecs, source and project."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import boto3
import pytest
import yaml

from proton_server.provisioning.codebuild.buildspec import OutputsError, read_outputs, read_recipe, source_zip
from proton_server.provisioning.codebuild.project_properties import (
    PropertiesError,
    as_update,
    with_properties,
)
from proton_templates.rendering import RenderError

INPUTS = {
    "port": 8080,
    "subnets": ["subnet-1", "subnet-2"],
    "secret": "s3cret: [",
    "minutes": 15,
    "big": True,
}
SETTINGS: dict[str, Any] = {
    "image": "aws/codebuild/standard:7.0",
    "runtimes": {"nodejs": 16},
    "env": {"variables": {"PORT": "{{ environment.inputs.port }}"}, "secrets_manager": {"KEY": "keys:api"}},
    "provision": ["npm ci", "deploy --name {{ environment.name }}"],
    "deprovision": ["destroy {{ environment.inputs.port }}"],
}


def buildspecs(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    recipe = read_recipe(SETTINGS | changes, "dev", INPUTS)
    return yaml.safe_load(recipe.provision), yaml.safe_load(recipe.deprovision)


def test_the_buildspecs_have_the_manifests_runtimes_variables_and_commands() -> None:
    provision, deprovision = buildspecs()

    env = {"variables": {"PORT": "8080"}, "secrets-manager": {"KEY": "keys:api"}}
    install = {"runtime-versions": {"nodejs": 16}}
    assert provision["phases"]["build"]["commands"][:2] == ["npm ci", "deploy --name dev"]
    assert provision["artifacts"] == {"files": ["proton-outputs.json"]}
    assert deprovision == {
        "version": 0.2,
        "env": env,
        "phases": {"install": install, "build": {"commands": ["destroy 8080"]}},
    }
    assert (provision["version"], provision["env"]) == (0.2, env)
    assert provision["phases"]["install"] == install


def test_what_a_manifest_leaves_out_is_left_out() -> None:
    recipe = read_recipe({"provision": ["make"], "deprovision": []}, "dev", {})

    assert recipe.image == "aws/codebuild/amazonlinux2-x86_64-standard:5.0"
    assert yaml.safe_load(recipe.provision).keys() == {"version", "phases", "artifacts"}
    assert yaml.safe_load(recipe.deprovision)["phases"] == {"build": {"commands": ["true"]}}


def test_an_input_stays_one_value_whatever_is_in_it() -> None:
    provision, _ = buildspecs(provision=["echo '{{ environment.inputs.secret }}'"])
    assert provision["phases"]["build"]["commands"][0] == "echo 's3cret: ['"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"provision": ["ok", "{{ environment.inputs.nope }}"]}, "settings.provision[1], line 1"),
        ({"deprovision": ["{{ nope }}"]}, "settings.deprovision[0], line 1"),
        ({"env": {"variables": {"A": "{{ environment.outputs.b }}"}}}, "settings.env.variables.A, line 1"),
        (
            {"project_properties": {"VpcConfig": {"VpcId": "{{ nope }}"}}},
            "project_properties.VpcConfig.VpcId",
        ),
    ],
)
def test_an_undefined_name_is_told_with_its_place_and_no_value(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(RenderError) as caught:
        read_recipe(SETTINGS | changes, "dev", INPUTS)
    assert place in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_source_has_the_files_the_inputs_and_both_buildspecs() -> None:
    recipe = read_recipe(SETTINGS, "dev", INPUTS)
    content = source_zip({"lib/a.sh": b"echo", "proton-inputs.json": b"mine"}, recipe, "dev", INPUTS)

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        modes = {entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert files.keys() == {
        "lib/a.sh",
        "proton-inputs.json",
        "proton-provision-buildspec.yaml",
        "proton-deprovision-buildspec.yaml",
    }
    assert json.loads(files["proton-inputs.json"]) == {"environment": {"name": "dev", "inputs": INPUTS}}
    assert modes == {0o755}
    assert content == source_zip({"lib/a.sh": b"echo", "proton-inputs.json": b"mine"}, recipe, "dev", INPUTS)


LAUGHS = "[&a [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]" + "".join(
    f", &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in zip("abcdef", "bcdefg", strict=True)
)
LAUGHS += "]"
BASE: dict[str, Any] = {
    "name": "project",
    "serviceRole": "role",
    "source": {"type": "NO_SOURCE"},
    "artifacts": {"type": "NO_ARTIFACTS"},
    "timeoutInMinutes": 60,
    "environment": {
        "type": "LINUX_CONTAINER",
        "image": "standard:7.0",
        "computeType": "BUILD_GENERAL1_SMALL",
        "environmentVariables": [{"name": "A", "value": "1"}],
    },
    "tags": [{"key": "k", "value": "v"}],
}


@pytest.fixture(scope="module")
def shape() -> Any:
    client: Any = boto3.client("codebuild", region_name="us-east-1")
    return client.meta.service_model.operation_model("CreateProject").input_shape


def properties(given: dict[str, Any]) -> dict[str, Any]:
    """As they are after rendering."""
    settings = {"provision": ["x"], "deprovision": [], "project_properties": given}
    return read_recipe(settings, "dev", INPUTS).project_properties


def test_properties_get_the_apis_names_and_types(shape: Any) -> None:
    given = properties(
        {
            "TimeoutInMinutes": "{{ environment.inputs.minutes }}",
            "VpcConfig": {"VpcId": "vpc-1", "Subnets": "{{ environment.inputs.subnets }}"},
            "Environment": {
                "PrivilegedMode": "{{ environment.inputs.big }}",
                "EnvironmentVariables": [{"Name": "B", "Value": 2}],
            },
            "Tags": [{"Key": "team", "Value": "a"}],
            "SecondarySources": [{"Type": "NO_SOURCE", "BuildSpec": "x", "SourceIdentifier": "s"}],
        }
    )
    assert with_properties(BASE, given, shape) == {
        **BASE,
        "timeoutInMinutes": 15,
        "vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1", "subnet-2"]},
        "environment": {
            **BASE["environment"],
            "privilegedMode": True,
            "environmentVariables": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
        },
        "tags": [{"key": "team", "value": "a"}, {"key": "k", "value": "v"}],
        "secondarySources": [{"type": "NO_SOURCE", "buildspec": "x", "sourceIdentifier": "s"}],
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"Visibility": "PRIVATE"},
            "project_properties.Visibility is not a property of CodeBuild's API.",
        ),
        ({"ServiceRole": "arn"}, "project_properties cannot set serviceRole: Proton sets it."),
        ({"Source": {"Type": "S3"}}, "project_properties cannot set source: Proton sets it."),
        ({"TimeoutInMinutes": "soon"}, "project_properties.TimeoutInMinutes must be of type integer."),
        ({"VpcConfig": ["vpc-1"]}, "project_properties.VpcConfig must be of type structure."),
        ({"VpcConfig": {"Subnets": "[a"}}, "project_properties.VpcConfig.Subnets must be of type list."),
        ({"Environment": {"PrivilegedMode": "maybe"}}, "Environment.PrivilegedMode must be of type boolean."),
        ({"TimeoutInMinutes": 1}, "Invalid value for parameter timeoutInMinutes, valid min value: 5."),
        ({"VpcConfig": {"VpcId": ""}}, "Invalid length for parameter vpcConfig.vpcId"),
        ({"Tags": [{"Key": ["a"]}]}, "project_properties.Tags[0].Key must be of type string."),
        ({"Tags": "[{1: secret}]"}, "project_properties.Tags must be of type list."),
        ({"Tags": LAUGHS}, "project_properties.Tags must be of type list."),
        ({"Tags": "[" * 10_000}, "project_properties.Tags must be of type list."),
    ],
)
def test_a_property_that_does_not_fit_is_named(shape: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(PropertiesError) as caught:
        with_properties(BASE, properties(given), shape)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["[a, b]", "['a', 'b']", "- a\n- b\n", "[a,\nb]"])
def test_a_list_may_be_written_as_yaml_has_it(shape: Any, text: str) -> None:
    project = with_properties(BASE, {"VpcConfig": {"Subnets": text}}, shape)

    assert project["vpcConfig"] == {"subnets": ["a", "b"]}


def test_an_update_puts_dropped_properties_back(shape: Any) -> None:
    update = as_update(with_properties(BASE, {"TimeoutInMinutes": 5}, shape))
    assert (update["timeoutInMinutes"], update["vpcConfig"], update["cache"]) == (5, {}, {"type": "NO_CACHE"})


@pytest.mark.parametrize(
    "content",
    [
        '[{"key": "A", "valueString": "1"}, {"key": "B", "valueString": "2"}]',
        '{"StackOne": {"A": "1"}, "StackTwo": {"B": "2"}}',
    ],
)
def test_outputs_are_read_in_the_apis_form_and_the_cdks(content: str) -> None:
    expected = [{"key": "A", "valueString": "1"}, {"key": "B", "valueString": "2"}]
    assert read_outputs(content.encode()) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'"text"', "must be a list of"),
        (b'{"A": "1"}', "must be a list of"),
        (b'[{"key": "A"}]', "must be a list of"),
        (b'[{"key": "A", "valueString": 1}]', "the value of output 1 must be a string"),
        (b'[{"key": "A", "valueString": ""}]', "the value of output 1 must be a string"),
        (b'[{"key": "", "valueString": "1"}]', "the key of output 1 must be"),
        (b'{"S": {"A": "1"}, "T": {"A": "2"}}', "two outputs with the same key"),
        (json.dumps({"S": {str(n): "1" for n in range(51)}}).encode(), "more than 50 outputs"),
    ],
)
def test_outputs_that_cannot_be_read_are_refused_with_a_sentence(content: bytes, message: str) -> None:
    with pytest.raises(OutputsError) as caught:
        read_outputs(content)
    assert str(caught.value).startswith("proton-outputs.json")
    assert message in str(caught.value)
