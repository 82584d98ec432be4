"""The user's cache folder, for what is fetched or built once: an entry is whole, or it is not there.

Forbidden here: knowing what an entry is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


def folder() -> Path:
    """The project's own folder in the user's cache (XDG Base Directory Specification), made if missing."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification: a relative path in XDG_CACHE_HOME is invalid and to be ignored.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    own = root / "pulumi-aws-proton"
    own.mkdir(parents=True, exist_ok=True)
    return own


def entry(name: str, *, is_whole: Callable[[Path], bool], fill: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache; without a whole one, `fill` is given an empty folder to make it in.

    Any number of processes may ask at once: one fills, the others wait and take what it made. A process that
    dies while filling leaves only a `.partial` folder, which the next one clears away. What `fill` raises is
    passed on; so is a `RuntimeError` when what it made is not whole.
    """
    target = folder() / name
    with _locked(name):
        if is_whole(target):
            return target
        partial = target.with_name(f"{name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        fill(partial)
        if not is_whole(partial):
            msg = f"what was made for {name} does not work on this machine"
            raise RuntimeError(msg)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    return target


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    # flock rather than a lock file's existence: the kernel lets go of it when its holder dies, however it
    # dies.
    with (folder() / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another set-up on this machine, which is making {name} …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
