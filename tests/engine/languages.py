"""What programs in Go and TypeScript need to run in tests: language hosts, and what npm installs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.names import REPOSITORY
from tools import cache, version

_SDK, _EXAMPLE = "sdk/nodejs", "examples/10-typescript"
_HOST = Path(__file__).with_name("language_host.py")
_INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")


def put_language_host_into(folder: Path, language: str) -> None:
    """Makes the program by whose name the engine starts the host of a language."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"pulumi-language-{language}"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{_HOST}" {language} "$@"\n')
    program.chmod(0o755)


def has_node() -> bool:
    """Whether Node.js 20 or newer is on PATH, and npm: what the Node.js SDK of Pulumi needs."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return version.number_in(answer) >= (20,)


def node_modules() -> Path:
    """The packages of the TypeScript example: what npm installs, and the SDK as tsc compiles it.

    They are kept in the user's cache until a source of the SDK or a lock file changes.
    """
    sources = _sources()
    digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()

    def is_whole(folder: Path) -> bool:
        stamp = folder / "digest"
        return stamp.exists() and stamp.read_text() == digest

    def fill(folder: Path) -> None:
        for name, content in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        sdk = folder / _SDK
        _run(sdk, *_INSTALL)
        _run(sdk, "npm", "run", "build")
        shutil.copy(sdk / "package.json", sdk / "bin")
        shutil.rmtree(sdk / "node_modules")  # only tsc needed it
        _run(folder / _EXAMPLE, *_INSTALL)
        (folder / "digest").write_text(digest)

    return cache.entry("typescript", is_whole=is_whole, fill=fill) / _EXAMPLE / "node_modules"


def _sources() -> dict[str, bytes]:
    """What is compiled and installed: the files by their path from the repository's root."""
    installed = {"node_modules", "bin"}
    sdk = [
        path
        for path in (REPOSITORY / _SDK).rglob("*")
        if path.is_file() and not installed & {*path.relative_to(REPOSITORY).parts}
    ]
    example = [REPOSITORY / _EXAMPLE / name for name in (".npmrc", "package.json", "package-lock.json")]
    return {path.relative_to(REPOSITORY).as_posix(): path.read_bytes() for path in (*sdk, *example)}


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`{' '.join(command)}` in {folder}: {done.stdout}{done.stderr}"
