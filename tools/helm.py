"""Helm, built from the Go module proxy and kept in the user's cache; `tools/helm-cli/` pins it with hashes.

Forbidden here: anything outside the standard library, and resolving a version that isn't pinned.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools import cache, version
from tools.go import toolchain

_MODULE = Path(__file__).resolve().parent / "helm-cli"
_PACKAGE = "helm.sh/helm/v3/cmd/helm"


def program() -> Path:
    """The program, built the first time; raises `RuntimeError` with a sentence."""
    pinned = version.number_in((_MODULE / "go.mod").read_text(), after="\thelm.sh/helm/v3 v")
    name = f"helm-v{'.'.join(map(str, pinned))}"
    return cache.entry(name, is_whole=_runs, fill=_build_into) / "bin" / "helm"


def _build_into(folder: Path) -> None:
    print("Building Helm from source, once; on two cores this takes about 3 minutes …")
    own = cache.folder() / "go-for-helm"
    (folder / "bin").mkdir()
    toolchain(own, _MODULE).build(_MODULE, _PACKAGE, folder / "bin" / "helm")
    shutil.rmtree(own, ignore_errors=True)


def _runs(folder: Path) -> bool:
    try:
        subprocess.run([folder / "bin" / "helm", "version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
