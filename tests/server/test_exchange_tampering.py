"""A few hundred tampered exchanges and requests of sessions; `make campaigns` has ten thousand."""

from __future__ import annotations

import random

from tests.exchange_tampering import accepted_exchanges, believed_requests
from tests.server.exchanges import Exchange
from tests.servers import ServedBesideAws
from tests.signing import Keys
from tests.verifying_sts import VerifyingSts


def test_no_tampered_exchange_is_accepted(exchanging: ServedBesideAws, sts: VerifyingSts) -> None:
    assert accepted_exchanges(exchanging, sts, random.Random(12), 300) == ([], [])


def test_no_changed_request_of_a_session_is_believed(
    exchanging: ServedBesideAws, exchanged: Exchange, sts: VerifyingSts
) -> None:
    own = exchanged(sts.role).document
    session = Keys(own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"])

    assert believed_requests(exchanging, session, random.Random(12), 300) == ([], [])
