"""Template bundles that tests publish: a topic, commands for CodeBuild, and Terraform; and specs for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

SCHEMA = """
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types:
    Inputs:
      type: object
      properties:
        title: {type: string, default: news, pattern: "^[a-z]+$"}
        fifo: {type: boolean, default: false}
"""
OUTPUTS_SCHEMA = """
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Outputs
  types:
    Outputs: {type: object, required: [vpc], properties: {vpc: {type: string}}}
"""
"""Of a customer-managed template."""
TEMPLATE = """
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: "{{ environment.inputs.title }} of {{ environment.name }}"
Outputs:
  Title: {Value: "{{ environment.inputs.title }}"}
  TopicArn: {Value: !Ref Topic}
"""
MANIFEST = """
infrastructure:
  templates:
    - {file: cloudformation.yaml, rendering_engine: jinja, template_language: cloudformation}
"""
CODEBUILD_MANIFEST = """
infrastructure:
  templates:
    - rendering_engine: codebuild
      settings: {image: "aws/codebuild/standard:7.0", provision: [make], deprovision: [make clean]}
"""
TERRAFORM_MANIFEST = """
infrastructure:
  templates:
    - {file: "*", rendering_engine: hcl, template_language: terraform}
"""
SPEC = "proton: EnvironmentSpec\nspec: {title: news}\n"


def bundle(
    folder: Path, *, template: str | None = TEMPLATE, schema: str = SCHEMA, manifest: str = MANIFEST
) -> Path:
    """Writes a bundle: one topic whose title is an input and an output. Without a template: a schema only."""
    (folder / "schema").mkdir(parents=True)
    (folder / "schema" / "schema.yaml").write_text(schema)
    if template is not None:
        (folder / "infrastructure").mkdir()
        (folder / "infrastructure" / "manifest.yaml").write_text(manifest)
        (folder / "infrastructure" / "cloudformation.yaml").write_text(template)
    return folder


def terraform_bundle(folder: Path) -> Path:
    """Writes a bundle for self-managed provisioning."""
    bundle(folder, manifest=TERRAFORM_MANIFEST)
    (folder / "infrastructure" / "cloudformation.yaml").rename(folder / "infrastructure" / "main.tf")
    return folder


def spec(**inputs: Any) -> str:
    """A spec of these inputs."""
    return f"proton: EnvironmentSpec\nspec: {json.dumps(inputs)}\n"


def schema_of(**inputs: dict[str, Any]) -> str:
    """A schema with these inputs, each with its OpenAPI schema: `schema_of(days={"type": "integer"})`."""
    types = {"Inputs": {"type": "object", "properties": inputs}}
    document = {"format": {"openapi": "3.0.0"}, "environment_input_type": "Inputs", "types": types}
    return yaml.safe_dump({"schema": document})


def codebuild_manifest(provision: list[str], deprovision: list[str] | None = None, **settings: Any) -> str:
    """A manifest of these commands."""
    settings |= {"provision": provision, "deprovision": deprovision or []}
    template = {"rendering_engine": "codebuild", "settings": settings}
    return yaml.safe_dump({"infrastructure": {"templates": [template]}})
