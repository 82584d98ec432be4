"""The command `proton-server` where the extra that it needs is not installed."""

from __future__ import annotations

import subprocess
import sys


def test_without_its_dependencies_the_command_says_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from proton_server.cli.__main__ import main; main()"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("proton-server needs click")
    assert "pip install '.[server]'" in done.stderr
    assert "Traceback" not in done.stderr
