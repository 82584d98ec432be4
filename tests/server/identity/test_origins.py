"""The origin of a URL: one text for all the ways to write it, and TLS or this machine only."""

from __future__ import annotations

import pytest

from proton_server.identity.origins import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://proton.example.com", "https://proton.example.com"),
        ("HTTPS://Proton.Example.COM/", "https://proton.example.com"),
        ("https://proton.example.com:443/", "https://proton.example.com"),
        ("https://proton.example.com:8443", "https://proton.example.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://10.0.0.7:8443", "https://10.0.0.7:8443"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:4030", "http://localhost:4030"),
        ("http://proton.localhost", "http://proton.localhost"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.9.9.9:4030", "http://127.9.9.9:4030"),
        ("http://[::1]:4030", "http://[::1]:4030"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
    ],
)
def test_an_origin_is_written_in_one_way(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    ("url", "clause"),
    [
        ("http://proton.example.com", "must begin with https://, or name this machine"),
        ("http://10.0.0.7:4030", "must begin with https://, or name this machine"),
        ("http://localhost.example.com", "must begin with https://, or name this machine"),
        ("http://0.0.0.0:4030", "must begin with https://, or name this machine"),
        ("https://proton.example.com/path", "must be a scheme, a host and a port only"),
        ("https://proton.example.com/?query", "must be a scheme, a host and a port only"),
        ("https://proton.example.com/#fragment", "must be a scheme, a host and a port only"),
        ("https://user@proton.example.com", "must be a scheme, a host and a port only"),
        ("https://", "must be a URL such as"),
        ("proton.example.com", "must be a URL such as"),
        ("ftp://proton.example.com", "must be a URL such as"),
        ("https://proton.example.com:x", "must be a URL such as"),
        ("https://proton.example.com:99999", "must be a URL such as"),
        ("https://[::1", "must be a URL such as"),
        ("https://" + "a" * 64 + ".example", "must be a URL such as"),
        ("https://proton example.com", "must be a URL such as"),
        ("https://proton.example.com\\@evil.example", "must be a"),
    ],
)
def test_everything_else_is_refused(url: str, clause: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is asserted
        origin_of(url)

    assert clause in str(caught.value)
