"""schema.json: valid for Pulumi, and as complete as the declarations."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from aws_proton_provider.aws.configuration import Configuration
from aws_proton_provider.core.declaration import Kind, Property, Resource
from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from aws_proton_provider.resources.functions.function import Function
from tests.names import REPOSITORY
from tools import pulumi_cli

FILE = REPOSITORY / "provider/aws_proton_provider/adapters/plugin/schema.json"
SCHEMA = json.loads(FILE.read_text())
each_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
each_property = pytest.mark.parametrize(
    ("resource", "item"),
    [
        pytest.param(resource, item, id=f"{resource.__name__}-{item.wire}")
        for resource in RESOURCES
        for item in resource.properties
    ],
)


def _of(resource: type[Resource]) -> dict[str, Any]:
    return SCHEMA["resources"][f"aws-proton:index:{resource.__name__}"]


def _check(schema: Path, folder: Path) -> tuple[int, str]:
    run = subprocess.run(
        [pulumi_cli.found(), "schema", "check", schema],
        env=pulumi_cli.environment(folder, ""),
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_pulumi_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    assert _check(FILE, tmp_path) == (0, "")


def test_pulumi_would_find_something_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "schema.json"
    wrong.write_text(FILE.read_text().replace("types/aws-proton:index:Timeouts", "types/aws-proton:index:T"))

    status, answer = _check(wrong, tmp_path)

    assert status != 0
    assert "type aws-proton:index:T not found" in answer


def test_it_has_the_resources_and_functions_of_the_registry_and_no_version() -> None:
    assert [token.rpartition(":")[2] for token in SCHEMA["resources"]] == [
        item.__name__ for item in RESOURCES
    ]
    assert "version" not in SCHEMA


@each_property
def test_a_property_is_described_and_is_an_input_where_a_program_gives_it(
    resource: type[Resource], item: Property
) -> None:
    described = _of(resource)
    given = described["inputProperties"].get(item.wire)

    assert described["properties"][item.wire]["description"] == " ".join(item.doc.split())
    assert (given is not None) == item.from_program
    assert (item.wire in described["requiredInputs"]) == item.required
    if given:
        assert given["description"].startswith(" ".join(item.doc.split()))
        assert given.get("willReplaceOnChanges", False) == item.replace
        assert given.get("default") == item.default


@each_resource
def test_nothing_is_described_that_is_not_declared(resource: type[Resource]) -> None:
    assert _of(resource)["properties"].keys() == {item.wire for item in resource.properties}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.wire)
def test_a_function_has_the_inputs_and_outputs_that_are_declared(function: type[Function]) -> None:
    described = SCHEMA["functions"][f"aws-proton:index:{function.wire}"]
    given = [item for item in function.properties if item.from_program]
    returned = function.of_kind(Kind.OUTPUT)

    assert list(described["inputs"]["properties"]) == [item.wire for item in given]
    assert described["inputs"]["required"] == [item.wire for item in given if item.required]
    assert list(described["outputs"]["properties"]) == [item.wire for item in returned]
    for item in returned:
        shown = described["outputs"]["properties"][item.wire]["description"]
        assert shown == " ".join(item.doc.split())


def test_the_outputs_that_always_have_a_value_are_required() -> None:
    required = _of(RESOURCES[0])["required"]

    assert {"name", "arn", "spec", "tagsAll", "outputs", "templateMinorVersion"} <= set(required)
    # Absent until the first update; absent after an import.
    assert not {"deploymentType", "description", "waitForDeployment"} & set(required)


@each_resource
def test_a_resource_takes_over_the_state_of_its_dynamic_form(resource: type[Resource]) -> None:
    assert _of(resource)["aliases"] == [{"type": f"pulumi-python:dynamic/aws-proton:{resource.__name__}"}]


@each_resource
def test_a_resource_can_be_listed_in_any_account(resource: type[Resource]) -> None:
    assert _of(resource)["listInputs"]["properties"].keys() == {"account"}


def test_a_spec_is_given_as_a_mapping_or_a_text_and_is_always_a_mapping() -> None:
    environment = _of(RESOURCES[0])
    mapping = {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}

    assert environment["inputProperties"]["spec"]["oneOf"] == [mapping, {"type": "string"}]
    assert mapping.items() <= environment["properties"]["spec"].items()


def test_the_provider_takes_what_the_stacks_configuration_does() -> None:
    keys = {field.alias for field in Configuration.model_fields.values()}

    assert SCHEMA["provider"]["inputProperties"] == SCHEMA["config"]["variables"]
    assert SCHEMA["config"]["variables"].keys() == keys


def test_no_value_of_the_environment_becomes_an_input() -> None:
    assert "defaultInfo" not in FILE.read_text()


def _members() -> list[Any]:
    nested = {
        f"{token.rpartition(':')[2]}.{name}": member
        for token, described in SCHEMA["types"].items()
        for name, member in described.get("properties", {}).items()
    }
    settings = {f"Provider.{name}": member for name, member in SCHEMA["config"]["variables"].items()}
    return [pytest.param(member, id=name) for name, member in (nested | settings).items()]


@pytest.mark.parametrize("member", _members())
def test_a_member_of_a_nested_object_is_described(member: dict[str, Any]) -> None:
    assert member["description"].endswith(".")


@each_resource
def test_a_description_has_an_example_in_four_languages_and_the_command_that_imports(
    resource: type[Resource],
) -> None:
    description = _of(resource)["description"]
    _, examples, after = re.split(r"\{\{% /?examples %\}\}", description)
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", examples, re.DOTALL | re.MULTILINE))

    assert set(blocks) == {"typescript", "python", "go", "yaml"}
    assert "## Import\n\n" in after
    assert re.search(rf"^pulumi import aws-proton:index:{resource.__name__} \S+ \S+$", after, re.MULTILINE)
    types = {item["type"] for item in yaml.safe_load(blocks["yaml"])["resources"].values()}
    assert f"aws-proton:{resource.__name__}" in types
