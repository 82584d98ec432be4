"""AWS credentials for the server's own: by a real `serve`, whose STS verifies signatures."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config

from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws, free_port
from tests.signing import Keys, document, identity_headers
from tests.verifying_sts import VerifyingSts, verifying_sts

CONFIGURATION = f"""\
access:
- principal: arn:aws:iam::{ACCOUNT}:user/alice
  allow: write
- principal: arn:aws:iam::{ACCOUNT}:role/dep*
  allow: write
- principal: arn:aws:iam::{ACCOUNT}:role/read-only
  allow: read
"""


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]


@pytest.fixture(scope="session")
def sts() -> Iterator[VerifyingSts]:
    with verifying_sts() as sts:
        yield sts


@pytest.fixture(scope="module")
def server(
    sts: VerifyingSts, local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    folder = tmp_path_factory.mktemp("exchange")
    (folder / "serve.yaml").write_text(CONFIGURATION)
    port = free_port()
    options = (
        "--public-url",
        f"http://127.0.0.1:{port}",
        "--config",
        "serve.yaml",
        "--sts-endpoint",
        sts.url,
    )
    server = ServedBesideAws(folder, options, port, aws=local_server)
    server.start()
    yield server
    server.stop()


def sent(url: str, content: bytes, media_type: str = "application/json", method: str = "POST") -> Answered:
    request = urllib.request.Request(url, content, {"Content-Type": media_type}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answered(answer.status, answer.headers, json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, error.headers, json.loads(error.read()))


@pytest.fixture(scope="module")
def exchanged(server: ServedBesideAws, sts: VerifyingSts) -> Callable[..., Answered]:
    """Exchanges credentials: `exchanged(keys, audience=…)`."""

    def exchange(keys: Keys, **changes: Any) -> Answered:
        headers = identity_headers(keys, **{"audience": server.url, "host": sts.host, **changes})
        return sent(f"{server.url}/credentials", json.dumps(document(headers)).encode())

    return exchange


def client(
    server: LocalServer, credentials: Mapping[str, str], service: str = "proton", region: str = REGION
) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_the_server_says_where_it_exchanges_credentials(server: ServedBesideAws) -> None:
    with urllib.request.urlopen(f"{server.url}/.well-known/proton-server") as answer:
        assert json.load(answer) == {"exchange": "/credentials"}


@pytest.mark.parametrize(
    ("who", "arn"),
    [("user", f"arn:aws:iam::{ACCOUNT}:user/alice"), ("role", f"arn:aws:iam::{ACCOUNT}:role/deploy")],
)
def test_whoever_is_allowed_gets_credentials_that_sdks_sign_with(
    server: ServedBesideAws, sts: VerifyingSts, exchanged: Callable[..., Answered], who: str, arn: str
) -> None:
    answer = exchanged(getattr(sts, who))

    assert answer.status == 200, answer.document
    assert (answer.document["Account"], answer.document["Arn"]) == (ACCOUNT, arn)
    assert answer.headers["Cache-Control"] == "no-store"
    proton = client(server, answer.document)
    assert proton.list_environments()["environments"] == []
