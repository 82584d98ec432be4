"""What programs in Go and TypeScript need to run in tests: language hosts, and what npm installs."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.project import Project
from tests.names import REPOSITORY
from tools import cache, version
from tools.go import toolchain_on_path

_SDK, _EXAMPLE = "sdk/nodejs", "examples/10-typescript"
_HOST = Path(__file__).with_name("language_host.py")
_NAME = "pulumi-aws-proton"
_LOCKED = (".npmrc", "package.json", "package-lock.json")
_INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")


@dataclasses.dataclass(frozen=True)
class Language:
    """An example's folder, its runtime and program, and how the program says the days of the spec."""

    folder: str
    runtime: str
    program: str
    days: str


TYPESCRIPT = Language("10-typescript", "nodejs", "index.ts", "message_retention_days: {}")
GO = Language("11-go", "go", "main.go", "pulumi.Int({})")


def give_language(project: Project, root: Path, language: Language) -> None:
    """Gives an example's copy below `root` the SDKs, where it looks for them, and its language host."""
    (root / "sdk").symlink_to(REPOSITORY / "sdk")
    put_language_host_into(root / "hosts", language.runtime)
    project.environment["PATH"] = f"{root / 'hosts'}{os.pathsep}{project.environment['PATH']}"


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


needs_node = pytest.mark.skipif(not has_node(), reason="needs Node.js 20 or newer, and npm, on PATH")
needs_go = pytest.mark.skipif(
    toolchain_on_path(REPOSITORY / "sdk" / "go") is None,
    reason="needs the Go that sdk/go/go.mod names",
)


def make_node_modules(folder: Path) -> Path:
    """What `npm ci` installs for the TypeScript example, with the SDK as tsc compiles it now."""
    installed, sdk = _installed(), folder / "sdk"
    built = shutil.ignore_patterns("node_modules", "bin")
    shutil.copytree(REPOSITORY / _SDK, sdk, ignore=built)
    (sdk / "node_modules").symlink_to(installed / _SDK / "node_modules")
    _run(sdk, "npm", "run", "build")
    shutil.copy(sdk / "package.json", sdk / "bin")
    modules = folder / "node_modules"
    modules.mkdir()
    for package in (installed / _EXAMPLE / "node_modules").iterdir():
        (modules / package.name).symlink_to(package)
    (modules / _NAME).unlink()
    # A copy, as install-links makes it: from where it is, it finds the program's @pulumi/pulumi.
    shutil.copytree(sdk / "bin", modules / _NAME)
    return modules


def _installed() -> Path:
    """The packages of the lock files, kept in the user's cache until a lock file changes."""
    names = [f"{folder}/{name}" for folder in (_SDK, _EXAMPLE) for name in _LOCKED]
    digest = hashlib.sha256(b"".join((REPOSITORY / name).read_bytes() for name in names)).hexdigest()

    def is_whole(entry: Path) -> bool:
        stamp = entry / "digest"
        return stamp.exists() and stamp.read_text() == digest

    def fill(entry: Path) -> None:
        for name in names:
            (entry / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, entry / name)
        _run(entry / _SDK, *_INSTALL)
        # Enough of the SDK for npm to install it; what it compiles to is added for each run of the tests.
        (entry / _SDK / "bin").mkdir()
        shutil.copy(entry / _SDK / "package.json", entry / _SDK / "bin")
        _run(entry / _EXAMPLE, *_INSTALL)
        (entry / "digest").write_text(digest)

    return cache.entry("typescript", is_whole=is_whole, fill=fill)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`{' '.join(command)}` in {folder}: {done.stdout}{done.stderr}"
