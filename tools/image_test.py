"""`make image-test`: `tests/image`, with Debian's mmdebstrap and buildah, Helm, and checkers of files.

Packages of Debian stay installed, and Helm in the user's cache; all else is removed at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import helm, uv

_PROGRAMS = ("buildah", "mmdebstrap")
"""Each in Debian's package of the same name."""
_NOT_HERE = (
    "make image-test needs {lack}: it makes a root file system of Debian's packages, and builds and starts "
    "images on it in a chroot. Run it as root on a Debian machine."
)


def main() -> int:
    """Runs the tests; the exit code is pytest's. Exits with one sentence where they cannot run."""
    if not shutil.which("apt-get"):
        sys.exit(_NOT_HERE.format(lack="apt-get"))
    if os.geteuid() != 0:
        sys.exit(_NOT_HERE.format(lack="root"))
    _install_programs()
    try:
        helm_folder = helm.program().parent
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"Helm could not be built: {error}.")
    with tempfile.TemporaryDirectory(prefix="proton-image-test-") as folder:
        environment = os.environ | {
            "PATH": os.pathsep.join([str(helm_folder), os.environ["PATH"]]),
            "UV_PROJECT_ENVIRONMENT": str(Path(folder, "venv")),
            "UV_PYTHON": sys.executable,
        }
        command = [str(uv.executable()), "run", "--quiet", "--locked", "--all-extras"]
        command += ["--group", "image-test", "pytest", "tests/image", "-vv", *sys.argv[1:]]
        return subprocess.run(command, cwd=uv.ROOT, env=environment, check=False).returncode


def _install_programs() -> None:
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    if not missing:
        return
    print(f"Installing {', '.join(missing)} from Debian's packages …")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().rpartition("\n")[2]
            sys.exit(f"`{' '.join(command)}` failed: {reason}")


if __name__ == "__main__":
    sys.exit(main())
