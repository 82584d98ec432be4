"""AWS's STS, as the exchange calls it: which hosts it has, and one request to one of them.

No URL comes from a client: the host is one that botocore's data has for STS in the Region of the signature,
and the path is `/`. Certificates are verified, no redirect is followed, no proxy is used but one that the
operator names, and an answer has a limit of time and size. A connection is used once.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from base64 import b64encode
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from botocore.httpsession import get_cert_path
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from proton_server.identity import caller_identity
from proton_server.identity.caller_identity import Answer, principal_in
from proton_server.identity.exchange import BODY
from proton_server.identity.partitions import partition_of
from proton_server.identity.refusals import ExchangeRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proton_server.identity.exchange import IdentityRequest
    from proton_server.identity.principals import Principal

_IDLE_SECONDS, _TOTAL_SECONDS = 3.0, 10.0


class Sts:
    """STS of AWS.

    Args:
        endpoint: the URL of another STS, a private one or a test's. Requests must be signed for its host.
        proxy: the URL of an HTTP proxy to reach it through. The environment's proxy settings are not used.
        certificates: a file of certificates to trust; None is botocore's, as for the server's other calls.
        seconds: how long one call takes at most.

    """

    def __init__(
        self,
        endpoint: str | None = None,
        proxy: str | None = None,
        certificates: str | None = None,
        seconds: float = _TOTAL_SECONDS,
    ) -> None:
        self._endpoint = urlsplit(endpoint) if endpoint else None
        self._proxy = urlsplit(proxy) if proxy else None
        self._seconds = seconds
        self._tls = ssl.create_default_context(cafile=certificates or get_cert_path(verify=True))

    def hosts(self, region: str) -> frozenset[str]:
        """The values of Host that a request may be signed for. Empty for a Region that AWS does not have."""
        if partition_of(region) is None:
            return frozenset()
        return frozenset({self._endpoint.netloc}) if self._endpoint else _hosts(region)

    def principal(self, request: IdentityRequest) -> Principal:
        """Who signed the request. Its host must be one of `hosts`. Raises ExchangeRefused."""
        url = self._endpoint or urlsplit(f"https://{request.headers['host']}")
        connection = self._connection(url)
        try:
            with _ended_after(self._seconds, connection):
                answer = _response(connection, request)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The exception's text may quote what was sent or received.
            message = f"AWS's STS ({url.netloc}) cannot be reached or did not answer: {type(error).__name__}."
            raise ExchangeRefused("StsUnavailable", f"{message} Try again.") from None
        finally:
            connection.close()
        return principal_in(answer)

    def _connection(self, url: SplitResult) -> http.client.HTTPConnection:
        host, port = url.hostname or "", url.port
        if url.scheme == "http":  # on this machine, or the server would not have started
            return http.client.HTTPConnection(host, port or 80, timeout=_IDLE_SECONDS)
        through = self._proxy or url
        connection = http.client.HTTPSConnection(
            through.hostname or "",
            through.port or (3128 if self._proxy else 443),
            timeout=_IDLE_SECONDS,
            context=self._tls,
        )
        if self._proxy is not None:
            connection.set_tunnel(host, port or 443, _proxy_headers(self._proxy))
        return connection


def _response(connection: http.client.HTTPConnection, request: IdentityRequest) -> Answer:
    connection.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(BODY)))
    connection.endheaders(BODY.encode())
    response = connection.getresponse()
    content = response.read(caller_identity.MAX_BYTES + 1)
    # What the Content-Length says is still to come.
    if response.length and len(content) <= caller_identity.MAX_BYTES:
        raise http.client.IncompleteRead(b"")
    media_type = response.headers.get_content_type()
    return Answer(response.status, media_type, content)


@contextmanager
def _ended_after(seconds: float, connection: http.client.HTTPConnection) -> Iterator[None]:
    """Ends the connection after some seconds: its own timeout begins anew with every byte."""
    done = threading.Event()

    def end() -> None:
        late = done.wait(seconds)
        while not late:
            if connection.sock is not None:
                with suppress(OSError):
                    # A TLS socket's own method would first take its state from the reading thread.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
            late = done.wait(0.1)

    threading.Thread(target=end, name="sts-deadline", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@cache
def _hosts(region: str) -> frozenset[str]:
    """STS's hosts for a Region: its own, in every variant, and global ones that are signed for with it."""
    partition, resolver = partition_of(region), _resolver()
    variants = [(dual, fips) for dual in (False, True) for fips in (False, True)]
    found = [
        resolver.construct_endpoint(
            "sts", region, partition, use_dualstack_endpoint=dual, use_fips_endpoint=fips
        )
        for dual, fips in variants
    ]
    found += [
        endpoint
        for name in resolver.get_available_endpoints("sts", partition, allow_non_regional=True)
        for endpoint in [resolver.construct_endpoint("sts", name, partition)]
        if endpoint.get("credentialScope", {}).get("region") == region
    ]
    return frozenset(endpoint["hostname"] for endpoint in found)


@cache
def _resolver() -> Any:
    return EndpointResolver(Loader().load_data("endpoints"))
