"""The origin of a URL, by which a server and its clients know each other: scheme, host and port.

A client writes it, of the URL that it calls, into the request that it signs (`X-Proton-Audience`); the server
compares it with that of `--public-url`. Both write it the same way: in lower case, an international name in
its ASCII form (IDNA 2003, which Python has), a default port left out, without a path.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[a-z0-9._-]*", re.ASCII)
_DEFAULT_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """The origin of an https URL, or of an http URL on this machine.

    Raises ValueError: one clause, which says what the URL must be.
    """
    try:
        parts = urlsplit(url)
        origin = written(parts)
    except ValueError:
        raise ValueError("must be a URL such as https://proton.example.com") from None
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a scheme, a host and a port only, such as https://proton.example.com")
    if parts.scheme == "http" and not is_loopback(_host(parts.hostname or "")):
        raise ValueError("must begin with https://, or name this machine: http://localhost:4030")
    return origin


def written(parts: SplitResult) -> str:
    """The origin in a URL of http or https, whatever else is in it. Raises ValueError."""
    host, port = _host(parts.hostname or ""), parts.port
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (
        f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else ""
    )


def is_loopback(host: str) -> bool:
    """Whether a host's name or address, without a port, is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host(name: str) -> str:
    if ":" in name:
        return str(ipaddress.IPv6Address(name))
    host = name.encode("idna").decode("ascii").lower() if name else ""
    if not _HOST.fullmatch(host):
        raise ValueError
    return host
