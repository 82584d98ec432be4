"""Where the local CodeBuild keeps its builds, and for how long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from proton_server.local.codebuild.workspace import remove_abandoned

MAKE = "from proton_server.local.codebuild.workspace import builds_folder; print(builds_folder())"


def made_by_a_process(temporary: Path, end: str = "") -> Path:
    """The folder of a process that has ended, as the process named it."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{MAKE}\n{end}"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        check=not end,
        text=True,
    )
    return Path(ended.stdout.strip())


def test_the_folder_of_builds_goes_with_its_process(tmp_path: Path) -> None:
    folder = made_by_a_process(tmp_path)
    assert folder.parent == tmp_path
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = made_by_a_process(tmp_path, "import os, sys; sys.stdout.flush(); os.kill(os.getpid(), 9)")
    assert left.is_dir()
    made_by_a_process(tmp_path)
    assert not left.exists()


def test_the_folder_of_a_process_that_runs_stays(tmp_path: Path) -> None:
    mine, unnamed = (tmp_path / f"proton-local-builds-{name}" for name in (f"{os.getpid()}-x", "x"))
    mine.mkdir()
    unnamed.mkdir()
    remove_abandoned(tmp_path)
    assert mine.is_dir()
    assert unnamed.is_dir()
