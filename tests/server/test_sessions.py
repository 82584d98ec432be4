"""Temporary credentials in use: each request is checked against what holds at that moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proton_server.api.authentication import Caller, SignedRequest, VerifiedCredentials
from proton_server.api.authorization import authorize
from proton_server.cli.commands import main
from proton_server.identity.access_keys import create_access_key
from proton_server.identity.access_rules import Access
from proton_server.identity.configuration import ConfigurationFile
from proton_server.identity.principals import principal_of
from proton_server.identity.session_tokens import SessionTokens, TemporaryCredentials
from proton_server.identity.sessions import Sessions
from proton_server.operations.errors import (
    AccessDeniedException,
    ExpiredTokenException,
    IncompleteSignatureException,
    InvalidSignatureException,
    UnrecognizedClientException,
)
from proton_server.persistence.store import Store
from tests.clock import Clock
from tests.master_keys import MASTER_KEYS
from tests.signing import AUDIENCE, Keys, authorization, timestamp

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
BODY = b"{}"


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "serve.yaml"
    file.write_text(f"access: [{{principal: '{ROLE}', allow: write}}]")
    return file


@pytest.fixture
def tokens() -> SessionTokens:
    return SessionTokens(MASTER_KEYS, AUDIENCE)


@pytest.fixture
def issued(tokens: SessionTokens, clock: Clock) -> TemporaryCredentials:
    return tokens.issue(principal_of(ROLE), clock.now)


@pytest.fixture
def caller_of(tokens: SessionTokens, file: Path, clock: Clock, store: Store) -> Callable[..., Caller]:
    """Who made a request: `caller_of(credentials, service="proton")`."""
    authenticate = VerifiedCredentials(MASTER_KEYS, Sessions(tokens, ConfigurationFile(file)), clock)

    def caller(credentials: TemporaryCredentials, **changes: Any) -> Caller:
        service = changes.get("service", "proton")
        return authenticate(signed(credentials, clock.now, **changes), store.read, service)

    return caller


def signed(
    credentials: TemporaryCredentials,
    at: float,
    *,
    service: str = "proton",
    signed_for: str = "",
    region: str = "eu-west-1",
    unsigned: tuple[str, ...] = (),
    **headers: str,
) -> SignedRequest:
    everything = {
        "host": "proton.example.com",
        "x-amz-date": timestamp(at),
        "x-amz-target": "AwsProton20200720.ListEnvironments",
        "x-amz-security-token": credentials.token,
    }
    covered = {name: value for name, value in everything.items() if name not in unsigned}
    keys = Keys(credentials.key_id, credentials.secret)
    everything["authorization"] = authorization(
        keys, covered, BODY, service=signed_for or service, region=region
    )
    return SignedRequest("POST", "/", "", everything | headers, BODY)


def test_a_session_is_its_principals(issued: TemporaryCredentials, caller_of: Callable[..., Caller]) -> None:
    caller = caller_of(issued)

    assert caller == Caller(ACCOUNT, "eu-west-1", issued.key_id, ROLE, Access.WRITE)
    authorize(caller, "CreateEnvironment")


def test_a_session_ends_after_an_hour(
    issued: TemporaryCredentials, caller_of: Callable[..., Caller], clock: Clock
) -> None:
    clock.now += 3599
    assert caller_of(issued).principal == ROLE

    clock.now += 1
    with pytest.raises(ExpiredTokenException, match="The security token included in the request is expired"):
        caller_of(issued)


def test_a_session_of_another_server_does_not_count(caller_of: Callable[..., Caller], clock: Clock) -> None:
    # With the same master key, as two installations may have by mistake.
    other = SessionTokens(MASTER_KEYS, "https://other.example").issue(principal_of(ROLE), clock.now)

    with pytest.raises(
        UnrecognizedClientException, match=r"It is for https://other\.example, and this server is"
    ):
        caller_of(other)


def test_a_session_is_for_the_regions_of_its_partition(
    issued: TemporaryCredentials, caller_of: Callable[..., Caller]
) -> None:
    for region in ("cn-north-1", "us-gov-west-1", "us-made-1"):
        with pytest.raises(
            UnrecognizedClientException, match="It is for Regions of the partition aws, not for"
        ):
            caller_of(issued, region=region)


def test_the_present_configuration_counts(
    issued: TemporaryCredentials, caller_of: Callable[..., Caller], file: Path
) -> None:
    file.write_text(f"access: [{{principal: '{ROLE}', allow: read}}]")
    reader = caller_of(issued)
    authorize(reader, "GetEnvironment")
    with pytest.raises(AccessDeniedException) as denied:
        authorize(reader, "CreateEnvironment")
    assert str(denied.value) == (
        f"User: {ROLE} is not authorized to perform: proton:CreateEnvironment because the server's "
        "configuration allows it to read only"
    )

    file.write_text("access: []")
    with pytest.raises(AccessDeniedException) as denied:
        authorize(caller_of(issued), "GetEnvironment")
    assert str(denied.value) == (
        f"User: {ROLE} is not authorized to perform: proton:GetEnvironment because no entry of the server's "
        "configuration allows it"
    )


def test_a_token_must_be_signed(issued: TemporaryCredentials, caller_of: Callable[..., Caller]) -> None:
    with pytest.raises(InvalidSignatureException, match=r"must cover the headers .*x-amz-security-token"):
        caller_of(issued, unsigned=("x-amz-security-token",))


@pytest.mark.parametrize("service", ["proton", "sts"])
def test_a_signature_for_one_service_is_good_for_no_other(
    service: str, issued: TemporaryCredentials, caller_of: Callable[..., Caller]
) -> None:
    other = {"proton": "sts", "sts": "proton"}[service]

    assert caller_of(issued, service=service).principal == ROLE
    with pytest.raises(IncompleteSignatureException, match=f"for the service {service} and an AWS Region"):
        caller_of(issued, service=service, signed_for=other)
    # Nor when the scope in the header is changed afterwards.
    header = signed(issued, time.time(), service=other).headers["authorization"]
    with pytest.raises(InvalidSignatureException, match="does not match"):
        caller_of(issued, service=service, authorization=header.replace(f"/{other}/", f"/{service}/"))


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "x" * 40},
        {"token": "v1.0123456789abcdef." + "A" * 60},
        {"token": "AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT"},
        {"key_id": "ASIA" + "A" * 16},
    ],
)
def test_parts_of_credentials_that_do_not_belong_together_are_refused(
    changed: dict[str, str], issued: TemporaryCredentials, caller_of: Callable[..., Caller]
) -> None:
    with pytest.raises((UnrecognizedClientException, InvalidSignatureException)) as caught:
        caller_of(replace(issued, **changed))

    assert issued.token not in str(caught.value)


def test_a_session_of_aws_is_told_what_to_do(
    issued: TemporaryCredentials, caller_of: Callable[..., Caller]
) -> None:
    with pytest.raises(UnrecognizedClientException) as caught:
        caller_of(replace(issued, token="AQoEXAMPLE"))

    assert str(caught.value) == (
        "The security token included in the request is invalid. It is not of this server: exchange your AWS "
        "credentials, as `proton-server credentials` does, or sign with an access key that "
        "`proton-server keys create` made."
    )


def test_a_key_does_not_work_with_a_sessions_token(
    issued: TemporaryCredentials, caller_of: Callable[..., Caller], store: Store
) -> None:
    key_id, secret = create_access_key(store, MASTER_KEYS, ACCOUNT)

    with pytest.raises(UnrecognizedClientException, match="Keys of this server have no session token"):
        caller_of(replace(issued, key_id=key_id, secret=secret))


class TestRevocation:
    """Sessions are issued and revoked by the database's clock, and a request looks there each time."""

    def revoked(self, store: Store, *arguments: str) -> str:
        database = store.engine.url.render_as_string(hide_password=False)
        result = CliRunner().invoke(main, ["credentials", "revoke", *arguments, "--database", database])
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    @pytest.mark.parametrize("arn", [ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/any"])
    def test_a_principals_sessions_end_with_the_next_request(
        self, arn: str, issued: TemporaryCredentials, caller_of: Callable[..., Caller], store: Store
    ) -> None:
        assert caller_of(issued).principal == ROLE

        shown = self.revoked(store, "--principal", arn)

        assert shown == f"The temporary credentials that {ROLE} has until now are revoked.\n"
        with pytest.raises(
            UnrecognizedClientException, match="It was revoked: exchange your AWS credentials again"
        ):
            caller_of(issued)

    def test_those_that_are_issued_afterwards_work(
        self, tokens: SessionTokens, caller_of: Callable[..., Caller], store: Store, clock: Clock
    ) -> None:
        self.revoked(store, "--principal", ROLE)
        clock.now = time.time() + 1

        assert caller_of(tokens.issue(principal_of(ROLE), clock.now)).principal == ROLE

    def test_an_accounts_sessions_end_together(
        self, issued: TemporaryCredentials, caller_of: Callable[..., Caller], store: Store
    ) -> None:
        assert self.revoked(store, "--account", ACCOUNT) == (
            f"The temporary credentials that account {ACCOUNT} has until now are revoked.\n"
        )

        with pytest.raises(UnrecognizedClientException, match="It was revoked"):
            caller_of(issued)

    def test_nobody_elses_end(
        self, issued: TemporaryCredentials, caller_of: Callable[..., Caller], store: Store
    ) -> None:
        self.revoked(store, "--principal", ROLE + "-2")
        self.revoked(store, "--account", "444455556666")
        self.revoked(store, "--principal", f"arn:aws-cn:iam::{ACCOUNT}:role/deploy")

        assert caller_of(issued).principal == ROLE

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Say whose credentials to revoke, with --principal or --account."),
            (["--account", "12"], "--account must be 12 digits, not '12'."),
            (["--principal", "deploy"], "--principal is not the ARN of a user, a role, an assumed role"),
            (
                ["--principal", ROLE, "--account", "444455556666"],
                f"--principal is of account {ACCOUNT}, and not",
            ),
        ],
    )
    def test_a_mistake_is_one_sentence(self, arguments: list[str], message: str, tmp_path: Path) -> None:
        result = CliRunner().invoke(
            main, ["credentials", "revoke", *arguments, "--database", str(tmp_path / "db")]
        )

        assert (result.exit_code, message in result.stderr, result.stderr.count("\n")) == (1, True, 1)
        assert not (tmp_path / "db").exists()
