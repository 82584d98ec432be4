"""The example's automation against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.names import ACCOUNT, REGION
from tests.server.environments import create
from tests.server.self_managed.git_repository import EXAMPLE, SPEC
from tests.servers import LocalServer
from tests.waiting import ended, gone


@pytest.fixture
def automation(proton_server: LocalServer) -> Iterator[None]:
    """The example's automation, running."""
    program = [sys.executable, EXAMPLE / "automation.py", "--git-root", proton_server.folder / "proton-git"]
    keys = {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
    }
    environment = os.environ | keys | {"AWS_ENDPOINT_URL": proton_server.url}
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    # Another test may have linked a repository of that name: the automation itself says when it is ready.
    assert "is linked" in process.stdout.readline()
    yield
    process.terminate()
    process.communicate()


@pytest.mark.usefixtures("automation")
def test_the_examples_automation_brings_an_environment_up_and_takes_it_down(
    proton: Any, template: str
) -> None:
    link = {"provider": "GITHUB", "name": "acme/infrastructure", "branch": "main"}
    given = {"spec": SPEC, "protonServiceRoleArn": None, "provisioningRepository": link}

    name = create(proton, template, **given)["name"]

    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert proton.list_environment_outputs(environmentName=name)["outputs"] == [
        {"key": "cidr_block", "valueString": "10.0.0.0/16"},
        {"key": "zones", "valueString": "2"},
    ]
    proton.delete_environment(name=name)
    gone(proton, name)
