"""The ring of master keys: what it accepts, and what it opens."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proton_server.identity.master_keys import (
    MasterKey,
    MasterKeyError,
    MasterKeys,
    SealError,
    UnknownMasterKeyError,
    key_id_of,
)

FIRST, SECOND = (base64.b64encode(letter * 32).decode() for letter in (b"1", b"2"))
RING = MasterKeys.read({"PROTON_MASTER_KEYS": FIRST})
SEALED = RING.seal("greeting", b"hello", b"owner")


def test_what_is_sealed_opens_with_its_purpose_and_owner() -> None:
    assert RING.open("greeting", SEALED, b"owner") == b"hello"
    assert SEALED.startswith(f"v1.{RING.first.id}.")


def test_two_sealed_texts_of_the_same_content_have_nothing_in_common() -> None:
    first, second = (RING.seal("greeting", b"hello", b"owner").rpartition(".")[2] for _ in range(2))

    assert first[:8] != second[:8]
    assert first[-8:] != second[-8:]


@pytest.mark.parametrize("position", range(len(SEALED)))
def test_a_sealed_text_with_any_character_changed_does_not_open(position: int) -> None:
    for character in "Aa0-_.\n":
        changed = SEALED[:position] + character + SEALED[position + 1 :]
        if changed != SEALED:
            with pytest.raises(SealError):
                RING.open("greeting", changed, b"owner")


@pytest.mark.parametrize("last", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
def test_one_text_only_stands_for_the_same_bytes(last: str) -> None:
    """37 bytes leave bits in the last character of base64 that decoders ignore."""
    changed = SEALED[:-1] + last
    if changed != SEALED:
        with pytest.raises(SealError):
            RING.open("greeting", changed, b"owner")


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "v1",
        lambda sealed: sealed[:40],
        lambda sealed: sealed[:-1],
        lambda sealed: f"{sealed}A",
        lambda sealed: f"{sealed}\n",
        lambda sealed: f"v2{sealed[2:]}",
    ],
)
def test_what_is_no_sealed_text_does_not_open(change: Callable[[str], str]) -> None:
    with pytest.raises(SealError):
        RING.open("greeting", change(SEALED), b"owner")


@pytest.mark.parametrize(
    ("purpose", "owner"), [("farewell", b"owner"), ("greeting", b"other"), ("greeting", b"")]
)
def test_a_sealed_text_is_for_one_purpose_and_owner(purpose: str, owner: bytes) -> None:
    with pytest.raises(SealError, match="is for another purpose or owner"):
        RING.open(purpose, SEALED, owner)


def test_the_first_key_seals_and_every_key_opens() -> None:
    both = MasterKeys.read({"PROTON_MASTER_KEYS": f"{SECOND}, {FIRST}"})

    assert both.open("greeting", SEALED, b"owner") == b"hello"
    assert key_id_of(both.seal("greeting", b"hello", b"owner")) == both.first.id != RING.first.id


def test_a_key_that_the_ring_lacks_is_named_by_its_id() -> None:
    with pytest.raises(UnknownMasterKeyError) as unknown:
        MasterKeys.read({"PROTON_MASTER_KEYS": SECOND}).open("greeting", SEALED, b"owner")

    assert unknown.value.key_id == RING.first.id
    assert str(unknown.value) == f"The master key {RING.first.id} is not in PROTON_MASTER_KEYS."


def test_ids_and_derived_keys_are_hkdf_by_the_book() -> None:
    def expand(salt: bytes | None, purpose: bytes, length: int) -> bytes:
        return HKDF(SHA256(), length, salt, purpose).derive(b"1" * 32)

    assert RING.first.id == expand(None, b"proton-server key id", 8).hex()
    assert RING.first.derive("session secret", b"salt", 30) == expand(b"salt", b"session secret", 30)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "PROTON_MASTER_KEYS is not set: it holds the keys that secrets are encrypted with"),
        ({"PROTON_MASTER_KEYS": ""}, "PROTON_MASTER_KEYS is not set"),
        ({"PROTON_MASTER_KEYS": "hush hush"}, "Master key 1 in PROTON_MASTER_KEYS is not base64"),
        ({"PROTON_MASTER_KEYS": f"{FIRST},hush-hush_"}, "Master key 2 in PROTON_MASTER_KEYS is not base64"),
        ({"PROTON_MASTER_KEYS": f"{FIRST},"}, "Master key 2 in PROTON_MASTER_KEYS has 0 bytes, and needs 32"),
        (
            {"PROTON_MASTER_KEYS": base64.b64encode(b"hush" * 7).decode()},
            "has 28 bytes, and needs 32 or more",
        ),
        ({"PROTON_MASTER_KEYS": "hüsh"}, "Master key 1 in PROTON_MASTER_KEYS is not base64"),
        (
            {"PROTON_MASTER_KEYS_FILE": "/no/such/file"},
            "/no/such/file cannot be read: No such file or directory.",
        ),
        ({"PROTON_MASTER_KEYS_FILE": "{folder}/empty"}, "{folder}/empty has no master key"),
        ({"PROTON_MASTER_KEYS_FILE": "{folder}/binary"}, "{folder}/binary is not a text of base64."),
        ({"PROTON_MASTER_KEYS_FILE": "{folder}/short"}, "Master key 2 in {folder}/short has 3 bytes"),
        ({"PROTON_MASTER_KEYS": FIRST, "PROTON_MASTER_KEYS_FILE": "x"}, "unset one of them."),
    ],
)
def test_a_ring_that_cannot_be_used_is_one_sentence_without_a_key(
    environment: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(os.urandom(8) + b"\xff")
    (tmp_path / "short").write_text(f"{FIRST}\nAAAA\n")
    placed = {name: value.replace("{folder}", str(tmp_path)) for name, value in environment.items()}

    with pytest.raises(MasterKeyError) as refusal:
        MasterKeys.read(placed)

    message = str(refusal.value)
    assert sentence.replace("{folder}", str(tmp_path)) in message
    assert "\n" not in message
    assert not any(part in message for part in ("hush", FIRST, base64.b64encode(b"hush" * 7).decode()))


def test_a_file_has_a_key_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{SECOND}\r\n\n{FIRST}\n")

    ring = MasterKeys.read({"PROTON_MASTER_KEYS_FILE": str(tmp_path / "keys")})

    assert ring.first == MasterKey(b"2" * 32)
    assert ring.by_id(RING.first.id) == MasterKey(b"1" * 32)
    assert ring.by_id("0" * 16) is None


def test_no_key_shows_when_one_is_printed() -> None:
    assert repr(MasterKey(b"1" * 32)) == "MasterKey()"
    assert FIRST not in repr(RING)
