"""The command `proton-server` where the extra that it needs is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TEMPLATES = ["templates", "check", "."]


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("click", _TEMPLATES, "server"),
        ("jinja2", _TEMPLATES, "server"),
        ("pebble", _TEMPLATES, "server"),
        ("click", ["local"], "local"),
        ("moto", ["local"], "local"),
    ],
)
def test_without_its_dependencies_the_command_says_what_to_install(
    missing: str, command: list[str], extra: str
) -> None:
    program = f"""
import sys
sys.modules[{missing!r}] = None
sys.argv[1:] = {command!r}
from proton_server.cli.__main__ import main
main()
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"proton-server needs {missing}, which is not installed" in done.stderr
    assert f"pip install '.[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
