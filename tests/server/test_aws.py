"""AWS as the server reaches it: whose buckets it reads."""

from __future__ import annotations

import pytest

from proton_server.provisioning.aws import Aws
from proton_server.registration import SourceFault
from tests.conftest import ACCOUNT, REGION, LocalServer
from tests.server.steps import unique

STRANGER, PLATFORM = "222222222222", "333333333333"


@pytest.fixture(scope="module")
def buckets(proton_server: LocalServer) -> dict[str, str]:
    """A bucket in each account, with an object `key` that holds its account."""
    buckets = {account: unique("bucket") for account in (ACCOUNT, STRANGER, PLATFORM)}
    for account, bucket in buckets.items():
        s3 = proton_server.client("s3", account=account)
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="key", Body=account.encode())
    return buckets


@pytest.mark.parametrize("owner", [ACCOUNT, PLATFORM])
def test_templates_are_read_from_the_callers_buckets_and_those_the_operator_allows(
    owner: str, proton_server: LocalServer, buckets: dict[str, str]
) -> None:
    aws = Aws(proton_server.url, template_accounts=("444444444444", PLATFORM))

    assert aws.read_object(ACCOUNT, REGION, buckets[owner], "key") == owner.encode()


def test_templates_are_read_from_no_other_bucket(proton_server: LocalServer, buckets: dict[str, str]) -> None:
    aws = Aws(proton_server.url, template_accounts=(PLATFORM,))

    with pytest.raises(SourceFault, match=f"belongs to another account than {ACCOUNT}"):
        aws.read_object(ACCOUNT, REGION, buckets[STRANGER], "key")
