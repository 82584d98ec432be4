"""The clients of the matrix, in pinned versions: each is installed once, into the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.engine.languages import has_node
from tools import cache, uv
from tools.go import toolchain_on_path

PROGRAMS = Path(__file__).parent / "programs"
_JAVASCRIPT, _GO = PROGRAMS / "javascript", PROGRAMS / "go"
_NPM = ("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts")


class Missing(Exception):
    """This machine lacks what a client needs; the text says what."""


@dataclass(frozen=True)
class Client:
    """A client: its name in the table, and how it is made ready.

    `install` is given an empty folder of this run, and returns the command to which the name of a walk is
    added. It raises Missing.
    """

    name: str
    install: Callable[[Path], list[str]]


def _python(requirements: str) -> list[str]:
    """The Python of an environment with what a file requires and nothing else."""
    file = PROGRAMS / requirements

    def fill(entry: Path) -> None:
        _run(entry, str(uv.executable()), "venv", "--quiet", "--python", sys.executable, "environment")
        # Compiled now: where Python writes no bytecode, each run would compile it.
        install = ["pip", "install", "--quiet", "--compile-bytecode", "--require-hashes"]
        place = ["--python", str(entry / "environment" / "bin" / "python")]
        _run(entry, str(uv.executable()), *install, *place, f"--requirements={file}")

    entry = _entry(f"clients-{file.stem}", [file], fill, salt=sys.version)
    return [str(entry / "environment" / "bin" / "python")]


def _boto3(_folder: Path) -> list[str]:
    return [sys.executable, str(PROGRAMS / "boto3_walk.py")]


def _oldest_boto3(_folder: Path) -> list[str]:
    return [*_python("boto3-oldest.txt"), str(PROGRAMS / "boto3_walk.py")]


def _aws_cli_1(_folder: Path) -> list[str]:
    return [*_python("awscli.txt"), str(PROGRAMS / "aws_cli_walk.py")]


def _aws_cli_2(_folder: Path) -> list[str]:
    program = shutil.which("aws")
    version = _run(Path.cwd(), program, "--version") if program else ""
    if program is None or not version.startswith("aws-cli/2."):
        raise Missing("needs version 2 of the AWS CLI as `aws` on PATH")
    return [sys.executable, str(PROGRAMS / "aws_cli_walk.py"), program]


def _javascript(folder: Path) -> list[str]:
    if not has_node():
        raise Missing("needs Node.js 20 or newer, and npm, on PATH")
    locked = [_JAVASCRIPT / name for name in (".npmrc", "package.json", "package-lock.json")]

    def fill(entry: Path) -> None:
        for file in locked:
            shutil.copy(file, entry)
        _run(entry, *_NPM)

    entry = _entry("clients-javascript", locked, fill)
    # A module looks for packages beside itself.
    (folder / "node_modules").symlink_to(entry / "node_modules")
    program = shutil.copy(_JAVASCRIPT / "walk.mjs", folder)
    return ["node", str(program)]


def _go(_folder: Path) -> list[str]:
    go = toolchain_on_path(_GO)
    if go is None:
        raise Missing("needs the Go that programs/go/go.mod names, on PATH")

    def fill(entry: Path) -> None:
        go.build(_GO, ".", entry / "walk")

    sources = sorted(file for file in _GO.iterdir() if file.suffix in (".go", ".mod", ".sum"))
    return [str(_entry("clients-go", sources, fill, salt=go.ask("version")) / "walk")]


CLIENTS = (
    Client("AWS CLI v1", _aws_cli_1),
    Client("AWS CLI v2", _aws_cli_2),
    Client("boto3", _boto3),
    Client("boto3 1.40", _oldest_boto3),
    Client("JavaScript v3", _javascript),
    Client("Go v2", _go),
)


def _entry(name: str, sources: list[Path], fill: Callable[[Path], None], salt: str = "") -> Path:
    """What `fill` made of the sources, until one of them changes."""
    content = b"".join(file.read_bytes() for file in sources)
    digest = hashlib.sha256(content + salt.encode()).hexdigest()

    def is_whole(entry: Path) -> bool:
        stamp = entry / "digest"
        return stamp.exists() and stamp.read_text() == digest

    def fill_and_stamp(entry: Path) -> None:
        fill(entry)
        (entry / "digest").write_text(digest)

    return cache.entry(name, is_whole=is_whole, fill=fill_and_stamp)


def _run(folder: Path, *command: str) -> str:
    # uv would install into the project's own environment.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`{' '.join(command)}` in {folder}: {done.stdout}{done.stderr}"
    return done.stdout
