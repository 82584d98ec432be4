from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.tools.fake_machine import COMPANIONS, ROOT, FakeMachine
from tests.waiting import eventually
from tools import pulumi_cli, version
from tools.pulumi_release import VERSION

ENTRY = f"pulumi-cli-v{VERSION}"
FOUND = "print(pulumi_cli.found())"
ENSURE = "print(pulumi_cli.ensure())"


def test_a_usable_pulumi_on_path_is_taken(machine: FakeMachine) -> None:
    pulumi = machine.pulumi(machine.path)
    machine.pulumi(machine.cache / ENTRY / "bin")
    assert machine.output_of(ENSURE).split() == [str(pulumi)]


def test_the_language_host_is_looked_for_beside_the_real_program_too(
    machine: FakeMachine, tmp_path: Path
) -> None:
    real = machine.pulumi(tmp_path / "cellar")
    (machine.path / "pulumi").symlink_to(real)
    assert machine.output_of(FOUND).split() == [str(machine.path / "pulumi")]


def test_a_cli_of_the_cache_is_put_on_the_path_of_the_environment_and_one_of_the_users_is_not(
    machine: FakeMachine, tmp_path: Path
) -> None:
    cached, own = machine.pulumi(machine.cache / ENTRY / "bin"), machine.pulumi(tmp_path / "own")
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()

    linked_into = "from pathlib import Path; pulumi_cli.link_into(Path({!r}), Path({!r}))".format
    for _ in range(2):
        machine.output_of(linked_into(str(tmp_path / "first"), str(cached)))
    machine.output_of(linked_into(str(tmp_path / "second"), str(own)))

    linked = {link.name: link.resolve() for link in (tmp_path / "first").iterdir()}
    assert linked == {name: cached.parent / name for name in ("pulumi", *COMPANIONS)}
    assert not list((tmp_path / "second").iterdir())


@pytest.mark.parametrize(
    ("script", "companions"),
    [
        pytest.param("exit 1", COMPANIONS, id="fails"),
        pytest.param("echo what?", COMPANIONS, id="says no version"),
        pytest.param("echo v3.100.0", COMPANIONS, id="is too old"),
        pytest.param("echo v3.999.0", COMPANIONS[1:], id="has no language host"),
        pytest.param("echo v3.999.0", COMPANIONS[:2], id="cannot run dynamic resources"),
    ],
)
def test_an_unusable_pulumi_on_path_leads_to_the_cached_one(
    machine: FakeMachine, script: str, companions: tuple[str, ...]
) -> None:
    machine.pulumi(machine.path, script, companions)
    cached = machine.pulumi(machine.cache / ENTRY / "bin")
    assert machine.output_of(ENSURE).split() == [str(cached)]


def test_where_no_host_answers_the_cli_is_built_once_and_then_taken_from_the_cache(
    machine: FakeMachine,
) -> None:
    machine.go()
    output = machine.output_of(ENSURE)
    assert "No Pulumi CLI that way (release archive: " in output
    assert output.split()[-1] == str(machine.cache / ENTRY / "bin" / "pulumi")
    builds = machine.builds.read_text()
    assert machine.output_of(ENSURE).split() == [output.split()[-1]]
    assert machine.builds.read_text() == builds


def test_a_build_that_fails_ends_in_one_sentence_that_says_what_to_install(machine: FakeMachine) -> None:
    machine.command(
        "go", 'test "$1" = version && echo go version go9.9.9 || { echo no route to proxy >&2; exit 1; }'
    )
    output = machine.output_of(ENSURE).strip()
    assert "no route to proxy" in output
    assert output.splitlines()[-1].startswith("No way to a Pulumi CLI worked. Install one")
    assert "Traceback" not in output
    assert not (machine.cache / ENTRY).exists()


def test_an_interrupted_build_leaves_nothing_that_is_taken_for_a_cli(machine: FakeMachine) -> None:
    machine.go(seconds=30)
    first = machine.start(ENSURE)
    eventually(machine.builds.exists)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    machine.go()
    assert machine.output_of(ENSURE).split()[-1] == str(machine.cache / ENTRY / "bin" / "pulumi")


def test_two_set_ups_at_once_build_once(machine: FakeMachine) -> None:
    machine.go(seconds=1)
    both = [machine.start(ENSURE), machine.start(ENSURE)]
    output = [process.communicate(timeout=60)[0] for process in both]
    assert {text.split()[-1] for text in output} == {str(machine.cache / ENTRY / "bin" / "pulumi")}
    assert machine.builds.read_text().split() == [
        "built",
        "built",
    ]  # the CLI and its language host, each once
    assert any("Waiting for another set-up" in text for text in output)


def test_nothing_of_the_users_own_settings_reaches_the_environment(
    machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.pulumi(machine.path)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH"):
        monkeypatch.setenv(name, "the user's own")
    monkeypatch.setenv("no_proxy", "intranet")
    pulumi_cli.found.cache_clear()
    environment = pulumi_cli.environment(tmp_path / "state", "http://127.0.0.1:1", account="111111111111")
    pulumi_cli.found.cache_clear()
    assert "the user's own" not in environment.values()
    assert environment["AWS_ACCESS_KEY_ID"] == "111111111111"
    assert environment["PATH"].split(":")[:2] == [str(ROOT / ".venv" / "bin"), str(machine.path)]
    assert environment["PULUMI_BACKEND_URL"] == (tmp_path / "state" / "stacks").as_uri()
    assert environment["no_proxy"] == environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_the_modules_that_are_built_are_of_the_version_that_is_downloaded() -> None:
    modules = (ROOT / "tools" / "pulumi-cli" / "cli" / "go.mod").read_text()
    assert version.number_in(modules, after="github.com/pulumi/pulumi/pkg/v3 v") == version.number_in(VERSION)
