"""Signature Version 4 by the book, for tests that sign what botocore would not.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from proton_server.identity.exchange import BODY

AUDIENCE = "https://proton.example.com"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Keys(NamedTuple):
    """AWS credentials."""

    key_id: str
    secret: str
    token: str | None = None


def timestamp(at: float | None = None) -> str:
    """The time as X-Amz-Date has it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def authorization(
    keys: Keys,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str = "us-east-1",
    path: str = "/",
) -> str:
    """The Authorization of a POST that covers all these headers, by the book and not by botocore.

    The names of the headers are in lower case.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    canonical = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    date = headers["x-amz-date"]
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = f"AWS4{keys.secret}".encode()
    for part in (*scope.split("/"), text):
        secret = hmac.digest(secret, part.encode(), "sha256")
    credential = f"Credential={keys.key_id}/{scope}"
    return f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={secret.hex()}"


def identity_headers(
    keys: Keys,
    *,
    audience: str = AUDIENCE,
    host: str = "sts.us-east-1.amazonaws.com",
    region: str = "us-east-1",
    at: float | None = None,
    service: str = "sts",
    body: str = BODY,
    **more: str,
) -> dict[str, str]:
    """The headers of a signed GetCallerIdentity for an audience; in the names of `more`, `_` is `-`."""
    headers = {
        "host": host,
        "x-amz-date": timestamp(at),
        "content-type": FORM,
        "x-proton-audience": audience,
        **({"x-amz-security-token": keys.token} if keys.token else {}),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    signature = authorization(keys, headers, body.encode(), service=service, region=region)
    return {**headers, "authorization": signature}


def document(headers: Mapping[str, str] | Sequence[Sequence[str]], body: str = BODY) -> dict[str, Any]:
    """What is posted to the exchange."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return {"headers": [list(pair) for pair in pairs], "body": body}
