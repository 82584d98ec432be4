"""Where a command finds the server's database: its option, or the environment."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from proton_server.cli.commands import main
from proton_server.persistence.database_urls import name_of, parse_url, with_password
from tests.commands import run_command


@pytest.mark.parametrize("password", ["secret", "p@ss:w/o?r#d%41 ü"])
def test_a_url_without_a_password_gets_that_of_the_file(password: str) -> None:
    url = parse_url(with_password("postgresql://proton@database/proton?sslmode=require", password))

    assert (url.username, url.password, url.host) == ("proton", password, "database")
    assert url.query == {"sslmode": "require"}
    assert password not in name_of(url)


@pytest.mark.parametrize("database", ["postgresql+psycopg://proton:own@database/proton", "proton.sqlite3"])
def test_a_url_with_a_password_and_a_file_stay_as_they_are(database: str) -> None:
    assert with_password(database, "other") == database


def test_commands_take_the_database_from_the_environment_and_an_option_wins(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours.sqlite3", tmp_path / "other.sqlite3"
    environment = {"PROTON_DATABASE": str(ours)}

    run_command("database", "upgrade", environment=environment)
    run_command("database", "upgrade", "--database", str(other), environment=environment)

    assert ours.exists()
    assert other.exists()


def test_local_does_not_take_the_database_of_serve_from_the_environment() -> None:
    variables = {}
    for name in ("local", "serve"):
        command = main.get_command(click.Context(main), name)
        assert command is not None
        variables[name] = [option.envvar for option in command.params if option.name == "database"]

    assert variables == {"local": [None], "serve": ["PROTON_DATABASE"]}


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"\xff", "it is not UTF-8")]
)
def test_a_password_file_that_cannot_be_read_is_one_sentence(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    done = run_command(
        "keys",
        "list",
        "--database",
        "postgresql://proton@database/proton",
        environment={"PROTON_DATABASE_PASSWORD_FILE": str(file)},
    )

    assert done.exit_code == 1
    assert done.output == f"Error: PROTON_DATABASE_PASSWORD_FILE: {file} cannot be read: {reason}.\n"
