"""Clients of a `serve` that takes AWS credentials, beside an STS that verifies: provider, boto3, publish."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from aws_proton_provider.aws import exchange
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.core.errors import AccessDenied, NoCredentials, Unreachable
from proton_server.cli.templates import templates
from proton_server.identity.access_rules import Access, access_of
from proton_server.identity.configuration import parse
from tests.bundles import bundle
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, REPOSITORY, role, unique
from tests.provider.fake_server import FakeServer, response, serving
from tests.server.exchanges import sent
from tests.servers import LocalServer, ServedBesideAws
from tests.signing import Keys
from tests.verifying_sts import VerifyingSts

GUIDE = (REPOSITORY / "docs" / "guide" / "running-serve.md").read_text()


def _variables(keys: Keys) -> dict[str, str]:
    token = {"AWS_SESSION_TOKEN": keys.token} if keys.token else {}
    return {"AWS_ACCESS_KEY_ID": keys.key_id, "AWS_SECRET_ACCESS_KEY": keys.secret, **token}


@pytest.fixture(autouse=True)
def machine(
    exchanging: ServedBesideAws, sts: VerifyingSts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Keys], None]:
    """A machine where all but STS leads to the server, with profiles: `machine(keys)` gives it keys."""
    program = f"{sys.executable} -m proton_server.cli credentials"
    command = f"{program} --endpoint-url {exchanging.url} --profile alice"
    (tmp_path / "config").write_text(
        f"[profile alice]\naws_access_key_id = {sts.user.key_id}\naws_secret_access_key = {sts.user.secret}\n"
        f"[profile deploy]\nrole_arn = {role(ACCOUNT, 'deploy')}\nsource_profile = alice\n"
        f"[profile proton]\ncredential_process = {command}\n"
    )
    monkeypatch.setattr(exchange, "_DISCOVERED", {})
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", exchanging.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def give(keys: Keys) -> None:
        for name, value in _variables(keys).items():
            monkeypatch.setenv(name, value)

    return give


def _provider(account: dict[str, Any] | None = None) -> Proton:
    return Proton(target(Configuration(), account))


@pytest.mark.parametrize("who", ["user", "role"])
def test_the_provider_is_who_its_aws_credentials_are(
    machine: Callable[[Keys], None], sts: VerifyingSts, who: str
) -> None:
    machine(getattr(sts, who))
    proton = _provider()
    name = unique("template")

    made = proton.call("create_environment_template", name=name)["environmentTemplate"]

    assert made["arn"] == f"arn:aws:proton:{REGION}:{ACCOUNT}:environment-template/{name}"
    assert proton.account == ACCOUNT


@pytest.mark.parametrize(
    "account",
    [
        {"profile": "alice"},
        {"profile": "deploy"},
        {"profile": "alice", "assumeRole": {"roleArn": role(ACCOUNT, "deploy")}},
    ],
    ids=["a profile", "a profile with a role", "a profile and a role"],
)
def test_each_account_of_a_program_is_exchanged(account: dict[str, Any], exchanging: ServedBesideAws) -> None:
    start = exchanging.log.stat().st_size
    proton = _provider(account)

    proton.call("list_environments")

    who = "role/deploy" if "deploy" in str(account) else "user/alice"
    log = exchanging.log.read_bytes()[start:].decode()
    assert f"exchange arn:aws:iam::{ACCOUNT}:{who} from 127.0.0.1 OK" in log
    assert proton.account == ACCOUNT


def test_credentials_that_end_are_exchanged_again(machine: Callable[[Keys], None], sts: VerifyingSts) -> None:
    machine(sts.role)
    proton = _provider()
    proton.call("list_environments")
    credentials = proton._api._request_signer._credentials
    first = credentials.get_frozen_credentials().access_key

    credentials._expiry_time = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=9)
    proton.call("list_environments")

    assert credentials.get_frozen_credentials().access_key != first


def test_a_principal_without_an_entry_is_told_so(machine: Callable[[Keys], None], sts: VerifyingSts) -> None:
    machine(sts.stranger)

    with pytest.raises(NoCredentials) as refused:
        _provider().call("list_environments")

    assert str(refused.value).endswith(
        f"does not take the AWS credentials: {role(ENVIRONMENT_ACCOUNT, 'deploy')} may not use this server: "
        "no entry of its configuration allows it. (AccessDenied)"
    )


def test_who_may_read_may_not_write(machine: Callable[[Keys], None], sts: VerifyingSts) -> None:
    machine(sts.reader)
    proton = _provider()

    proton.call("list_environments")
    with pytest.raises(AccessDenied, match="CreateEnvironmentTemplate"):
        proton.call("create_environment_template", name="x")


def test_a_wrong_secret_is_told(machine: Callable[[Keys], None], sts: VerifyingSts) -> None:
    machine(Keys(sts.user.key_id, "wrong"))

    with pytest.raises(NoCredentials, match=r"does not accept the signature.*\(InvalidSignature\)"):
        _provider().call("list_environments")


def test_the_servers_own_keys_sign_as_they_are(
    machine: Callable[[Keys], None], exchanging: ServedBesideAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    _, key_id, secret = exchanging.door("proton", ENVIRONMENT_ACCOUNT)
    machine(Keys(key_id, secret))
    proton = _provider()

    proton.call("list_environments")

    assert proton.account == ENVIRONMENT_ACCOUNT


def test_credentials_of_a_credential_process_are_not_exchanged_again(
    exchanging: ServedBesideAws,
) -> None:
    start = exchanging.log.stat().st_size

    _provider({"profile": "proton"}).call("list_environments")

    log = exchanging.log.read_bytes()[start:].decode()
    assert log.count("exchange ") == 2
    assert "OwnSession" in log


def test_boto3_gets_its_credentials_by_the_profile_of_the_guide_and_the_server_knows_them(
    exchanging: ServedBesideAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (profile,) = re.findall(r"^```ini\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    here = {
        "proton-server": f"{sys.executable} -m proton_server.cli",
        "https://proton.example.com": exchanging.url,
        "my-sso": "alice",
        "profile proton": "profile guide",
    }
    for example, value in here.items():
        assert example in profile
        profile = profile.replace(example, value)
    with (tmp_path / "config").open("a") as config:
        config.write(profile)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_REGION")
    session = boto3.Session(profile_name="guide")

    assert isinstance(session.client("proton").list_environments()["environments"], list)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", exchanging.url)
    assert session.client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_the_rules_of_the_guide_are_a_configuration() -> None:
    (rules,) = re.findall(r"^```yaml\n(access:\n.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)

    allowed = parse(rules.encode()).rules

    assert access_of("arn:aws:iam::111122223333:role/deploy-ci", allowed) is Access.WRITE
    sso = "arn:aws:iam::111122223333:role/AWSReservedSSO_Developers_0123456789abcdef"
    assert access_of(sso, allowed) is Access.READ
    assert access_of("arn:aws:iam::444455556666:role/deploy-ci", allowed) is Access.NONE


@pytest.fixture
def hostile() -> Iterator[FakeServer]:
    """A server that takes AWS credentials to use them elsewhere."""
    with serving() as server:
        server.discovery = response(b'{"exchange": "/credentials"}', "application/json")
        yield server


@pytest.mark.parametrize("client", ["provider", "command"])
def test_a_hostile_endpoint_gets_nothing_that_another_server_takes(
    machine: Callable[[Keys], None],
    sts: VerifyingSts,
    exchanging: ServedBesideAws,
    hostile: FakeServer,
    client: str,
) -> None:
    machine(sts.user)
    if client == "provider":
        with pytest.raises(Unreachable, match="POST /credentials"):
            _provider({"endpoint": hostile.url}).call("list_environments")
    else:
        command = [sys.executable, "-m", "proton_server.cli", "credentials", "--endpoint-url", hostile.url]
        subprocess.run(command, check=False, capture_output=True)

    assert hostile.exchanged
    for stolen in hostile.exchanged:
        assert sent(exchanging.url, stolen).refusal == (403, "InvalidAudience")
        aside = [[n, exchanging.url if n == "X-Proton-Audience" else v] for n, v in stolen["headers"]]
        assert sent(exchanging.url, stolen | {"headers": aside}).refusal == (403, "InvalidSignature")


def test_one_session_publishes_a_bundle(
    machine: Callable[[Keys], None],
    sts: VerifyingSts,
    exchanging: ServedBesideAws,
    local_server: LocalServer,
    tmp_path: Path,
) -> None:
    machine(sts.user)
    name = unique("template")
    folder = str(bundle(tmp_path / "bundle"))

    done = CliRunner().invoke(
        templates,
        ["publish", folder, "--name", name, "--endpoint-url", exchanging.url],
        # Stands for AWS, which is where it leads by itself.
        env={"AWS_ENDPOINT_URL_S3": local_server.url},
    )

    assert (done.exit_code, done.output) == (0, f"{name} 1.0 published\n")


def test_a_session_that_may_not_call_proton_publishes_nothing(
    machine: Callable[[Keys], None], sts: VerifyingSts, exchanging: ServedBesideAws, tmp_path: Path
) -> None:
    machine(sts.stranger)

    done = CliRunner().invoke(templates, ["publish", str(bundle(tmp_path / "bundle")), "--name", "x"])

    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: {exchanging.url} does not take the AWS credentials: {role(ENVIRONMENT_ACCOUNT, 'deploy')} "
        "may not use this server: no entry of its configuration allows it. (AccessDenied)\n"
    )
