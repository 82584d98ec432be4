"""Session tokens: whole, of this server and of their access key, or nothing."""

from __future__ import annotations

import base64
import random
import re

import pytest

from proton_server.identity.master_keys import MasterKey, MasterKeys
from proton_server.identity.principals import principal_of
from proton_server.identity.session_tokens import SessionTokens
from tests.signing import AUDIENCE

ROLE = principal_of("arn:aws:sts::111122223333:assumed-role/deploy/session")
OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
NOW = 1_790_000_000.0


@pytest.fixture
def tokens() -> SessionTokens:
    return SessionTokens(MasterKeys(NEW, OLD), AUDIENCE)


def test_credentials_have_the_form_of_temporary_ones_and_are_all_different(tokens: SessionTokens) -> None:
    made = [tokens.issue(ROLE, NOW) for _ in range(20)]

    assert all(re.fullmatch(r"ASIA[A-Z2-7]{16}", one.key_id) for one in made)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{40}", one.secret) for one in made)
    for values in zip(*((one.key_id, one.secret, one.token) for one in made), strict=True):
        assert len(set(values)) == 20
    assert max(len(one.token) for one in made) < 600


def test_a_token_holds_the_session(tokens: SessionTokens) -> None:
    made = tokens.issue(ROLE, NOW)

    opened = tokens.open(made.key_id, made.token)

    assert opened == made
    assert (made.session.issued, made.session.expires) == (NOW, NOW + 3600)
    assert (made.session.partition, made.session.account_id) == ("aws", "111122223333")
    assert (made.session.principal, made.session.audience) == (ROLE.arn, AUDIENCE)


def test_another_replica_with_the_master_key_opens_it_and_one_without_does_not(tokens: SessionTokens) -> None:
    made = tokens.issue(ROLE, NOW)

    assert SessionTokens(MasterKeys(OLD, NEW), AUDIENCE).open(made.key_id, made.token) == made
    assert SessionTokens(MasterKeys(OLD), AUDIENCE).open(made.key_id, made.token) is None


def test_a_token_is_of_one_access_key(tokens: SessionTokens) -> None:
    made, other = tokens.issue(ROLE, NOW), tokens.issue(ROLE, NOW)

    for key_id in (other.key_id, made.key_id[:-1], made.key_id.lower(), "AKIA" + made.key_id[4:], ""):
        assert tokens.open(key_id, made.token) is None


def test_what_was_sealed_for_another_purpose_is_no_token(tokens: SessionTokens) -> None:
    made = tokens.issue(ROLE, NOW)
    key_id = made.key_id.encode()
    other = MasterKeys(NEW).seal("access key", b"{}", key_id)

    assert tokens.open(made.key_id, other) is None


def test_no_changed_token_opens(tokens: SessionTokens) -> None:
    made, chance = tokens.issue(ROLE, NOW), random.Random(1)
    text = made.token
    characters = "ABCabc019-_.=+/\n é"
    changed = {text[:at] + chance.choice(characters) + text[at + 1 :] for at in range(len(text))}
    changed |= {text[:at] + chance.choice(characters) + text[at:] for at in range(len(text) + 1)}
    changed |= {text[:at] + text[at + 1 :] for at in range(len(text))}
    changed |= {"", text * 2, text.upper(), text + "=" * 5000, text.replace(NEW.id, OLD.id)}

    assert [one for one in changed - {text} if tokens.open(made.key_id, one) is not None] == []


def test_the_secret_is_in_the_token_neither_plainly_nor_encoded(tokens: SessionTokens) -> None:
    made = tokens.issue(ROLE, NOW)
    content = made.token.rpartition(".")[2]
    sealed = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))

    assert base64.urlsafe_b64decode(made.secret) not in sealed
    assert b"deploy" not in sealed
    assert made.secret not in repr(made)
