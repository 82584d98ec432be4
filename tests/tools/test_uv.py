from __future__ import annotations

from tests.tools.fake_machine import FakeMachine

EXECUTABLE = "print(uv.executable())"


def test_a_new_enough_uv_on_path_is_taken(machine: FakeMachine) -> None:
    uv = machine.command("uv", "echo uv 0.99.0")
    assert machine.output_of(EXECUTABLE).split() == [str(uv)]


def test_a_uv_that_is_too_old_or_broken_leads_to_our_own(machine: FakeMachine) -> None:
    own = machine.command("uv", "echo uv 0.99.0", machine.cache / "uv-0.13.9" / "bin")
    for script in ("echo uv 0.4.30", "exit 1"):
        machine.command("uv", script)
        assert machine.output_of(EXECUTABLE).split() == [str(own)]
