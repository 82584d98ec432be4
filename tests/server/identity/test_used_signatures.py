"""A signature is taken once, on whichever replica, and forgotten when it is too old to be taken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from proton_server.identity.used_signatures import take
from proton_server.persistence.store import Store
from proton_server.persistence.tables import used_signatures


@pytest.fixture
def replicas(database_url: str) -> Iterator[list[Store]]:
    stores = [Store(database_url) for _ in range(3)]
    yield stores
    for store in stores:
        store.close()


def test_of_all_replicas_one_takes_a_signature(replicas: list[Store]) -> None:
    with ThreadPoolExecutor(12) as threads:
        taken = list(threads.map(lambda number: take(replicas[number % 3], "digest"), range(24)))

    assert sum(time is not None for time in taken) == 1
    assert take(replicas[0], "another") is not None


def test_what_is_too_old_to_be_taken_is_forgotten_and_the_rest_is_not(replicas: list[Store]) -> None:
    now = take(replicas[0], "now")
    assert now is not None
    rows = [{"digest": "old", "expires_at": now - 1}, {"digest": "recent", "expires_at": now + 600}]
    with replicas[1].write() as connection:
        connection.execute(sa.insert(used_signatures), rows)

    take(replicas[2], "next")

    with replicas[0].read() as connection:
        kept = connection.scalars(sa.select(used_signatures.c.digest).order_by("digest")).all()
    assert kept == ["next", "now", "recent"]
