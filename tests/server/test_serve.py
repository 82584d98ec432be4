"""The command line: `serve` with verified signatures, and mistakes that end in one sentence."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from proton_server.auth import SignedRequest, VerifiedCredentials, create_access_key
from proton_server.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    UnrecognizedClientException,
)
from proton_server.store import Store
from tests.conftest import LocalServer
from tests.server.steps import refused

PROGRAM = [sys.executable, "-c", "from proton_server.cli import main; main()"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path / "state.sqlite3"))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("local", "--host", "0.0.0.0"), "it listens on loopback only, not on 0.0.0.0."),
        (("serve", "--database", "mysql://x/y"), "--database must be a SQLite file or a PostgreSQL URL"),
        (("serve", "--database", "/no/such/folder/db"), "The database /no/such/folder/db cannot be opened"),
        (("keys", "create", "--account", "12"), "--account must be 12 digits, not '12'."),
    ],
)
def test_a_mistake_ends_in_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert result.returncode == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port, "--database", str(tmp_path / "db"))

    assert (
        result.returncode,
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in result.stderr,
    ) == (1, True)


def test_a_sqlite_database_is_served_by_one_process_only(proton_server: LocalServer) -> None:
    result = run("serve", "--port", "0", "--database", str(proton_server.folder / "state.sqlite3"))

    assert result.returncode == 1
    assert "Another proton-server uses the database" in result.stderr
    assert result.stderr.count("\n") == 1


def test_serve_answers_whoever_has_a_key_and_no_one_else(tmp_path: Path) -> None:
    database = str(tmp_path / "db")
    keys = run("keys", "create", "--account", "111122223333", "--database", database)
    assert keys.returncode == 0, keys.stderr
    key = dict(line.split("=", 1) for line in keys.stdout.splitlines())
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--database", database], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[4]

            def client(secret: str) -> Any:
                return boto3.client(
                    "proton",
                    endpoint_url=url,
                    region_name="eu-west-1",
                    aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=secret,
                    config=Config(retries={"total_max_attempts": 1}),
                )

            made = client(key["AWS_SECRET_ACCESS_KEY"]).create_environment_template(name="t")
            assert made["environmentTemplate"]["arn"].startswith("arn:aws:proton:eu-west-1:111122223333:")
            with refused("InvalidSignatureException", "does not match the signature"):
                client("wrong").list_environments()
        finally:
            server.terminate()
    assert oct(Path(database).stat().st_mode & 0o777) == "0o600"


class TestSignatures:
    """On a request that botocore signed; each test changes one thing."""

    def signed(self, key: tuple[str, str], **changes: Any) -> SignedRequest:
        request = AWSRequest(
            "POST",
            "https://proton.example/",
            {"X-Amz-Target": "AwsProton20200720.ListEnvironments", "Host": "proton.example"},
            b"{}",
        )
        SigV4Auth(Credentials(*key), "proton", "us-east-1").add_auth(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        members = {"method": "POST", "path": "/", "query": "", "headers": headers, "body": b"{}"}
        changes = {
            name: change(members[name]) if callable(change) else change for name, change in changes.items()
        }
        return SignedRequest(**{**members, **changes})

    def test_a_right_signature_names_account_and_region(self, store: Store) -> None:
        key = create_access_key(store, "111122223333")

        caller = VerifiedCredentials(store)(self.signed(key))

        assert (caller.account_id, caller.region) == ("111122223333", "us-east-1")

    @pytest.mark.parametrize(
        "change",
        [
            {"body": b'{"maxResults": 1}'},
            {"path": "/other"},
            {"query": "a=b"},
            {"method": "PUT"},
            {"headers": lambda headers: {**headers, "x-amz-target": "AwsProton20200720.DeleteEnvironment"}},
            {"headers": lambda headers: {**headers, "x-amz-date": "20200101T000000Z"}},
            {
                "headers": lambda headers: {
                    **headers,
                    "authorization": headers["authorization"].replace("x-amz-target", "accept"),
                }
            },
        ],
    )
    def test_a_change_after_signing_is_noticed(self, store: Store, change: dict[str, Any]) -> None:
        key = create_access_key(store, "111122223333")

        with pytest.raises(InvalidSignatureException):
            VerifiedCredentials(store)(self.signed(key, **change))

    def test_a_key_or_session_that_is_not_known_is_refused(self, store: Store) -> None:
        key = create_access_key(store, "111122223333")

        with pytest.raises(UnrecognizedClientException):
            VerifiedCredentials(store)(self.signed(("AKIAUNKNOWN", "secret")))
        with pytest.raises(UnrecognizedClientException):
            VerifiedCredentials(store)(
                self.signed(key, headers=lambda headers: {**headers, "x-amz-security-token": "t"})
            )

    def test_a_request_without_its_time_is_incomplete(self, store: Store) -> None:
        key = create_access_key(store, "111122223333")

        with pytest.raises(IncompleteSignatureException):
            VerifiedCredentials(store)(
                self.signed(key, headers=lambda headers: {**headers, "x-amz-date": "now"})
            )
