"""Access keys: made, listed, rotated, revoked, expired, and their secrets under other master keys."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result

from proton_server.identity.access_keys import (
    AccessKeyError,
    create_access_key,
    find_access_key,
    list_access_keys,
    reencrypt_secrets,
    revoke_access_key,
    rotate_access_key,
)
from proton_server.identity.master_keys import MasterKeys, SealError
from proton_server.persistence.store import Store
from proton_server.persistence.tables import access_keys
from tests.commands import run_command
from tests.master_keys import MASTER_KEYS, MASTER_KEYS_ENVIRONMENT
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT

OTHER = base64.b64encode(b"o" * 32).decode()
PRESENT = MASTER_KEYS_ENVIRONMENT["PROTON_MASTER_KEYS"]


def ring(*keys: str) -> MasterKeys:
    return MasterKeys.read({"PROTON_MASTER_KEYS": ",".join(keys)})


def secrets(
    store: Store, key_id: str, *, now: float | None = None, keys: MasterKeys = MASTER_KEYS
) -> tuple[str, ...]:
    """The secrets with which a key may sign."""
    with store.read() as connection:
        return find_access_key(connection, keys, key_id, time.time() if now is None else now).secrets


class TestKeys:
    """On both databases."""

    def test_a_key_is_found_with_its_secret_which_the_database_does_not_show(self, store: Store) -> None:
        key_id, secret = create_access_key(store, MASTER_KEYS, ACCOUNT, description="of the CI")

        assert secrets(store, key_id) == (secret,)
        with store.read() as connection:
            row = connection.execute(sa.select(access_keys)).one()
        assert secret not in str(row)
        assert (row.account_id, row.description) == (ACCOUNT, "of the CI")

    def test_a_key_that_is_not_there_is_not_found(self, store: Store) -> None:
        with pytest.raises(AccessKeyError, match="AKIANONE is not a key of this server"):
            secrets(store, "AKIANONE")

    def test_an_expired_key_is_dead_from_that_second_on(self, store: Store) -> None:
        key_id, secret = create_access_key(store, MASTER_KEYS, ACCOUNT, expires_at=1_900_000_000.0)

        assert secrets(store, key_id, now=1_899_999_999.9) == (secret,)
        with pytest.raises(AccessKeyError, match=f"^{key_id} expired at 2030-03-17 17:46 UTC$"):
            secrets(store, key_id, now=1_900_000_000.0)

    def test_a_revoked_key_is_dead_at_once_and_its_secrets_are_gone(self, store: Store) -> None:
        key_id, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)
        rotate_access_key(store, MASTER_KEYS, key_id, overlap=60)

        revoke_access_key(store, key_id)

        with pytest.raises(AccessKeyError, match=f"^{key_id} was revoked at 20"):
            secrets(store, key_id)
        with store.read() as connection:
            row = connection.execute(sa.select(access_keys)).one()
        assert (row.sealed_secret, row.previous_sealed_secret) == (None, None)

    def test_a_key_stays_revoked_since_the_first_time(self, store: Store) -> None:
        key_id, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)
        revoke_access_key(store, key_id)
        (first,) = list_access_keys(store)

        revoke_access_key(store, key_id)

        assert list_access_keys(store) == [first]

    def test_the_secret_before_a_rotation_works_until_the_overlap_ends(self, store: Store) -> None:
        key_id, before = create_access_key(store, MASTER_KEYS, ACCOUNT)

        after = rotate_access_key(store, MASTER_KEYS, key_id, overlap=3600)

        (row,) = list_access_keys(store)
        assert before != after
        assert secrets(store, key_id, now=row.previous_until - 0.1) == (after, before)
        assert secrets(store, key_id, now=row.previous_until) == (after,)

    def test_a_second_rotation_ends_the_first_secret(self, store: Store) -> None:
        key_id, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)
        second = rotate_access_key(store, MASTER_KEYS, key_id, overlap=3600)

        third = rotate_access_key(store, MASTER_KEYS, key_id, overlap=3600)

        assert secrets(store, key_id) == (third, second)

    def test_without_an_overlap_only_the_new_secret_works(self, store: Store) -> None:
        key_id, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)

        after = rotate_access_key(store, MASTER_KEYS, key_id, overlap=0)

        assert secrets(store, key_id) == (after,)

    def test_the_row_of_a_key_is_of_no_use_to_another_key_or_account(self, store: Store) -> None:
        mine, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)
        theirs, _ = create_access_key(store, MASTER_KEYS, ENVIRONMENT_ACCOUNT)
        with store.write() as connection:
            sealed = connection.scalar(sa.select(access_keys.c.sealed_secret).where(access_keys.c.id == mine))
            connection.execute(
                sa.update(access_keys).where(access_keys.c.id == theirs).values(sealed_secret=sealed)
            )
            connection.execute(
                sa.update(access_keys).where(access_keys.c.id == mine).values(account_id=ENVIRONMENT_ACCOUNT)
            )

        for key_id in (mine, theirs):
            with pytest.raises(SealError, match="is for another purpose or owner"):
                secrets(store, key_id)

    def test_master_keys_are_replaced_without_a_pause(self, store: Store) -> None:
        key_id, before = create_access_key(store, MASTER_KEYS, ACCOUNT)
        after = rotate_access_key(store, MASTER_KEYS, key_id, overlap=3600)
        gone, _ = create_access_key(store, MASTER_KEYS, ACCOUNT)
        revoke_access_key(store, gone)
        both = ring(OTHER, PRESENT)

        assert secrets(store, key_id, keys=both) == (after, before)
        assert [reencrypt_secrets(store, both) for _ in range(2)] == [2, 0]

        for keys in (both, ring(OTHER)):
            assert secrets(store, key_id, keys=keys) == (after, before)
        with pytest.raises(SealError, match=r"The master key [0-9a-f]{16} is not in PROTON_MASTER_KEYS"):
            secrets(store, key_id)


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """A database with the tables, for commands."""
    Store(database_url).close()
    return database_url


def run(database: str, command: str, **environment: Any) -> Result:
    """Runs a command of `proton-server keys`."""
    where = ("--database", database)
    return run_command("keys", *command.split(), *where, environment=environment or MASTER_KEYS_ENVIRONMENT)


def printed(result: Result) -> tuple[str, str]:
    """The id and the secret that a command showed."""
    match = re.fullmatch(
        r"AWS_ACCESS_KEY_ID=(AKIA\w{16})\nAWS_SECRET_ACCESS_KEY=([\w-]{40})\n", result.stdout
    )
    assert match, result.output
    return match[1], match[2]


def refused(result: Result) -> str:
    """The sentence with which a command ended."""
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    return result.stderr


class TestCommands:
    """The same as the commands show it."""

    def test_the_list_shows_every_key_and_no_secret(self, database: str) -> None:
        made = [
            printed(run(database, f"create --account {account} --description {what} {more}"))
            for account, what, more in (
                (ACCOUNT, "ci", "--expires-in 90d"),
                (ENVIRONMENT_ACCOUNT, "laptop", ""),
            )
        ]
        run(database, f"revoke {made[1][0]}")

        table, mine = (run(database, f"list {more}") for more in ("", f"--account {ACCOUNT}"))
        rows = [json.loads(line) for line in run(database, "list --json").stdout.splitlines()]

        head, first, second = table.stdout.splitlines()
        assert head.split()[:3] == ["ID", "ACCOUNT", "ID"]
        assert first.split()[:3] == [made[0][0], ACCOUNT, "active"]
        assert second.split()[:3] == [made[1][0], ENVIRONMENT_ACCOUNT, "revoked"]
        assert made[1][0] not in mine.stdout
        assert [(row["state"], row["description"]) for row in rows] == [
            ("active", "ci"),
            ("revoked", "laptop"),
        ]
        assert rows[0]["expires_at"][:4] >= "2026"
        shown = table.output + mine.output + json.dumps(rows)
        assert not any(secret in shown for _, secret in made)
        assert "sealed" not in shown

    def test_a_rotation_shows_the_new_secret_and_keeps_the_old_for_a_day(self, database: str) -> None:
        key_id, before = printed(run(database, f"create --account {ACCOUNT}"))

        assert printed(run(database, f"rotate {key_id}")) != (key_id, before)

        with closing(Store(database)) as store:
            (row,) = list_access_keys(store)
        assert row.previous_until - time.time() == pytest.approx(86400, abs=60)

    def test_what_cannot_be_is_one_sentence(self, database: str) -> None:
        key_id, _ = printed(run(database, f"create --account {ACCOUNT}"))
        run(database, f"revoke {key_id}")
        for command, sentence in (
            ("revoke AKIANONE", "There is no access key 'AKIANONE' in this database."),
            ("rotate AKIANONE", "There is no access key 'AKIANONE' in this database."),
            (f"rotate {key_id}", f"{key_id} was revoked at 20"),
            ("list --account mine", "--account must be 12 digits, not 'mine'."),
            (f"create --account {ACCOUNT} --description {'x' * 201}", "--description must have at most 200"),
        ):
            assert sentence in refused(run(database, command))
        assert "is not a number of seconds" in run(database, f"rotate {key_id} --overlap soon").stderr

    def test_a_ring_without_the_key_that_secrets_need_is_one_sentence(self, database: str) -> None:
        key_id, _ = printed(run(database, f"create --account {ACCOUNT}"))
        wrong = {"PROTON_MASTER_KEYS": OTHER}
        for command in (f"create --account {ACCOUNT}", f"rotate {key_id}", "reencrypt"):
            sentence = refused(run(database, command, **wrong))
            assert (
                f"encrypted with the master key {MASTER_KEYS.first.id}, which is not in PROTON_MASTER_KEYS"
                in sentence
            )
            assert OTHER not in sentence
        served = run_command("serve", "--port", "0", "--database", database, environment=wrong)
        assert (
            f"the master key {MASTER_KEYS.first.id}, which is not in PROTON_MASTER_KEYS: add it."
            in refused(served)
        )

    def test_no_master_key_is_one_sentence_that_says_how_to_make_one(self, database: str) -> None:
        for arguments in (("serve", "--port", "0"), ("keys", "create", "--account", ACCOUNT)):
            result = run_command(*arguments, "--database", database, environment={})
            assert "PROTON_MASTER_KEYS is not set" in refused(result)
            assert "`openssl rand -base64 32` makes one." in result.stderr

    def test_reencrypting_says_how_many_secrets_it_was_about(self, database: str) -> None:
        printed(run(database, f"create --account {ACCOUNT}"))

        done = run(database, "reencrypt", PROTON_MASTER_KEYS=f"{OTHER},{PRESENT}")

        assert done.stdout == "Secrets encrypted anew: 1\n"
