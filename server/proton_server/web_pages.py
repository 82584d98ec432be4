"""Keeps web pages out: locally the server believes any credentials, and builds run commands on this machine.

A browser lets any page send requests to 127.0.0.1, and moto tells it that all are welcome. What a browser
sends for a page carries the page's origin; the SDKs and the CLI send none.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_REFUSAL = "This server does not answer web pages of other machines.\n"


def refuse_web_pages(app: ASGIApp) -> ASGIApp:
    """`app`, for everybody but pages that did not come from this machine."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        answer = app if origin is None or _is_here(origin) else PlainTextResponse(_REFUSAL, 403)
        await answer(scope, receive, send)

    return guarded


def _is_here(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
