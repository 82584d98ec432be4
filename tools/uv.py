"""uv, and with it everything else that comes from PyPI: uv from PATH if it is new enough, else a private one.

Forbidden here: anything outside the standard library, and touching a Python environment that isn't ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import cache, version

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"

PINNED = "0.13.9"
_NO_UV = (
    "uv could not be installed from PyPI: {reasons}. Install Python's venv module (Debian and Ubuntu: "
    "`apt install python3-venv`) or uv itself (https://docs.astral.sh/uv/), and run make again."
)


def executable() -> Path:
    """A uv that `pyproject.toml` accepts; exits with one sentence when there is no way to one."""
    on_path = shutil.which("uv")
    if on_path and _is_new_enough(Path(on_path)):
        return Path(on_path)
    return (
        cache.entry(f"uv-{PINNED}", is_whole=lambda made: _is_new_enough(made / "bin" / "uv"), fill=_install)
        / "bin"
        / "uv"
    )


def sync() -> None:
    """Bring `.venv` to what `uv.lock` says, with every extra and the development tools."""
    # The interpreter is named only for a new environment: an existing one keeps the Python it was made with.
    choice = []
    if _output([str(VENV / "bin" / "python"), "-c", "print('ready')"]) != "ready":
        print(f"Installing the locked dependencies into {VENV.name}, with Python {sys.version.split()[0]} …")
        choice = ["--python", sys.executable]
    command = [str(executable()), "sync", "--quiet", "--locked", "--all-extras", *choice]
    if subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode:
        sys.exit("uv could not install the locked dependencies; its own words are above.")


def install(requirement: str, target: Path) -> None:
    """Unpack one requirement from PyPI into the folder `target`; raises `CalledProcessError`."""
    command = [
        str(executable()),
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        str(target),
        requirement,
    ]
    subprocess.run(command, env=_environment(), check=True)


def _install(target: Path) -> None:
    # A private environment is the clean way; Debian splits it off into a package of its own, but may have
    # pip.
    requirement = f"uv=={PINNED}"
    print(f"Installing {requirement} from PyPI into {cache.folder()} …")
    ways = (
        [
            [sys.executable, "-m", "venv", "--clear", str(target)],
            [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement],
        ],
        [[sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), requirement]],
    )
    reasons = []
    for way in ways:
        for command in way:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                reasons.append(_last_line(done.stderr + done.stdout))
                break
        else:
            return
    sys.exit(_NO_UV.format(reasons="; ".join(reasons)))


def _is_new_enough(uv: Path) -> bool:
    floor = version.number_in((ROOT / "pyproject.toml").read_text(), after="required-version")
    return version.number_in(_output([str(uv), "--version"])) >= floor


def _environment() -> dict[str, str]:
    # Each of these would send the work somewhere else than this repository's own .venv.
    elsewhere = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PROJECT", "UV_WORKING_DIR", "UV_PYTHON"}
    kept = {name: value for name, value in os.environ.items() if name not in elsewhere}
    return kept | {"UV_PYTHON_DOWNLOADS": "never"}


def _output(command: list[str]) -> str:
    """What a command prints, or nothing when it doesn't run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason given")
