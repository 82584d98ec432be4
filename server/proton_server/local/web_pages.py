"""Keeps web pages out: locally the server believes any credentials, and builds run commands on this machine.

A browser lets any page send requests to 127.0.0.1, and moto's CORS headers allow all origins. A request that
a browser sends for a page has the page's Origin header; the SDKs and the CLI send none. To its own host a
page sends none either, and its owner can point that host's name at 127.0.0.1 after the page was loaded (DNS
rebinding). So `local` checks the requested host name, too, and not a signature, which the page could send.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_ORIGIN_REFUSAL = "This server does not answer web pages of other machines.\n"
_HOST_REFUSAL = "This server answers as localhost, 127.0.0.1, [::1] or a name of AWS, and as no other host.\n"
_AWS = (".amazonaws.com", ".amazonaws.com.cn")
"""Names that clients ask for through a proxy or by a Host of their own. Only AWS says where they lead."""
_CONTAINERS = ("host.docker.internal", "host.containers.internal")
"""The name by which containers reach the machine that they run on."""


def refuse_web_pages(app: ASGIApp, *, any_host: bool) -> ASGIApp:
    """`app`, for everybody but pages that did not come from this machine.

    `any_host`: whatever the server is called. Where signatures are verified, a page has none to send.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(Headers(scope=scope), any_host=any_host) if scope["type"] == "http" else None
        answer = app if refusal is None else PlainTextResponse(refusal, 403)
        await answer(scope, receive, send)

    return guarded


def _refusal(headers: Headers, *, any_host: bool) -> str | None:
    if not all(_is_here(_host_of(origin)) for origin in headers.getlist("origin")):
        return _ORIGIN_REFUSAL
    # No browser leaves it out.
    hosts = [_host_of(f"//{host}") for host in headers.getlist("host") if host]
    if any_host or all(_is_here(host) or host.endswith(_AWS) for host in hosts):
        return None
    return _HOST_REFUSAL


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost") or host in _CONTAINERS:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
