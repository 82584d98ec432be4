"""The whole way of the guide "Moving on from AWS Proton": from a stack that AWS left to a program."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml

from proton_templates.rendering import render_template
from tests.engine.project import DYNAMIC, Project, deployments
from tests.names import REPOSITORY, SERVICE_ROLE, unique
from tests.servers import LocalServer
from tests.stacks_left_behind import leave_behind, tags_of
from tests.waiting import gone

INPUTS = {"days": 3, "label": "kept", "password": "none", "broken": False}
TEMPLATE = (REPOSITORY / "tests/engine/workshop/infrastructure/cloudformation.yaml").read_text()

_PROGRAM = f"""
import pulumi
import pulumi_aws_proton as proton

environment = proton.Environment(
    "environment", name="NAME", template_name="TEMPLATE", template_major_version="1", spec=SPEC,
    proton_service_role_arn="{SERVICE_ROLE}", ADOPTING
)
pulumi.export("outputs", environment.outputs)
"""


@pytest.fixture
def cloudformation(proton_server: LocalServer, region: str) -> Any:
    return proton_server.client("cloudformation", region=region)


@pytest.fixture
def left(cloudformation: Any, workshop: str, region: str) -> tuple[str, str]:
    """An environment of AWS Proton: its name, and the stack that is left of it."""
    name = unique("left-by-aws-proton")
    text = render_template(TEMPLATE, name, INPUTS)
    tags = tags_of(name, workshop, account="999999999999", region=region)
    return name, leave_behind(cloudformation, name, text, tags)


def described(cloudformation: Any, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return found


def adopt(server: LocalServer, region: str, name: str) -> str:
    """Runs `proton-server adopt` for an environment; what it prints."""
    place = ("--endpoint-url", server.url, "--region", region)
    what = ("--environment", name, "--role", SERVICE_ROLE, "--yes")
    done = subprocess.run(
        [sys.executable, "-m", "proton_server.cli", "adopt", *place, *what],
        env={"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stack_becomes_an_environment_of_a_program_and_is_updated_by_it(
    left: tuple[str, str],
    project: Project,
    proton: Any,
    proton_server: LocalServer,
    cloudformation: Any,
    workshop: str,
    region: str,
    adapter: str,
) -> None:
    name, stack = left
    before = described(cloudformation, stack)
    assert adopt(proton_server, region, name).splitlines()[1].endswith("adopted")

    spec = yaml.safe_load(proton.get_environment(name=name)["environment"]["spec"])["spec"]
    assert spec == INPUTS
    source = _PROGRAM.replace("NAME", name).replace("TEMPLATE", workshop).replace("SPEC", str(spec))
    if adapter == DYNAMIC:
        project.program(source.replace("ADOPTING", "adopt=True"))
        assert project.preview().deployment_type("environment") == "NONE"
        project.up()
    else:
        what = ("aws-proton:index:Environment", "environment", name)
        project.pulumi("import", *what, "--yes", "--skip-preview", "--generate-code=false")
    program = source.replace("ADOPTING", "")
    project.program(program)
    planned = project.preview()
    assert planned.summary == {"same": 2}, planned.text
    project.up()
    assert described(cloudformation, stack) == before
    assert len(deployments(proton, name)) == 1
    assert project.outputs()["outputs"]["Label"] == "kept"

    project.program(program.replace("'label': 'kept'", "'label': 'changed'"))
    assert project.preview().deployment_type("environment") == "CURRENT_VERSION"
    project.up()
    after = described(cloudformation, stack)
    assert (after["StackId"], after["StackStatus"]) == (stack, "UPDATE_COMPLETE")
    assert project.outputs()["outputs"]["Label"] == "changed"
    assert len(deployments(proton, name)) == 2
    named = [item for item in cloudformation.describe_stacks()["Stacks"] if name[:15] in item["StackName"]]
    assert [item["StackId"] for item in named] == [stack]

    project.pulumi("destroy", "--yes", "--skip-preview")
    gone(proton, name)
    assert described(cloudformation, stack)["StackStatus"] == "DELETE_COMPLETE"
