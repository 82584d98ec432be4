"""What keeps a build apart: a folder, a home and a Python of its own.

Of the server's own environment, a build gets only PATH.
"""

from __future__ import annotations

import os
import shlex
import shutil
import site
import sysconfig
import tempfile
import venv
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PREFIX = "proton-local-builds-"


@cache
def builds_folder() -> Path:
    """Where this process keeps its builds and their logs: a temporary folder, removed when the process ends.

    The folder of a process that was killed is removed by the next process that builds.
    """
    remove_abandoned(Path(tempfile.gettempdir()))
    folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True)
    _kept.append(folder)
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []
"""A temporary folder is removed when nothing refers to it any more."""


def remove_abandoned(temporary: Path) -> None:
    """Remove this user's folders of builds whose process runs no more."""
    for folder in temporary.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not _runs(int(pid)) and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@dataclass(frozen=True)
class Workspace:
    """The folders of a build, all below one that goes when the build ends."""

    source: Path
    home: Path
    programs: Path
    """First in PATH: a `python3` that has boto3. All other programs are the machine's own."""


def make_workspace(root: Path) -> Workspace:
    """Makes the folders, for this user's eyes only: the inputs in them may be secret."""
    root.mkdir(mode=0o700)
    python = root / "python"
    venv.EnvBuilder(symlinks=True).create(python)
    workspace = Workspace(root / "src", root / "home", python / "bin")
    workspace.source.mkdir()
    workspace.home.mkdir()
    # The server's packages can be imported, while what a build installs stays in its own environment.
    folder = Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(python)}))
    ours = "".join(f"site.addsitedir({path!r});" for path in site.getsitepackages())
    (folder / "proton.pth").write_text(f"import site;{ours}\n")
    if find_spec("pip"):
        pip = workspace.programs / "pip"
        pip.write_text(f'#!/bin/sh\nexec {shlex.quote(str(workspace.programs / "python3"))} -m pip "$@"\n')
        pip.chmod(0o700)
    return workspace
