"""The files that install a server, checked without building anything: that is `make image-test`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from proton_server.cli.commands import main
from tools import uv

CHART = uv.ROOT / "deploy/helm/proton-server"
_FILES = [uv.ROOT / "Containerfile", uv.ROOT / "compose.yaml", *sorted(CHART.glob("templates/*"))]
_COMPOSE = yaml.safe_load((uv.ROOT / "compose.yaml").read_text())
_VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
_READ_BY_FILE = {"PROTON_MASTER_KEYS_FILE", "PROTON_DATABASE_PASSWORD_FILE"}
"""Variables that are not those of an option."""


def _options(command: str) -> list[click.Option]:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    return [option for option in found.params if isinstance(option, click.Option)]


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_every_variable_of_the_server_is_one_that_it_reads(file: Path) -> None:
    read = {str(option.envvar) for option in _options("serve") if option.envvar} | _READ_BY_FILE

    assert set(re.findall(r"\bPROTON_[A-Z_]*[A-Z]", file.read_text())) <= read


def test_every_option_in_the_chart_is_one_of_serve() -> None:
    options = {name for option in _options("serve") for name in option.opts}

    shown = set(re.findall(r"(--[a-z][a-z-]+)=", (CHART / "templates/deployment.yaml").read_text()))

    assert "--host" in shown
    assert shown <= options


def test_the_image_has_the_version_of_the_package_and_so_has_the_chart() -> None:
    version = re.search(r'^version = "(.+)"', (uv.ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert f"\nARG VERSION={version[1]}\n" in (uv.ROOT / "Containerfile").read_text()
    assert (chart["version"], chart["appVersion"]) == (version[1], version[1])


def test_the_image_is_built_with_the_uv_that_the_project_is_set_up_with() -> None:
    assert f"\nARG UV_VERSION={uv.PINNED}\n" in (uv.ROOT / "Containerfile").read_text()


def test_the_image_listens_at_the_port_that_is_the_default() -> None:
    port = next(option.default for option in _options("serve") if option.name == "port")

    assert f"\nEXPOSE {port}\n" in (uv.ROOT / "Containerfile").read_text()
    assert _COMPOSE["services"]["server"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"- --port={port}\n" in (CHART / "templates/deployment.yaml").read_text()


def test_no_secret_is_in_compose_yaml_and_no_server_has_rights() -> None:
    services = _COMPOSE["services"]

    for name in ("migration", "server", "local"):
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name
    variables = {**services["server"]["environment"], **services["database"]["environment"]}
    assert all(name.endswith("_FILE") for name in variables if re.search("PASSWORD|KEY", name))
    assert "@" not in variables["PROTON_DATABASE"].partition("://")[2].partition("@")[2]
    assert ":" not in variables["PROTON_DATABASE"].partition("://")[2].partition("@")[0]


def test_compose_publishes_on_loopback_only_and_migrates_between_the_database_and_the_server() -> None:
    services = _COMPOSE["services"]

    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert services["migration"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["server"]["depends_on"]["migration"]["condition"] == "service_completed_successfully"


def _paths(values: dict[str, Any], prefix: str = "") -> list[str]:
    paths = []
    for name, value in values.items():
        deeper = isinstance(value, dict) and value and name != "resources"
        paths += _paths(value, f"{prefix}{name}.") if deeper else [f"{prefix}{name}"]
    return paths


def test_every_value_of_the_chart_is_in_its_readme_and_is_used() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE)
    templates = "".join(file.read_text() for file in CHART.glob("templates/*"))

    assert rows == _paths(_VALUES)
    for path in rows:
        name = path.rpartition(".")[2]
        assert f".Values.{path}" in templates or f".{name} " in templates, path


@pytest.mark.parametrize("name", ["smallest", "everything"])
def test_the_schema_of_the_values_takes_what_the_tests_install(name: str) -> None:
    given = yaml.safe_load((uv.ROOT / f"tests/image/values/{name}.yaml").read_text())

    jsonschema.validate(_VALUES | given, json.loads((CHART / "values.schema.json").read_text()))


@pytest.mark.parametrize(
    "given",
    [
        {"replicas": 2},
        {"database": {"url": "postgresql://proton:secret@database/proton"}},
        {"database": {"url": "proton.sqlite3"}},
        {"templateBucketAccounts": [111122223333]},
        {"config": {"access": [{"principal": "arn:aws:iam::111122223333:role/x", "allow": "all"}]}},
        {"publicUrl": "http://proton.example.com"},
        {"replicaCount": 0},
    ],
    ids=str,
)
def test_the_schema_of_the_values_refuses_mistakes(given: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, json.loads((CHART / "values.schema.json").read_text()))
