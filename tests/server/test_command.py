"""The command `proton-server` where the extra that it needs is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("missing", ["click", "jinja2", "pebble"])
def test_without_its_dependencies_the_command_says_what_to_install(missing: str) -> None:
    program = f"""
import sys
sys.modules[{missing!r}] = None
sys.argv[1:] = ["templates", "check", "."]
from proton_server.cli.__main__ import main
main()
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"proton-server needs {missing}")
    assert "pip install '.[server]'" in done.stderr
    assert "Traceback" not in done.stderr
