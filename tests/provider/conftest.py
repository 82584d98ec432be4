"""A server that answers as told, with a client of it; and hypothesis without its deadline.

Property-based tests ask whether a decision is right, not how fast a shared machine makes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.configuration import Configuration, target
from tests.provider.fake_server import FakeServer, serving

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
