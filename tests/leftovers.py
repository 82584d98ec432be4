"""What the programs that tests start could leave behind: files in a temporary folder, and processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator

import psutil

_VARIABLE = "TMPDIR"
_SECONDS = 10


@contextlib.contextmanager
def temporary_folder() -> Iterator[None]:
    """Gives programs a temporary folder of their own; fails when one of them is still running afterwards."""
    tempfile.gettempdir()  # stays what it is in this process
    before = os.environ.get(_VARIABLE)
    folder = os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="proton-tests-")
    try:
        yield
        deadline = time.monotonic() + _SECONDS
        while (left := _processes(folder)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, f"Processes that are still running after their tests: {left}"
    finally:
        del os.environ[_VARIABLE]
        if before is not None:
            os.environ[_VARIABLE] = before
        # A server that a test killed could not remove its temporary folders.
        shutil.rmtree(folder, ignore_errors=True)


def _processes(folder: str) -> list[str]:
    """The command lines of the running processes that have this temporary folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(_VARIABLE) == folder and not _is_helper(process):
                found.append(" ".join(process.cmdline()))
    return found


def _is_helper(process: psutil.Process) -> bool:
    """Whether Python's multiprocessing started it for this process, and will end it with this process."""
    return process.ppid() == os.getpid() and "from multiprocessing." in " ".join(process.cmdline())
