"""The SDK's types: both checkers accept a program that uses it, and reject each mistake where it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def _mypy(program: Path) -> set[int]:
    """The lines of the program that mypy rejects."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary"]
    # The project's settings are for what is shipped; a user's program has none.
    run = subprocess.run(
        [*command, "--config-file=", str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"MYPYPATH": "provider:sdk/python"},
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return {int(line) for line in re.findall(rf"{program.name}:(\d+): error", run.stdout)}


def _pyright(program: Path) -> set[int]:
    """The lines of the program that pyright rejects."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run([*command, str(program)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = json.loads(run.stdout)["generalDiagnostics"]
    return {item["range"]["start"]["line"] + 1 for item in found if item["severity"] == "error"}


@pytest.mark.parametrize("checker", [_mypy, _pyright], ids=["mypy", "pyright"])
@pytest.mark.parametrize("program", ["accepted.py", "rejected.py"])
def test_a_checker_rejects_the_marked_lines_and_no_others(checker, program: str) -> None:
    lines = (HERE / program).read_text().splitlines()

    assert checker(HERE / program) == {number for number, line in enumerate(lines, 1) if "  # wrong" in line}


@pytest.mark.parametrize("checker", [_mypy, _pyright], ids=["mypy", "pyright"])
def test_the_python_examples_of_the_schema_use_the_sdk_as_it_is(checker, tmp_path: Path) -> None:
    pages = sorted((ROOT / "tools" / "generate" / "examples").glob("*.md"))
    blocks = [
        re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE) for page in pages
    ]
    program = tmp_path / "examples.py"
    program.write_text("\n".join(block for found in blocks for block in found))

    assert all(blocks)
    assert checker(program) == set()
