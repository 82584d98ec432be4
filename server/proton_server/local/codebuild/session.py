"""The local AWS as a build sees it: an endpoint, an account, a Region, and credentials."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

# One for all, because it keeps the services' models, which are slow to read. Clients are made one at a time.
_boto = boto3.Session()
_making = threading.Lock()


@dataclass(frozen=True)
class Session:
    """The local AWS as an account, or as a role in it."""

    endpoint: str
    account_id: str
    region: str
    credentials: Mapping[str, str]
    """As environment variables."""

    def client(self, service: str) -> Any:
        """A boto3 client of a service."""
        config = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        with _making:
            client: Any = _boto.client(  # type: ignore[call-overload]  # the stubs know services by name only
                service,
                region_name=self.region,
                endpoint_url=self.endpoint,
                config=config,
                aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=self.credentials.get("AWS_SESSION_TOKEN"),
            )
        return client

    def assumed(self, role: str) -> Session:
        """As a role."""
        issued = self.client("sts").assume_role(RoleArn=role, RoleSessionName="AWSCodeBuild")["Credentials"]
        credentials = {
            "AWS_ACCESS_KEY_ID": issued["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": issued["SecretAccessKey"],
            "AWS_SESSION_TOKEN": issued["SessionToken"],
        }
        return Session(self.endpoint, self.account_id, self.region, credentials)


def account_session(endpoint: str, account_id: str, region: str) -> Session:
    """The local AWS as an account."""
    keys = {"AWS_ACCESS_KEY_ID": account_id, "AWS_SECRET_ACCESS_KEY": "local"}
    return Session(endpoint, account_id, region, keys)
