"""The store, on both databases."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
import sqlalchemy as sa

from proton_server.dialects import StoreError
from proton_server.store import Rows, Store
from proton_server.tables import environments, meta


def test_rows_of_another_account_or_region_cannot_be_reached(database_url: str) -> None:
    store = Store(database_url)
    with store.write("111111111111", "us-east-1") as connection:
        Rows(connection, "111111111111", "us-east-1").insert(environments, name="e", record={})

    with store.read() as connection:
        for account, region in (("222222222222", "us-east-1"), ("111111111111", "eu-west-1")):
            rows = Rows(connection, account, region)
            assert rows.find(environments, name="e") is None
            assert rows.all(environments) == []
        assert Rows(connection, "111111111111", "us-east-1").find(environments, name="e") is not None
    store.close()


def test_a_failed_transaction_leaves_nothing(database_url: str) -> None:
    store = Store(database_url)
    with suppress(RuntimeError), store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={})
        raise RuntimeError
    with store.read() as connection:
        assert Rows(connection, "1", "r").all(environments) == []
    store.close()


def test_writers_of_one_account_follow_each_other(database_url: str) -> None:
    """Each of 40 writers reads a number and writes the next: with an overlap, one would be lost."""
    store = Store(database_url)
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={"n": 0})

    def count() -> None:
        for _ in range(5):
            with store.write("1", "r") as connection:
                rows = Rows(connection, "1", "r")
                row = rows.all(environments)[0]
                rows.update(environments, {"name": "e"}, record={"n": row.record["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert Rows(connection, "1", "r").all(environments)[0].record == {"n": 40}
    store.close()


def test_a_database_of_another_version_is_refused_with_one_sentence(database_url: str) -> None:
    store = Store(database_url)
    with store.write() as connection:
        connection.execute(sa.update(meta).values(value="0"))
    store.close()

    with pytest.raises(
        StoreError, match=r"has schema version 0, and this server needs \d+\. Start it with a new"
    ):
        Store(database_url)


def test_a_database_keeps_its_rows_when_it_is_opened_again(database_url: str) -> None:
    store = Store(database_url)
    with store.write("1", "r") as connection:
        Rows(connection, "1", "r").insert(environments, name="e", record={"n": "ü"})
    store.close()

    again = Store(database_url)
    with again.read() as connection:
        assert Rows(connection, "1", "r").all(environments)[0].record == {"n": "ü"}
    again.close()


def test_an_error_of_the_database_does_not_quote_what_was_to_be_written(database_url: str) -> None:
    store = Store(database_url)
    with suppress(sa.exc.IntegrityError), store.write("1", "r") as connection:
        rows = Rows(connection, "1", "r")
        rows.insert(environments, name="e", record={})
        with pytest.raises(sa.exc.IntegrityError) as caught:
            rows.insert(environments, name="e", record={"spec": "hunter2"})
        raise caught.value
    assert "hunter2" not in str(caught.value)
    store.close()
