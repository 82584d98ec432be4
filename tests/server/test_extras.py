"""What `proton-server` does with the dependencies of one extra only, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.master_keys import MASTER_KEYS_ENVIRONMENT
from tools import uv


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the extra `server`; `make setup` has fetched all that it needs."""
    environment = tmp_path_factory.mktemp("extra") / "venv"
    command = [uv.executable(), "sync", "--quiet", "--locked", "--no-dev", "--extra", "server"]
    subprocess.run(
        [*command, "--python", uv.VENV / "bin" / "python"],
        cwd=uv.ROOT,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(environment)},
        check=True,
    )
    return environment / "bin"


@pytest.fixture
def serving(installed: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of a `serve` there."""
    command = [installed / "proton-server", "serve", "--port", "0", "--database", tmp_path / "state.sqlite3"]
    environment = os.environ | MASTER_KEYS_ENVIRONMENT | {"AWS_EC2_METADATA_DISABLED": "true"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[4]
        finally:
            server.terminate()


def test_the_extra_server_is_enough_for_serve(serving: str) -> None:
    with urllib.request.urlopen(f"{serving}/health", timeout=10) as response:
        assert response.read().strip() == b"ok"


def test_the_extra_server_brings_nothing_of_the_local_aws(installed: Path) -> None:
    names = ("boto3", "moto", "a2wsgi", "werkzeug", "cfnlint")
    program = f"from importlib.util import find_spec; print(*filter(find_spec, {names}))"

    found = _output(installed / "python", "-c", program)

    assert found.stdout == "boto3\n"


def test_local_without_its_extra_says_what_to_install_and_makes_no_database(
    installed: Path, tmp_path: Path
) -> None:
    done = _output(installed / "proton-server", "local", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        "Error: proton-server needs a2wsgi, which is not installed: install the local extra with "
        "`pip install 'pulumi-aws-proton[local]'`, from a clone with `pip install '.[local]'`\n"
    )
    assert not list(tmp_path.iterdir())


def _output(*command: Path | str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
