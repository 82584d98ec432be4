"""What `serve`'s options make of the exchange, and which of them are refused at the start."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import click

from proton_server.api.authentication import VerifiedCredentials
from proton_server.api.exchange import Exchange
from proton_server.cli.server import Identity
from proton_server.identity.address_limits import AddressLimits
from proton_server.identity.issuer import Issuer
from proton_server.identity.origins import origin_of
from proton_server.identity.session_tokens import SessionTokens
from proton_server.identity.sessions import Sessions
from proton_server.identity.sts import Sts
from proton_server.observability.measures import UNMEASURED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proton_server.identity.configuration import ConfigurationFile
    from proton_server.identity.master_keys import MasterKeys
    from proton_server.observability.measures import Measures
    from proton_server.persistence.store import Store


class Options(NamedTuple):
    """The options of the exchange, as they were checked."""

    origin: str | None
    """Of --public-url; None: there is no exchange."""
    sts_endpoint: str | None
    sts_proxy: str | None
    per_minute: int
    trusted_proxies: Sequence[str]


def checked(
    public_url: str | None,
    sts_endpoint: str | None,
    sts_proxy: str | None,
    per_minute: int,
    trusted_proxies: Sequence[str],
) -> Options:
    """The options. Raises ClickException for what may not be."""
    origin = _origin("--public-url", public_url) if public_url else None
    endpoint = _origin("--sts-endpoint", sts_endpoint) if sts_endpoint else None
    if sts_proxy:
        _check_proxy(sts_proxy)
    for proxy in trusted_proxies:
        _check_network(proxy)
    return Options(origin, endpoint, sts_proxy or None, per_minute, trusted_proxies)


def identity(
    options: Options,
    store: Store,
    keys: MasterKeys,
    configuration: ConfigurationFile,
    measures: Measures = UNMEASURED,
) -> Identity:
    """How callers are identified: by keys, and with a public URL by sessions, too."""
    if options.origin is None:
        return Identity(VerifiedCredentials(keys), Exchange())
    tokens = SessionTokens(keys, options.origin)
    issuer = Issuer(
        store,
        keys,
        tokens,
        Sts(options.sts_endpoint, options.sts_proxy, os.environ.get("AWS_CA_BUNDLE")),
        configuration,
        AddressLimits(options.per_minute),
    )
    authenticate = VerifiedCredentials(keys, Sessions(tokens, configuration))
    return Identity(authenticate, Exchange(issuer, measures))


def _origin(option: str, url: str) -> str:
    try:
        return origin_of(url)
    except ValueError as error:
        raise click.ClickException(f"{option} {error}.") from None


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        message = "--trusted-proxy must be an address or a network, such as 10.0.0.0/24"
        raise click.ClickException(f"{message}, and not {text!r}.") from None


def _check_proxy(url: str) -> None:
    """Raises ClickException. The URL may hold a password, so it is not shown."""
    try:
        parts = urlsplit(url)
        right = parts.scheme == "http" and bool(parts.hostname) and parts.port is not None
    except ValueError:
        right = False
    if not right or parts.path not in ("", "/"):
        raise click.ClickException("--sts-proxy must be a URL such as http://proxy.example.com:3128.")
