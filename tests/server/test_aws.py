"""AWS as the server reaches it: whose buckets it reads, and what its clients cost."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError
from botocore.utils import parse_timestamp

from proton_server.provisioning.aws import Aws, _timestamp
from proton_server.provisioning.errors import ObjectUnreadable
from tests.names import ACCOUNT, REGION, unique
from tests.servers import LocalServer

STRANGER, PLATFORM = "222222222222", "333333333333"


@pytest.fixture(scope="module")
def buckets(local_server: LocalServer) -> dict[str, str]:
    """A bucket in each account, with an object `key` that holds its account."""
    buckets = {account: unique("bucket") for account in (ACCOUNT, STRANGER, PLATFORM)}
    for account, bucket in buckets.items():
        s3 = local_server.client("s3", account=account)
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="key", Body=account.encode())
    return buckets


@pytest.mark.parametrize("owner", [ACCOUNT, PLATFORM])
def test_templates_are_read_from_the_callers_buckets_and_those_the_operator_allows(
    owner: str, local_server: LocalServer, buckets: dict[str, str]
) -> None:
    aws = Aws(local_server.url, template_accounts=("444444444444", PLATFORM))

    assert aws.read_object(ACCOUNT, REGION, buckets[owner], "key") == owner.encode()


def test_templates_are_read_from_no_other_bucket(local_server: LocalServer, buckets: dict[str, str]) -> None:
    aws = Aws(local_server.url, template_accounts=(PLATFORM,))

    with pytest.raises(ObjectUnreadable, match=f"belongs to another account than {ACCOUNT}"):
        aws.read_object(ACCOUNT, REGION, buckets[STRANGER], "key")


def test_clients_for_many_roles_share_what_is_large() -> None:
    aws, role = Aws("http://127.0.0.1:1"), "arn:aws:iam::{}:role/x"
    aws.client("cloudformation", ACCOUNT, REGION, role.format(ACCOUNT))

    tracemalloc.start()
    for number in range(5):
        aws.client("cloudformation", ACCOUNT, REGION, role.format(f"{number:012}"))
    cost = tracemalloc.get_traced_memory()[0] / 5
    tracemalloc.stop()

    assert cost < 2_000_000  # bytes; CloudFormation's model alone is more


def test_clients_dropped_for_others_let_go_of_their_connections_and_still_serve_who_has_them(
    local_server: LocalServer,
) -> None:
    aws = Aws(local_server.url)
    clients = [aws.client("sts", f"{number:012}", REGION) for number in range(4)]
    for client in clients:
        client.get_caller_identity()
    with_connections = _open_files()

    for number in range(4, 67):
        assert aws.client("sts", "000000000000", REGION) is clients[0]  # used, so kept
        aws.client("sts", f"{number:012}", REGION)

    assert with_connections - _open_files() >= 3
    assert aws.client("sts", "000000000001", REGION) is not clients[1]
    assert clients[1].get_caller_identity()["Account"] == "000000000001"


def test_a_server_without_credentials_says_so_when_it_shall_assume_a_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(NoCredentialsError):
        Aws().client("s3", ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/x").list_buckets()


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28T23:59:58Z",
        "2026-11-28T23:59:58.120Z",
        "2026-11-28T23:59:58.123456Z",
        "2026-11-28T23:59:58.1Z",
    ],
)
def test_a_time_of_a_response_is_read_as_botocore_reads_it(text: str) -> None:
    assert _timestamp(text) == parse_timestamp(text)
    assert _timestamp(1764374398.5) == parse_timestamp(1764374398.5)
