"""The image, built on Debian's packages and started as a runtime starts it."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import boto3
import click
import pytest

from proton_server.cli.commands import main
from tests.image.containers import Container
from tests.image.images import Images
from tests.master_keys import MASTER_KEYS_ENVIRONMENT
from tests.names import ACCOUNT
from tests.servers import free_port

_ENVIRONMENT = MASTER_KEYS_ENVIRONMENT | {"AWS_EC2_METADATA_DISABLED": "true"}
_DATA = "/var/lib/proton-server"


@pytest.fixture
def serve(images: Images, serve_image: str, folder_of_user: Path) -> Container:
    return Container.of(images, serve_image, environment=_ENVIRONMENT, mounts={_DATA: folder_of_user})


def test_its_user_is_a_number_and_not_root(images: Images, serve_image: str, local_image: str) -> None:
    for image in (serve_image, local_image):
        uid, _, gid = images.configuration(image)["User"].partition(":")
        assert int(uid) >= 1000
        assert int(gid) >= 1000


def test_it_says_what_it_is_and_how_it_is_run(images: Images, serve_image: str) -> None:
    configuration = images.configuration(serve_image)

    assert configuration["Entrypoint"] == ["proton-server"]
    assert configuration["Cmd"][0] == "serve"
    assert list(configuration["ExposedPorts"]) == ["4030/tcp"]
    assert list(configuration["Volumes"]) == [_DATA]
    assert configuration["StopSignal"] == "SIGTERM"
    assert configuration["Labels"]["org.opencontainers.image.title"] == "proton-server"


@pytest.mark.parametrize("name", ["gcc", "uv", "pip"])
def test_nothing_that_built_it_is_left(serve: Container, name: str) -> None:
    assert serve.run("sh", "-c", f"command -v {name}", check=False).returncode == 127


def test_serve_has_neither_moto_nor_pulumi_and_local_has_moto(
    images: Images, serve_image: str, local_image: str
) -> None:
    names = ("boto3", "moto", "a2wsgi", "pulumi", "grpc")
    program = f"from importlib.util import find_spec; print(*filter(find_spec, {names}))"

    assert images.run(serve_image, "python", "-c", program).split() == ["boto3"]
    assert images.run(local_image, "python", "-c", program).split() == ["boto3", "moto", "a2wsgi"]


@pytest.mark.parametrize("command", sorted({*main.list_commands(click.Context(main))} - {"local"}))
def test_each_command_but_local_runs_with_what_is_in_it(serve: Container, command: str) -> None:
    assert "Usage: proton-server" in serve.run(*serve.command([command, "--help"])).stdout


def test_serve_runs_without_rights_on_a_read_only_root_answers_a_signed_request_and_ends_with_0(
    serve: Container,
) -> None:
    port = free_port()
    key = dict(
        line.split("=", 1)
        for line in serve.run(*serve.command(["keys", "create", "--account", ACCOUNT])).stdout.split()
        if line.startswith("AWS_")
    )

    with serve.running(*serve.command(), "--port", str(port)) as server:
        client = boto3.client(
            "proton",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_environment_template(name="vpc")
        templates = client.list_environment_templates()["templates"]
        status = server.status()
        code = server.ended_by_sigterm()

    assert [template["name"] for template in templates] == ["vpc"]
    assert status["Uid"] == "10001 10001 10001 10001"
    assert status["Groups"] == ""
    assert (status["CapEff"], status["CapBnd"], status["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")
    assert serve.run("sh", "-c", "echo > /opt/proton-server/x", check=False).returncode != 0
    assert code == 0


def test_local_is_reached_from_outside_its_loopback_and_ends_with_0(
    images: Images, local_image: str, folder_of_user: Path
) -> None:
    local = Container.of(images, local_image, mounts={_DATA: folder_of_user})
    port = free_port()

    with local.running(*local.command(), "--port", str(port)) as server:
        with urllib.request.urlopen(f"http://127.0.0.2:{port}/health", timeout=10) as response:
            assert response.status == 200
        access = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local", "region_name": "eu-west-1"}
        queues = boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", **access)  # type: ignore[call-overload]
        queues.create_queue(QueueName="work")
        found = queues.list_queues()["QueueUrls"]
        code = server.ended_by_sigterm()

    assert [url.rpartition("/")[2] for url in found] == ["work"]
    assert "git version" in local.run("git", "--version").stdout
    assert code == 0
