"""A server that answers as told, with a client of it; and hypothesis without its deadline.

Property-based tests ask whether a decision is right, not how fast a shared machine makes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from aws_proton_provider.aws import endpoint, exchange
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from tests.provider.exchanges import document, grant
from tests.provider.fake_server import WHOLE, FakeServer, response, serving

hypothesis.settings.register_profile("provider", deadline=None)
hypothesis.settings.load_profile("provider")


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    with serving() as server:
        yield server


@pytest.fixture
def proton(fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Proton:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111111111111")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    config = {"aws-proton:region": "us-east-1", "aws-proton:endpoint": fake_server.url}
    return Proton(target(Configuration.of_stack(config), None))


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with AWS credentials, on which nothing has been found out yet, and nothing gets to AWS."""
    monkeypatch.setattr(exchange, "_DISCOVERED", {})
    monkeypatch.setattr(endpoint, "_PAUSE", 0.01)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFAWS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
    # A proxy that nobody runs.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


@pytest.fixture
def exchange_server(fake_server: FakeServer) -> FakeServer:
    """A server that takes AWS credentials."""
    fake_server.discovery = document({"exchange": "/credentials"})
    fake_server.exchange = grant()
    fake_server.answer = response(WHOLE)
    return fake_server
