"""One local AWS for all tests here, an account for each test, and AWS's samples."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from proton_server.local import aws_app
from tests.server.local.local_aws import LocalAws, serve

SAMPLES = Path(__file__).parents[4] / "shared" / "samples"


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """A local AWS whose deployments take no time."""
    yield from serve(aws_app())


@pytest.fixture(scope="module")
def account() -> str:
    """An account of the test's module."""
    return str(uuid.uuid4().int)[:12]


@pytest.fixture
def cloudformation(aws: LocalAws, account: str) -> Iterator[Any]:
    """CloudFormation in the module's account; what the test's stacks made is gone afterwards."""
    client = aws.client("cloudformation", account)
    yield client
    while stacks := client.describe_stacks()["Stacks"]:
        for stack in stacks:
            client.delete_stack(StackName=stack["StackName"])


@pytest.fixture
def sample() -> Callable[..., str]:
    """AWS's own templates, with the inputs of their example spec filled in, or others given by name."""

    def render(name: str, **inputs: str) -> str:
        folder = SAMPLES / name
        if not folder.exists():
            pytest.skip(f"AWS's sample {name} is not on this machine")
        values = yaml.safe_load((folder / "spec/spec.yaml").read_text())["spec"] | inputs
        text = (folder / "v1/infrastructure/cloudformation.yaml").read_text()
        text = re.sub(r"\{\{\s*environment\.inputs\.(\w+)\s*\}\}", lambda match: str(values[match[1]]), text)
        return re.sub(r"\{\{\s*environment\.name\s*\}\}", "my-env", text)

    return render
