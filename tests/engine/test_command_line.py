"""`pulumi do`, the command line that Pulumi makes of the plugin: what the guide shows, and every resource."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, REPOSITORY, role, unique
from tests.servers import LocalServer
from tools import pulumi_cli
from tools.uv import VENV

_GUIDE = (REPOSITORY / "docs" / "guide" / "command-line.md").read_text()


@pytest.fixture
def shell(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path) -> Callable[..., str]:
    """Runs a command as the guide has it, in a folder that has the plugin where the repository has it."""
    (tmp_path / ".venv").symlink_to(VENV)
    (exported,) = re.findall(r'^\$ export PROTON="(.*)"$', _GUIDE, re.MULTILINE)
    environment = pulumi_cli.environment(pulumi_home, proton_server.url) | {"PROTON": exported}

    def run(command: str, account: str = ACCOUNT) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment | {"AWS_ACCESS_KEY_ID": account, "PULUMI_BACKEND_URL": tmp_path.as_uri()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def _shown() -> list[tuple[str, list[str]]]:
    """The commands in the guide's block, each with the lines that it shows below."""
    (block,) = re.findall(r"^```console\n(.*?)^```", _GUIDE, re.DOTALL | re.MULTILINE)
    parts = [part.splitlines() for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, lines) for command, *lines in parts]


def _lines(text: str) -> list[str]:
    """The lines of an output, without how long something took."""
    return [re.sub(r" *\([\d.]+m?s\)", "", line).strip() for line in text.splitlines()]


@pytest.mark.usefixtures("quickstart")
def test_the_guides_commands_show_what_it_says(shell: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "environment.pp").write_text(
        next("\n".join(lines) for command, lines in _shown() if command.startswith("cat "))
    )

    for command, lines in _shown():
        output = _lines(shell(f"{command} 2>&1"))
        missing = [line for line in _lines("\n".join(lines)) if line not in {"…", *output}]
        assert not missing, f"{command} shows\n" + "\n".join(output)


def test_connections_and_their_accepters_are_made_listed_changed_and_deleted(
    shell: Callable[..., str], tmp_path: Path
) -> None:
    request, accepter = (f"pulumi do $PROTON:EnvironmentAccountConnection{name}" for name in ("", "Accepter"))
    name, there = unique("far"), ENVIRONMENT_ACCOUNT
    given = f"--environment-name {name} --management-account-id {ACCOUNT} --role-arn {role(there)}"
    (tmp_path / "reject.pp").write_text('decision = "REJECT"\n')

    shell(f"{request} create --yes {given}", there)
    identifier = _identifier(shell(f"{request} list", there), name)
    shell(f"{request} patch {identifier} --role-arn {role(there, 'other')} --yes", there)
    shell(f"{accepter} create --yes --connection-id {identifier}")
    assert _identifier(shell(f"{accepter} list"), name) == identifier
    read = json.loads(shell(f"{accepter} read {identifier} --output json"))
    assert (read["status"], read["roleArn"]) == ("CONNECTED", role(there, "other"))
    shell(f"{accepter} patch {identifier} --input pcl --input-file reject.pp --yes")
    assert json.loads(shell(f"{request} read {identifier} --output json", there))["status"] == "REJECTED"
    shell(f"{accepter} delete {identifier} --yes")
    shell(f"{request} delete {identifier} --yes", there)
    assert name not in shell(f"{request} list", there)


def test_the_accounts_settings_are_made_listed_changed_and_deleted(
    shell: Callable[..., str], proton_server: LocalServer
) -> None:
    proton, identifier = proton_server.client("proton"), f"{ACCOUNT}/{REGION}"
    settings = "pulumi do $PROTON:AccountSettings"

    shell(f"{settings} create --yes --pipeline-service-role-arn {role(ACCOUNT)}")
    assert _identifier(shell(f"{settings} list"), "default") == identifier
    shell(f"{settings} patch {identifier} --pipeline-codebuild-role-arn {role(ACCOUNT, 'builds')} --yes")
    assert proton.get_account_settings()["accountSettings"] == {
        "pipelineServiceRoleArn": role(ACCOUNT),
        "pipelineCodebuildRoleArn": role(ACCOUNT, "builds"),
    }
    shell(f"{settings} delete {identifier} --yes")
    assert proton.get_account_settings()["accountSettings"] == {}


def _identifier(listed: str, name: str) -> str:
    """The id of the one that a list shows by a name."""
    found: list[dict[str, Any]] = json.loads(listed)
    (only,) = (item["id"] for item in found if item["name"] == name)
    assert isinstance(only, str)
    return only
