"""Where the AWS credentials come from that are exchanged: roles, OIDC and SSO, at AWS and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import SSOProvider

from aws_proton_provider.core.errors import NoCredentials
from tests.provider.exchanges import (
    document,
    headers_of,
    proton_at,
)
from tests.provider.fake_server import WHOLE, FakeServer, one_after_another, response, serving

pytestmark = pytest.mark.usefixtures("aws_credentials")


@pytest.fixture
def server(exchange_server: FakeServer) -> FakeServer:
    """A server that takes AWS credentials."""
    return exchange_server


ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIAOFTHEROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token-of-the-role</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::222222222222:assumed-role/deploy/x</Arn></AssumedRoleUser>
</AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def sts() -> Iterator[FakeServer]:
    """AWS's STS."""
    with serving() as server:
        server.answer = response(ASSUMED, "text/xml")
        yield server


ROLE = "arn:aws:iam::222222222222:role/deploy"
START_URL = "https://sso.example/start"
_CONFIGURED = f"""[profile of-role]
role_arn = {ROLE}
source_profile = keys
[profile keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = secret
[profile of-oidc]
role_arn = {ROLE}
web_identity_token_file = {{folder}}/token
[profile of-sso]
sso_start_url = {START_URL}
sso_region = eu-west-1
sso_account_id = 222222222222
sso_role_name = deploy
"""

PROFILE_OF_ROLE, OIDC, SSO = ({"profile": name} for name in ("of-role", "of-oidc", "of-sso"))
ASSUMED_ROLE = {"assumeRole": {"roleArn": ROLE}}


@pytest.fixture(autouse=True)
def _profiles(server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Profiles of each kind, on a machine where AWS_ENDPOINT_URL is the Proton server's."""
    (tmp_path / "config").write_text(_CONFIGURED.format(folder=tmp_path))
    (tmp_path / "token").write_text("token-of-oidc")
    signed_in = {"accessToken": "token-of-sso", "expiresAt": "2999-01-01T00:00:00Z"}
    (tmp_path / f"{hashlib.sha1(START_URL.encode()).hexdigest()}.json").write_text(json.dumps(signed_in))
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)


@pytest.mark.parametrize(
    ("account", "host"),
    [
        (PROFILE_OF_ROLE, "sts.eu-west-1.amazonaws.com"),
        (ASSUMED_ROLE, "sts.eu-west-1.amazonaws.com"),
        (OIDC, "sts.eu-west-1.amazonaws.com"),
        (SSO, "portal.sso.eu-west-1.amazonaws.com"),
    ],
)
def test_credentials_are_asked_for_at_aws_and_never_at_the_proton_server(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, account: dict[str, Any], host: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)

    with pytest.raises(NoCredentials, match=r"cannot be assumed|no valid AWS credentials"):
        proton_at(server.url, account).call("get_environment", name="dev")

    assert set(server.connected) == {f"{host}:443"}
    assert server.discovered == ["/.well-known/proton-server"]
    assert (server.asked, server.exchanged, server.forms) == (0, [], [])


@pytest.mark.parametrize(
    ("account", "action"),
    [
        (PROFILE_OF_ROLE, b"AssumeRole&"),
        (ASSUMED_ROLE, b"AssumeRole&"),
        (OIDC, b"AssumeRoleWithWebIdentity&"),
    ],
)
def test_a_role_is_assumed_at_the_sts_of_its_own_variable_and_signs_for_it(
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    sts: FakeServer,
    account: dict[str, Any],
    action: bytes,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    sts.answer = response(ASSUMED.replace(b"AssumeRole", action[:-1]), "text/xml")

    proton_at(server.url, account).call("get_environment", name="dev")

    (sent,) = server.exchanged
    headers = headers_of(sent)
    assert headers["host"] == sts.url.removeprefix("http://")
    assert headers["x-amz-security-token"] == "token-of-the-role"
    assert "Credential=ASIAOFTHEROLE/" in headers["authorization"]
    assert [b"Action=" + action in form for form in sts.forms] == [True]
    assert server.forms == []


@pytest.mark.parametrize("account", [PROFILE_OF_ROLE, ASSUMED_ROLE, OIDC])
def test_where_no_exchange_is_offered_roles_are_assumed_where_aws_endpoint_url_leads(
    server: FakeServer, account: dict[str, Any]
) -> None:
    server.discovery = document({"exchange": None})
    server.answer = one_after_another(
        response(ASSUMED.replace(b"AssumeRole", b"AssumeRoleWithWebIdentity"), "text/xml")
        if account is OIDC
        else response(ASSUMED, "text/xml"),
        response(WHOLE),
    )

    proton_at(server.url, account).call("get_environment", name="dev")

    assert len(server.forms) == 1
    assert "Credential=ASIAOFTHEROLE/" in server.signed[1]
