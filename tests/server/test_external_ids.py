"""External IDs: what AssumeRole sends for the roles of an account, as the operator configured it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ClientError

from proton_server.provisioning.aws import Aws
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, role
from tests.server.fake_hosting import FakeHosting, serving

REFUSAL = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


@pytest.fixture
def fake_aws() -> Iterator[FakeHosting]:
    """An AWS that refuses everything, and keeps what it was asked."""
    with serving() as fake:
        fake.answers("POST /", REFUSAL, 403)
        yield fake


def external_ids_sent(fake: FakeHosting, aws: Aws, arn: str) -> list[list[str] | None]:
    """What each AssumeRole of this role had for an external ID."""
    fake.asked.clear()
    with pytest.raises(ClientError):
        aws.client("cloudformation", ACCOUNT, REGION, arn).describe_stacks()
    forms = [parse_qs(request.body.decode()) for request in fake.asked]
    assert {form["RoleArn"][0] for form in forms} == {arn}
    return [form.get("ExternalId") for form in forms]


def test_the_account_of_the_role_decides_and_a_change_counts_at_once(fake_aws: FakeHosting) -> None:
    configured = {ENVIRONMENT_ACCOUNT: "theirs"}
    aws = Aws(fake_aws.url, external_ids=lambda: configured)

    assert set(map(str, external_ids_sent(fake_aws, aws, role(ENVIRONMENT_ACCOUNT)))) == {"['theirs']"}
    assert set(external_ids_sent(fake_aws, aws, role(ACCOUNT))) == {None}

    configured[ENVIRONMENT_ACCOUNT] = "new"
    configured[ACCOUNT] = "ours"
    assert set(map(str, external_ids_sent(fake_aws, aws, role(ENVIRONMENT_ACCOUNT)))) == {"['new']"}
    assert set(map(str, external_ids_sent(fake_aws, aws, role(ACCOUNT)))) == {"['ours']"}


def test_without_configuration_none_is_sent(fake_aws: FakeHosting) -> None:
    assert set(external_ids_sent(fake_aws, Aws(fake_aws.url), role(ACCOUNT))) == {None}
