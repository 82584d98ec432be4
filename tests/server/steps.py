"""Steps that tests of the server share: a small bundle, waiting, and reading a refusal."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import SERVICE_ROLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import LocalServer

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
BROKEN = "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt Nothing.Arn}}}\n"
"""A template that CloudFormation refuses at the call."""


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


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def create(proton: Any, template: str, **more: Any) -> dict[str, Any]:
    """CreateEnvironment with what is not under test filled in; returns the reply's record."""
    request = {
        "name": unique("env"),
        "templateName": template,
        "templateMajorVersion": "1",
        "spec": SPEC,
        "protonServiceRoleArn": SERVICE_ROLE,
        **more,
    }
    record: dict[str, Any] = proton.create_environment(**{k: v for k, v in request.items() if v is not None})[
        "environment"
    ]
    return record


def ended(proton: Any, name: str, seconds: float = 90) -> dict[str, Any]:
    """Waits for the end of the environment's deployment; returns the record."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record: dict[str, Any] = proton.get_environment(name=name)["environment"]
        if record["deploymentStatus"] not in ("IN_PROGRESS", "CANCELLING", "DELETE_IN_PROGRESS"):
            return record
        time.sleep(0.03)
    pytest.fail(f"{name} is still {record['deploymentStatus']} after {seconds} s")


def gone(proton: Any, name: str, seconds: float = 90) -> None:
    """Waits until the environment does not exist."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            record = proton.get_environment(name=name)["environment"]
        except proton.exceptions.ResourceNotFoundException:
            return
        assert record["deploymentStatus"] == "DELETE_IN_PROGRESS", record.get("deploymentStatusMessage")
        time.sleep(0.03)
    pytest.fail(f"{name} still exists after {seconds} s")


def registered(proton: Any, version: dict[str, Any], seconds: float = 90) -> dict[str, Any]:
    """Waits for the end of a template version's registration; returns the record."""
    key = {member: version[member] for member in ("templateName", "majorVersion", "minorVersion")}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record: dict[str, Any] = proton.get_environment_template_version(**key)["environmentTemplateVersion"]
        if record["status"] != "REGISTRATION_IN_PROGRESS":
            return record
        time.sleep(0.03)
    pytest.fail(f"{version['arn']} is not registered after {seconds} s")


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stack_status(server: LocalServer, environment: str) -> str | None:
    """The status of an environment's stack, None if there is none."""
    for stack in server.client("cloudformation").describe_stacks()["Stacks"]:
        if stack["StackName"].startswith(f"AWSProton-{environment}-"):
            status: str = stack["StackStatus"]
            return status
    return None


@contextmanager
def refused(code: str, *parts: str) -> Iterator[None]:
    """The call inside is refused with this code, and each of these parts is in the message."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert (error["Code"], [part for part in parts if part not in error["Message"]]) == (code, []), error[
        "Message"
    ]
