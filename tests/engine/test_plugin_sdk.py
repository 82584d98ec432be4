"""What is generated for the plugin, used: its schema, and the Python SDK."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from tests.engine.project import Project, with_plugin
from tests.names import ACCOUNT, SERVICE_ROLE, unique

pytestmark = with_plugin

_PLUGIN = str(Path(sys.executable).with_name("pulumi-resource-aws-proton"))


def test_a_provider_takes_every_setting_and_functions_read_through_it(
    project: Project, workshop: str, proton_server: Any, region: str
) -> None:
    name = unique("env")
    project.program(f"""
        import pulumi
        import pulumi_aws_proton.plugin as proton

        there = proton.Provider(
            "there",
            region="{region}",
            endpoint=pulumi.Output.from_input("{proton_server.url}"),
            max_retries=3,
            allowed_account_ids=["{ACCOUNT}"],
            forbidden_account_ids=["999999999999"],
            default_tags=proton.DefaultTagsArgs(tags={{"stage": "test"}}),
            max_deployment_type="MINOR_VERSION",
        )
        through = pulumi.ResourceOptions(provider=there)
        environment = proton.Environment(
            "{name}",
            through,
            template_name="{workshop}",
            template_major_version="1",
            spec={{}},
            proton_service_role_arn="{SERVICE_ROLE}",
        )
        options = pulumi.InvokeOptions(provider=there)
        found = proton.get_environment_output(name=environment.name, opts=options)
        pulumi.export("tags", found.tags.apply(lambda tags: tags["stage"]))
        pulumi.export("arns", pulumi.Output.all(found.arn, environment.arn))
        pulumi.export("outputs", pulumi.Output.all(found.outputs, environment.outputs))
        listed = proton.get_environments_output(
            environment_templates=[{{"template_name": environment.template_name, "major_version": "1"}}],
            opts=options,
        )
        pulumi.export("names", listed.environments.apply(lambda all: [each.template_name for each in all]))
        again = proton.Environment.get("again", environment.id, through)
        pulumi.export("got", pulumi.Output.all(again.arn, environment.arn))
        pulumi.export("settings", proton.get_account_settings().pipeline_codebuild_role_arn)
        pulumi.export(
            "connections",
            len(
                proton.get_environment_account_connections(
                    requested_by="MANAGEMENT_ACCOUNT", environment_name="{name}"
                ).environment_account_connections
            ),
        )
    """)

    result = project.up()

    assert "warning" not in result.text
    outputs = project.outputs()
    assert outputs["tags"] == "test"
    assert outputs["arns"][0] == outputs["arns"][1]
    assert outputs["got"][0] == outputs["got"][1]
    assert outputs["outputs"][0] == outputs["outputs"][1]
    assert workshop in outputs["names"]
    assert outputs["connections"] == 0
    assert project.resources()["there"]["inputs"]["defaultTags"] == '{"tags": {"stage": "test"}}'
    project.pulumi("destroy", "--yes", "--skip-preview")


def test_pulumi_gets_the_schema_of_this_version_from_the_plugin_and_finds_nothing_wrong(
    project: Project,
) -> None:
    text = project.pulumi("package", "get-schema", _PLUGIN).text
    schema = json.loads(text)
    (project.folder / "schema.json").write_text(text)

    checked = project.pulumi("schema", "check", "schema.json")

    assert schema["version"] == importlib.metadata.version("pulumi-aws-proton")
    assert schema["resources"].keys() == {f"aws-proton:index:{each.__name__}" for each in RESOURCES}
    assert schema["functions"].keys() == {f"aws-proton:index:{each.wire}" for each in FUNCTIONS}
    assert checked.text == ""
