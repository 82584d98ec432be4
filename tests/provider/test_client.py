"""The client: what a call that cannot succeed says, and as whom calls are made."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aws_proton_provider.aws.client import Proton, connect
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.core.errors import (
    AccessDenied,
    Conflict,
    InvalidInput,
    NoCredentials,
    NotFound,
    ProtonError,
    Refused,
    ServiceEnded,
    Unavailable,
    Unreachable,
    WrongAccount,
)
from tests.provider.fake_server import FakeServer, response
from tests.servers import LocalServer

NOBODY = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111111111111")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")


@pytest.fixture
def server(proton_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """The live server in the place of all of AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proton_server.url)
    return proton_server


def _proton(account: dict[str, Any] | None = None, **config: str) -> Proton:
    given = {"region": "us-east-1", "maxRetries": "0"} | config
    return Proton(target(Configuration.of_stack({f"aws-proton:{k}": v for k, v in given.items()}), account))


def test_a_call_that_went_to_aws_says_that_the_service_ended_and_where_to_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A proxy that nobody runs: the call is refused on this machine, as by a host without a way out.
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)

    with pytest.raises(ServiceEnded) as ended:
        _proton().call("get_environment", name="dev")

    assert str(ended.value) == (
        "AWS ended Proton on 2026-10-07 and this call went to AWS "
        "(https://proton.us-east-1.amazonaws.com): point the provider at a Proton-compatible server with "
        "`pulumi config set aws-proton:endpoint URL` or AWS_ENDPOINT_URL_PROTON (`proton-server local` "
        "starts one)"
    )


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(Unreachable, match=f"no answer from the Proton server at {NOBODY}"):
        _proton(endpoint=NOBODY).call("get_environment", name="dev")


def test_a_missing_region_says_how_to_set_it() -> None:
    with pytest.raises(InvalidInput, match="pulumi config set aws-proton:region us-east-1"):
        Proton(target(Configuration(endpoint=NOBODY), None)).call("get_environment", name="dev")


def test_a_missing_profile_is_named() -> None:
    with pytest.raises(Unreachable, match="nobody"):
        _proton(profile="nobody").call("get_environment", name="dev")


def test_missing_credentials_say_how_to_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(Unreachable, match="no AWS credentials: set AWS_PROFILE"):
        _proton(endpoint=NOBODY).call("get_environment", name="dev")


@pytest.mark.parametrize(
    ("operation", "members", "kind"),
    [
        ("get_environment", {"name": "absent"}, NotFound),
        ("delete_environment_template", {"name": "-"}, Refused),
        ("accept_environment_account_connection", {"id": "x"}, Refused),
    ],
)
def test_what_the_service_refuses_is_one_line_of_its_kind(
    server: LocalServer, operation: str, members: dict[str, str], kind: type[ProtonError]
) -> None:
    with pytest.raises(kind) as refusal:
        _proton().call(operation, **members)

    assert type(refusal.value) is kind
    assert "\n" not in str(refusal.value)


def test_a_create_with_other_parameters_under_a_name_that_exists_is_a_conflict(server: LocalServer) -> None:
    proton = _proton()
    proton.call("create_environment_template", name="taken")

    with pytest.raises(Conflict):
        proton.call("create_environment_template", name="taken", description="other")


def test_all_pages_are_read(server: LocalServer) -> None:
    proton = _proton(region="eu-north-1")
    for number in range(5):
        proton.call("create_environment_template", name=f"paged-{number}")

    found = proton.all_of("list_environment_templates", "templates", maxResults=2)

    assert [item["name"] for item in found] == [f"paged-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"allowedAccountIds": '["222222222222"]'}, "which aws-proton:allowedAccountIds does not list"),
        ({"forbiddenAccountIds": '["111111111111"]'}, "which aws-proton:forbiddenAccountIds lists"),
    ],
)
def test_an_account_that_must_not_be_touched_is_not(
    server: LocalServer, config: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongAccount, match=f"reach account 111111111111, {said}.*; nothing was changed"):
        _proton(**config).allow_writing()


def test_an_allowed_account_may_be_written(server: LocalServer) -> None:
    _proton(allowedAccountIds='["111111111111"]', forbiddenAccountIds='["222222222222"]').allow_writing()


def test_a_guard_that_cannot_ask_sts_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", NOBODY)

    with pytest.raises(Unreachable, match="STS does not say which account the credentials reach"):
        _proton(allowedAccountIds='["111111111111"]').allow_writing()


def test_a_profile_names_the_account(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text("[other]\naws_access_key_id = 222222222222\naws_secret_access_key = local\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))

    assert _proton({"profile": "other"}).account == "222222222222"


def test_a_role_is_assumed_before_the_calls_are_made(server: LocalServer) -> None:
    role = "arn:aws:iam::222222222222:role/deploy"
    made = _proton({"assumeRole": {"roleArn": role, "sessionName": "test"}}).call(
        "create_environment_template", name="by-role"
    )["environmentTemplate"]

    assert made["arn"] == "arn:aws:proton:us-east-1:222222222222:environment-template/by-role"


def _error(code: str, message: str = "said") -> bytes:
    return json.dumps({"__type": f"com.amazonaws.proton#{code}", "message": message}).encode()


_MAYBE_DONE = "the change may have been made or not: run `pulumi up --refresh`, which checks"


@pytest.mark.parametrize(
    ("status", "code", "operation", "members", "kind", "message"),
    [
        (
            400,
            "ThrottlingException",
            "get_environment",
            {"name": "dev"},
            Unavailable,
            "GetEnvironment of dev was throttled: said (ThrottlingException); run the command again",
        ),
        (
            429,
            "SlowDown",
            "update_environment",
            {"name": "dev", "deploymentType": "NONE"},
            Unavailable,
            "UpdateEnvironment of dev was throttled: said (SlowDown); run the command again",
        ),
        (
            500,
            "InternalServerException",
            "get_environment",
            {"name": "dev"},
            Unavailable,
            (
                "GetEnvironment of dev failed in the Proton server: said (InternalServerException); run the "
                "command again"
            ),
        ),
        (
            503,
            "ServiceUnavailableException",
            "update_environment",
            {"name": "dev", "deploymentType": "NONE"},
            Unavailable,
            "UpdateEnvironment of dev failed in the Proton server: said (ServiceUnavailableException); "
            + _MAYBE_DONE,
        ),
        (
            400,
            "ValidationException",
            "delete_environment",
            {"name": "dev"},
            Refused,
            "DeleteEnvironment of dev: said (ValidationException)",
        ),
        (
            400,
            "AccessDeniedException",
            "get_environment_account_connection",
            {"id": "0fb4"},
            AccessDenied,
            (
                "GetEnvironmentAccountConnection of 0fb4: said (AccessDeniedException); allow the caller "
                "proton:GetEnvironmentAccountConnection, or use other credentials"
            ),
        ),
        (
            403,
            "InvalidSignatureException",
            "list_environments",
            {},
            NoCredentials,
            (
                "ListEnvironments: said (InvalidSignatureException); check the credentials: the access key, "
                "its secret and the session token"
            ),
        ),
    ],
)
def test_an_error_names_the_object_and_the_next_step(
    fake_server: FakeServer,
    status: int,
    code: str,
    operation: str,
    members: dict[str, str],
    kind: type[ProtonError],
    message: str,
) -> None:
    fake_server.answer = response(_error(code), status=status)

    with pytest.raises(ProtonError) as error:
        _proton(endpoint=fake_server.url).call(operation, **members)

    assert (type(error.value), str(error.value)) == (kind, message)


def test_a_message_of_the_server_reaches_the_terminal_without_control_characters(
    fake_server: FakeServer,
) -> None:
    fake_server.answer = response(
        _error("ValidationException", "\x1b[2Jno\x07\u202e\x9b such\r\nthing"), status=400
    )

    with pytest.raises(Refused) as error:
        _proton(endpoint=fake_server.url).call("get_environment", name="dev")

    assert str(error.value) == "GetEnvironment of dev: [2Jno such thing (ValidationException)"


_REFUSED_ROLE = """<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>
<Message>User: u is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"""


@pytest.mark.parametrize("at_aws", [True, False])
def test_a_role_that_cannot_be_assumed_is_named_wherever_the_call_would_have_gone(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch, at_aws: bool
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake_server.url)
    fake_server.answer = response(_REFUSED_ROLE.encode(), "text/xml", 403)
    elsewhere = {} if at_aws else {"endpoint": fake_server.url}

    with pytest.raises(NoCredentials) as error:
        _proton({"assumeRole": {"roleArn": "arn:aws:iam::222222222222:role/deploy"}}, **elsewhere).call(
            "get_environment", name="dev"
        )

    assert str(error.value) == (
        "role arn:aws:iam::222222222222:role/deploy cannot be assumed: An error occurred (AccessDenied) when "
        "calling the AssumeRole operation: User: u is not authorized to perform: sts:AssumeRole; check "
        "assumeRole, the caller's permissions and the role's trust policy"
    )


def test_a_role_cannot_be_assumed_where_sts_does_not_answer(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", NOBODY)

    with pytest.raises(NoCredentials, match="role arn:aws:iam::222222222222:role/deploy cannot be assumed: "):
        _proton({"assumeRole": {"roleArn": "arn:aws:iam::222222222222:role/deploy"}}).call(
            "get_environment", name="dev"
        )


def test_threads_that_ask_at_once_share_one_client_and_what_it_has_made(
    fake_server: FakeServer,
) -> None:
    interval, many = sys.getswitchinterval(), 50
    config = {"aws-proton:region": "us-east-1", "aws-proton:endpoint": fake_server.url}
    found = target(Configuration.of_stack(config), None)
    at_once = threading.Barrier(many)

    def client(_: int) -> tuple[int, int]:
        at_once.wait(60)
        proton = connect(found)
        return id(proton), id(proton._api)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(many) as threads:
            assert len(set(threads.map(client, range(many)))) == 1
    finally:
        sys.setswitchinterval(interval)
