"""The exchange as a client sees it: what it posts, and what is answered."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws, free_port
from tests.verifying_sts import VerifyingSts

CONFIGURATION = f"""\
access:
- principal: arn:aws:iam::{ACCOUNT}:user/alice
  allow: write
- principal: arn:aws:iam::{ACCOUNT}:role/dep*
  allow: write
- principal: arn:aws:iam::{ACCOUNT}:role/read-only
  allow: read
"""
ALICE, DEPLOY = f"arn:aws:iam::{ACCOUNT}:user/alice", f"arn:aws:iam::{ACCOUNT}:role/deploy"
READER = f"arn:aws:iam::{ACCOUNT}:role/read-only"

Exchange = Callable[..., "Answered"]
"""Exchanges AWS credentials: `exchanged(keys, audience=…)`."""


@contextmanager
def exchanging_server(folder: Path, sts: VerifyingSts, aws: LocalServer) -> Iterator[ServedBesideAws]:
    """A `serve` that exchanges AWS credentials after asking an STS."""
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
    many = ("--exchanges-per-minute", "100000")
    server = ServedBesideAws(folder, (*options, *many), port, aws=aws)
    server.start()
    yield server
    server.stop()


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code; the message is a sentence."""
        assert re.fullmatch(r"[^\n]+\.", self.document["message"])
        return self.status, self.document["code"]


def sent(
    url: str,
    posted: Any,
    *,
    media_type: str = "application/json",
    method: str = "POST",
    path: str = "/credentials",
    more: Mapping[str, str] | None = None,
) -> Answered:
    headers = {"Content-Type": media_type, **(more or {})}
    request = urllib.request.Request(f"{url}{path}", json.dumps(posted).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answered(answer.status, answer.headers, json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, error.headers, json.loads(error.read()))


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
