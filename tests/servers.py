"""The servers under test: real programs, each in a process of its own on a free port, and their clients."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import create_loader
from botocore.session import Session as BotocoreSession

from proton_server.api.wire import MODELS
from proton_server.cli.publish import publish_folder
from proton_server.identity.access_keys import create_access_key
from proton_server.persistence.store import Store
from tests.master_keys import MASTER_KEYS, MASTER_KEYS_ENVIRONMENT
from tests.names import ACCOUNT, REGION, unique

_LOADER = create_loader(str(MODELS))


class Door(NamedTuple):
    """The endpoint of a service, and an account's key to it."""

    url: str
    key_id: str
    secret: str


def botocore_session() -> BotocoreSession:
    """A session that shares what it reads of the services' models: most of a new client's time goes there."""
    session = BotocoreSession()
    session.register_component("data_loader", _LOADER)
    return session


class _Session(boto3.Session):
    """Opens for each service the endpoint that is its own."""

    def __init__(self, door: Callable[[str], Door], region: str) -> None:
        super().__init__(botocore_session=botocore_session(), region_name=region)
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
    settings: ClassVar[tuple[str, ...]] = ()

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
        self.port = self.port or free_port()
        program = [sys.executable, "-m", "proton_server.cli", self.command]
        program += ["--port", str(self.port), "--database", self.database, "--log-level", "info"]
        program += self.settings
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

    def client_environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """The variables with which any AWS client calls this server, and its AWS, as an account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
        }

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
    Its environment has the `variables`.
    """

    aws: LocalServer = field(kw_only=True)
    aws_url: str = ""
    credentials_file: Path | None = None
    database_url: str = ""
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    command = "serve"
    # No load balancer has to notice the end of it.
    settings = ("--drain-seconds", "0")

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
            **MASTER_KEYS_ENVIRONMENT,
            **key,
            **self.variables,
        }

    def client_environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """As where an AWS client is the account's user `deploy`, whom this server takes for AWS's word."""
        if account not in self.users:
            iam = self.aws.client("iam", account)
            iam.create_user(UserName="deploy")
            key = iam.create_access_key(UserName="deploy")["AccessKey"]
            self.users[account] = {
                "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            }
        # What stands for AWS's own URLs: those who exchange credentials heed the last two only.
        variables = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS")
        aws = dict.fromkeys(variables, self.aws.url)
        return self.users[account] | aws | {"AWS_ENDPOINT_URL_PROTON": self.url}

    def door(self, service: str, account: str) -> Door:
        if not service.startswith("proton"):
            return self.aws.door(service, account)
        return Door(self.url, *self._key(account))

    def _key(self, account: str) -> tuple[str, str]:
        if account not in self.keys:
            with closing(Store(self.database)) as store:
                self.keys[account] = create_access_key(store, MASTER_KEYS, account)
        return self.keys[account]


def publisher(server: LocalServer) -> Callable[..., str]:
    """What the fixture `published_template` is, for a server."""

    def publish(
        folder: Path,
        *,
        server: LocalServer = server,
        name: str | None = None,
        region: str = REGION,
        **options: Any,
    ) -> str:
        name = name or unique("template")
        publish_folder(folder, name, session=server.session(region=region), **options)
        return name

    return publish


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
