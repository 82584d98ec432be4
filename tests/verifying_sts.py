"""An STS that verifies signatures: moto's, once it is told that nothing is for free any more.

Its users and roles are made first, while it still takes any key.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, role
from tests.servers import free_port
from tests.signing import Keys

_MAY_ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
    }
)


@dataclass(frozen=True)
class VerifyingSts:
    """Where it is, and who may sign: each has credentials of its own."""

    url: str
    user: Keys
    """Of user/alice in ACCOUNT."""
    role: Keys
    """Of role/deploy in ACCOUNT, with a session token."""
    other_session: Keys
    """Of another session of the same role."""
    reader: Keys
    """Of role/read-only in ACCOUNT."""
    stranger: Keys
    """Of role/deploy in ENVIRONMENT_ACCOUNT."""

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@contextmanager
def verifying_sts() -> Iterator[VerifyingSts]:
    """Starts it in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(url)
        made = _made(url)
        _post(f"{url}/moto-api/reset-auth", b"0")
        yield VerifyingSts(url, *made)
    finally:
        process.kill()
        process.wait()


def _made(url: str) -> list[Keys]:
    def client(service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="anybody",
            aws_secret_access_key="anything",
        )

    iam, sts = client("iam"), client("sts")
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="assume", PolicyDocument=_MAY_ASSUME)
    key = iam.create_access_key(UserName="alice")["AccessKey"]

    def session(arn: str, name: str) -> Keys:
        found = sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    return [
        Keys(key["AccessKeyId"], key["SecretAccessKey"]),
        session(role(ACCOUNT, "deploy"), "one"),
        session(role(ACCOUNT, "deploy"), "two@example.com"),
        session(role(ACCOUNT, "read-only"), "one"),
        session(role(ENVIRONMENT_ACCOUNT, "deploy"), "one"),
    ]


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            _post(f"{url}/moto-api/reset-auth", b"inf")
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("moto did not start")


def _post(url: str, content: bytes) -> None:
    # As a form, which is urllib's default, moto would not find it.
    request = urllib.request.Request(url, content, {"Content-Type": "text/plain"}, method="POST")
    with urllib.request.urlopen(request, timeout=10):
        pass
