"""What a server that takes AWS credentials answers, and its clients."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from tests.provider.fake_server import Answer, response

KIND = "application/json"


def document(content: Any, status: int = 200, kind: str = KIND) -> Answer:
    """An answer in JSON."""
    return response(json.dumps(content).encode(), kind, status)


def grant(seconds: float = 3600.0, key_id: str = "ASIAGRANTED", account: str = "444444444444") -> Answer:
    """Credentials that the server gives, which last so long from now on."""
    ends = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)
    return document(
        {
            "AccessKeyId": key_id,
            "SecretAccessKey": "granted-secret",
            "SessionToken": "granted-token",
            "Expiration": ends.isoformat().replace("+00:00", "Z"),
            "Account": account,
            "Arn": f"arn:aws:iam::{account}:role/deploy",
        }
    )


def proton_at(url: str, account: dict[str, Any] | None = None, **config: str) -> Proton:
    given = {"region": "eu-west-1", "endpoint": url} | config
    return Proton(target(Configuration.of_stack({f"aws-proton:{k}": v for k, v in given.items()}), account))


def end(proton: Proton) -> None:
    """As if the time of the credentials that a client has were over."""
    proton._api._request_signer._credentials._expiry_time = dt.datetime.now(dt.timezone.utc)


def headers_of(sent: dict[str, Any]) -> dict[str, str]:
    names = [name.lower() for name, _ in sent["headers"]]
    assert len(names) == len(set(names))
    return {name.lower(): value for name, value in sent["headers"]}


REDIRECT = "a redirect (status 302)"


def redirect(request: Any) -> None:
    request.send_response(302)
    request.send_header("Location", "https://elsewhere.example/")
    request.send_header("Content-Length", "0")
    request.end_headers()


IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>555555555555</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""
