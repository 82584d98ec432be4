"""How a build's commands are run: one shell for all, an end for everything they start."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from proton_server.local.codebuild.shell import Shell, last_lines
from proton_server.local.codebuild.source import BuildSourceError, read_buildspec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    return tmp_path / "src"


def run(folder: Path, *commands: str, seconds: float = 20) -> tuple[int | None, str, Shell]:
    """The exit status of commands, and what they printed."""
    log = folder.parent / "log"
    shell = Shell(commands, folder, {"PATH": os.environ["PATH"]}, log)
    shell.start()
    status = shell.wait(seconds)
    lines = [line for line in log.read_text().splitlines() if not line.startswith("[Container]")]
    return status, "\n".join(lines), shell


def test_commands_share_one_shell(folder: Path) -> None:
    assert run(folder, "mkdir sub; cd sub", "export NAME=value", 'echo "$NAME in $(basename "$PWD")"')[
        :2
    ] == (
        0,
        "value in sub",
    )


def test_the_first_that_fails_is_the_last(folder: Path) -> None:
    status, printed, shell = run(folder, "echo one", "(exit 3)", "echo never")
    assert (status, printed, shell.last_command()) == (3, "one", "command 2")


@pytest.mark.parametrize("command", ["if true; then", "echo 'open", "for"])
def test_a_command_of_bad_syntax_spoils_no_other(folder: Path, command: str) -> None:
    status, printed, shell = run(folder, "echo one", command, "echo never")
    assert status != 0
    assert printed.startswith("one")
    assert "never" not in printed
    assert shell.last_command() == "command 2"


def test_exit_in_a_command_ends_the_build(folder: Path) -> None:
    assert run(folder, "exit 4", "echo never")[:2] == (4, "")


def test_commands_have_nothing_to_read(folder: Path) -> None:
    assert run(folder, "cat; echo read")[:2] == (0, "read")


def test_when_time_is_up_everything_that_was_started_ends(folder: Path) -> None:
    status, printed, _ = run(folder, "sleep 60 & echo $!; wait", seconds=0.5)
    assert status is None
    assert_ends(int(printed))


def test_what_a_successful_build_left_in_the_background_ends_with_it(folder: Path) -> None:
    status, printed, _ = run(folder, "sleep 60 & echo $!")
    assert status == 0
    assert_ends(int(printed))


def assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.02)
    pytest.fail(f"process {pid} still runs")


def test_the_last_lines_are_few_and_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("[Container] Running command 1\n" + "".join(f"line {number}\n\n" for number in range(99)))
    assert last_lines(log).split(" | ") == [f"line {number}" for number in range(94, 99)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere.yaml", "There is no buildspec nowhere.yaml in the source."),
        ("../log", "There is no buildspec ../log in the source."),
    ],
)
def test_a_buildspec_that_is_not_in_the_source_is_refused_with_a_sentence(
    folder: Path, text: str, message: str
) -> None:
    (folder.parent / "log").touch()
    with pytest.raises(BuildSourceError, match="buildspec") as caught:
        read_buildspec(text, folder)
    assert message in str(caught.value)
