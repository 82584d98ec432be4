"""compose.yaml: valid, and its commands started with its environment, by what stands in for Docker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from compose_spec import PyCompose

from tests.image.containers import Container
from tests.image.databases import PASSWORD
from tests.image.images import Images
from tests.master_keys import MASTER_KEYS_ENVIRONMENT
from tests.names import ACCOUNT
from tests.servers import free_port
from tools import uv

_SERVICES: dict[str, Any] = yaml.safe_load((uv.ROOT / "compose.yaml").read_text())["services"]


def test_the_file_is_one_of_the_compose_specification() -> None:
    # What `<<` merges is merged before: the checker knows one level of it only.
    PyCompose.from_json(json.dumps(yaml.safe_load((uv.ROOT / "compose.yaml").read_text()))).validate()


@pytest.fixture
def container(images: Images, serve_image: str, database_port: int, folder_of_user: Path) -> Container:
    """A container of a service that is the server's, with its secrets."""
    secrets = folder_of_user / "secrets"
    secrets.mkdir()
    (secrets / "database-password").write_text(f"{PASSWORD}\n")
    (secrets / "master-keys").write_text(MASTER_KEYS_ENVIRONMENT["PROTON_MASTER_KEYS"])
    variables = {"PGPORT": str(database_port), "AWS_EC2_METADATA_DISABLED": "true"}
    return Container.of(
        images,
        serve_image,
        names="database",
        environment=_SERVICES["server"]["environment"] | variables,
        mounts={"/run/secrets": secrets},
    )


def test_the_migration_completes_and_then_the_server_starts_is_healthy_and_ends(container: Container) -> None:
    migration, server = _SERVICES["migration"], _SERVICES["server"]
    port = free_port()
    healthy = [part.replace(":4030", f":{port}") for part in server["healthcheck"]["test"][1:]]

    first = container.run(*container.command(migration["command"]))
    again = container.run(*container.command(migration["command"]))
    created = container.run(*container.command(["keys", "create", "--account", ACCOUNT])).stdout.split()
    key = dict(line.split("=", 1) for line in created if line.startswith("AWS_"))
    before = container.run(*healthy, check=False)
    with container.running(*container.command(server["command"]), "--port", str(port)) as running:
        container.run(*healthy)
        client = boto3.client(
            "proton",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
        )
        templates = client.list_environment_templates()["templates"]
        code = running.ended_by_sigterm()

    assert "was empty" in first.stdout
    assert "already" in again.stdout
    assert PASSWORD not in first.stdout + first.stderr
    assert before.returncode != 0
    assert templates == []
    assert code == 0


def test_a_wrong_password_is_one_sentence(container: Container) -> None:
    (container.mounts["/run/secrets"] / "database-password").write_text("wrong")

    done = container.run(*container.command(_SERVICES["migration"]["command"]), check=False)

    assert done.returncode == 1
    assert "password authentication failed" in done.stderr
    assert done.stderr.count("\n") == 1
