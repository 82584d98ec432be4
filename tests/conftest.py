"""The fixtures of several test folders: a running local server, databases, and published templates."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.leftovers import temporary_folder
from tests.postgresql import running_postgresql
from tests.servers import LocalServer, publisher


@pytest.fixture(scope="session", autouse=True)
def _leftovers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves a process or a temporary file."""
    tmp_path_factory.getbasetemp()  # stays where it is, for whoever looks into a failure
    with temporary_folder():
        yield


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


@pytest.fixture(scope="session")
def published_template(proton_server: LocalServer) -> Callable[..., str]:
    """Publishes a bundle's folder under a name of its own: `published_template(folder)` returns the name."""
    return publisher(proton_server)


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server, with `{database}` for the name of a database."""
    with running_postgresql() as url:
        yield url


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
