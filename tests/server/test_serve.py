"""The command line: `serve` with verified signatures, and mistakes that end in one sentence."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from proton_server.api.authentication import SignedRequest, VerifiedCredentials
from proton_server.identity.access_keys import create_access_key
from proton_server.operations.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    UnrecognizedClientException,
)
from proton_server.persistence.store import Store
from tests.master_keys import MASTER_KEYS, MASTER_KEYS_ENVIRONMENT
from tests.refusals import refused
from tests.servers import LocalServer
from tests.signing import Keys, authorization

PROGRAM = [sys.executable, "-m", "proton_server.cli"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | MASTER_KEYS_ENVIRONMENT,
    )


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
        (("serve", "--database", "sqlite+aiosqlite:///db"), "--database must be a SQLite file or"),
        (("serve", "--port", "0", "--database", "."), "The database . cannot be opened"),
        (
            ("keys", "create", "--account", "1" * 12, "--database", "postgres://u:hush@127.0.0.1:1/x"),
            "refused",
        ),
        (("keys", "create", "--account", "12"), "--account must be 12 digits, not '12'."),
        (
            ("serve", "--template-bucket-account", "platform"),
            "--template-bucket-account must be 12 digits, not 'platform'.",
        ),
    ],
)
def test_a_mistake_ends_in_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert result.returncode == 1
    assert message in result.stderr
    assert "hush" not in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port, "--database", str(tmp_path / "db"))

    assert (
        result.returncode,
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in result.stderr,
    ) == (1, True)
    assert list(tmp_path.iterdir()) == []


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
    log = tmp_path / "log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0", "--database", database],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | MASTER_KEYS_ENVIRONMENT,
        ) as server,
    ):
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
            named = urllib.request.Request(f"{url}/health", headers={"Host": "proton.example"})
            with urllib.request.urlopen(named) as health:
                assert health.status == 200
            with pytest.raises(urllib.error.HTTPError) as elsewhere:
                urllib.request.urlopen(f"{url}/elsewhere")
        finally:
            server.terminate()
    key_id = key["AWS_ACCESS_KEY_ID"]
    assert (
        f" WARNING proton_server.api.app: - key {key_id} from 127.0.0.1 InvalidSignatureException"
        in log.read_text()
    )
    assert "Signature=" not in log.read_text()
    with elsewhere.value as answer:
        assert (answer.code, json.load(answer)["__type"]) == (400, "UnknownOperationException")
        assert answer.headers["x-amzn-RequestId"]
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
        key = create_access_key(store, MASTER_KEYS, "111122223333")

        caller = VerifiedCredentials(MASTER_KEYS)(self.signed(key), store.read)

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
        key = create_access_key(store, MASTER_KEYS, "111122223333")

        with pytest.raises(InvalidSignatureException):
            VerifiedCredentials(MASTER_KEYS)(self.signed(key, **change), store.read)

    def test_a_key_or_session_that_is_not_known_is_refused_with_what_to_do(self, store: Store) -> None:
        key = create_access_key(store, MASTER_KEYS, "111122223333")

        with pytest.raises(UnrecognizedClientException) as unknown:
            VerifiedCredentials(MASTER_KEYS)(self.signed(("AKIAUNKNOWN", "secret")), store.read)
        with pytest.raises(UnrecognizedClientException) as session:
            VerifiedCredentials(MASTER_KEYS)(
                self.signed(key, headers=lambda headers: {**headers, "x-amz-security-token": "t"}), store.read
            )

        for refusal, cause in (
            (unknown, "AKIAUNKNOWN is not a key of this server"),
            (session, "AWS_SESSION_TOKEN"),
        ):
            message = str(refusal.value)
            assert message.startswith("The security token included in the request is invalid. ")
            assert cause in message
            assert "`proton-server keys create`" in message

    @pytest.mark.parametrize(
        "more",
        [
            {"user-agent": "aws-sdk-js/3.0  x/1", "accept-encoding": "identity"},
            {"content-length": "2", "content-type": "application/x-amz-json-1.0"},
            {
                "amz-sdk-invocation-id": "i",
                "amz-sdk-request": "attempt=1",
                "x-amz-user-agent": "aws-sdk-js/3.0",
            },
            {"x-amzn-trace-id": "Root=1", "expect": "100-continue", "x-forwarded-for": "10.0.0.1,10.0.0.2"},
        ],
    )
    def test_a_right_signature_may_cover_any_headers(self, store: Store, more: dict[str, str]) -> None:
        key = create_access_key(store, MASTER_KEYS, "111122223333")
        request = self.signed(key)
        headers = {**request.headers, **more}
        del headers["authorization"]
        headers["authorization"] = authorization(Keys(*key), headers, request.body, service="proton")
        headers["accept"] = "a proxy's"

        caller = VerifiedCredentials(MASTER_KEYS)(replace(request, headers=headers), store.read)

        assert caller.account_id == "111122223333"
        with pytest.raises(InvalidSignatureException, match="does not match"):
            VerifiedCredentials(MASTER_KEYS)(
                replace(request, headers={**headers, next(iter(more)): "x"}), store.read
            )

    @pytest.mark.parametrize(
        "order",
        ["x-amz-target;x-amz-date;host", "host;host;x-amz-date;x-amz-target", "x-amz-date;host;x-amz-target"],
    )
    def test_signed_headers_are_in_order_and_each_is_there_once(self, store: Store, order: str) -> None:
        key = create_access_key(store, MASTER_KEYS, "111122223333")

        with pytest.raises(InvalidSignatureException, match="each header once, in alphabetical order"):
            VerifiedCredentials(MASTER_KEYS)(
                self.signed(
                    key,
                    headers=lambda headers: {
                        **headers,
                        "authorization": headers["authorization"].replace(
                            "host;x-amz-date;x-amz-target", order
                        ),
                    },
                ),
                store.read,
            )

    def test_a_request_without_its_time_is_incomplete(self, store: Store) -> None:
        key = create_access_key(store, MASTER_KEYS, "111122223333")

        with pytest.raises(IncompleteSignatureException):
            VerifiedCredentials(MASTER_KEYS)(
                self.signed(key, headers=lambda headers: {**headers, "x-amz-date": "now"}), store.read
            )
