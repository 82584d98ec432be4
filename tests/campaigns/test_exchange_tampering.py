"""Ten thousand tampered exchanges and requests of sessions: none is accepted, none makes a server fail."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.exchange_tampering import accepted_exchanges, believed_requests
from tests.server.exchanges import exchanging_server, sent
from tests.servers import LocalServer, ServedBesideAws
from tests.signing import Keys, document, identity_headers
from tests.verifying_sts import VerifyingSts, verifying_sts


@pytest.fixture(scope="module")
def sts() -> Iterator[VerifyingSts]:
    with verifying_sts() as sts:
        yield sts


@pytest.fixture(scope="module")
def server(
    sts: VerifyingSts, aws: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    with exchanging_server(tmp_path_factory.mktemp("exchanging"), sts, aws) as server:
        yield server


def test_no_tampered_exchange_is_accepted(
    server: ServedBesideAws, sts: VerifyingSts, chance: random.Random
) -> None:
    assert accepted_exchanges(server, sts, chance, 6_000) == ([], [])


def test_no_changed_request_of_a_session_is_believed(
    server: ServedBesideAws, sts: VerifyingSts, chance: random.Random
) -> None:
    headers = identity_headers(sts.role, audience=server.url, host=sts.host)
    own = sent(server.url, document(headers)).document
    session = Keys(own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"])

    # A signature lasts five minutes: each round signs anew.
    for _ in range(4):
        assert believed_requests(server, session, chance, 1_000) == ([], [])
