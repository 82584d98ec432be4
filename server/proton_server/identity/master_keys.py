"""The ring of master keys, with which the server encrypts the secrets that it stores or gives away.

They come from the environment and are in no database. The first one encrypts; every one of them decrypts, so
that they can be replaced one after the other. No master key is used itself: HKDF (RFC 5869) derives a key of
its own for each purpose and each sealed text.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE, FILE_VARIABLE = "PROTON_MASTER_KEYS", "PROTON_MASTER_KEYS_FILE"

_MIN_BYTES = 32
_SALT_BYTES = 16
_NONCE = bytes(12)
"""The key of each sealed text is used once, since its salt is random; so the nonce need not differ."""
_SEALED = re.compile(r"v1\.(?P<key_id>[0-9a-f]{16})\.(?P<content>[A-Za-z0-9_-]{43,})", re.ASCII)
_HOW = "`openssl rand -base64 32` makes one"


class MasterKeyError(Exception):
    """The ring of master keys cannot be used; the message is one sentence, and quotes no key."""


class SealError(Exception):
    """A sealed text cannot be opened: it was changed, or sealed for another purpose or owner."""


class UnknownMasterKeyError(SealError):
    """A sealed text was made with a master key that is not in the ring."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"The master key {key_id} is not in {VARIABLE}.")
        self.key_id = key_id


@dataclass(frozen=True)
class MasterKey:
    """A master key: 32 random bytes or more."""

    secret: bytes = field(repr=False)

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits, which say nothing of the key."""
        return self._expand(b"proton-server key id", None, 8).hex()

    def derive(self, purpose: str, salt: bytes, length: int = 32) -> bytes:
        """So many bytes for a purpose (HKDF-SHA256); another purpose or salt gives unrelated ones."""
        return self._expand(purpose.encode(), salt, length)

    def _expand(self, info: bytes, salt: bytes | None, length: int) -> bytes:
        return HKDF(SHA256(), length, salt, info).derive(self.secret)


class MasterKeys:
    """The ring.

    Args:
        keys: at least one; the first encrypts.

    """

    def __init__(self, *keys: MasterKey) -> None:
        self.first = keys[0]
        self._by_id = {key.id: key for key in keys}

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> MasterKeys:
        """The ring that the environment names. Raises MasterKeyError."""
        where, texts = _texts(environ)
        if not texts:
            raise MasterKeyError(f"{where} has no master key, and at least one is needed: {_HOW}.")
        return cls(*(MasterKey(_read_key(text, where, number)) for number, text in enumerate(texts, 1)))

    def by_id(self, key_id: str) -> MasterKey | None:
        """The key with this id, if it is in the ring."""
        return self._by_id.get(key_id)

    def seal(self, purpose: str, plaintext: bytes, bound: bytes) -> str:
        """Encrypts with the first key. To open it takes the same purpose, and what it is bound to."""
        salt = os.urandom(_SALT_BYTES)
        cipher = AESGCM(self.first.derive(purpose, salt))
        content = salt + cipher.encrypt(_NONCE, plaintext, _header(self.first.id) + bound)
        return f"v1.{self.first.id}.{_encode(content)}"

    def open(self, purpose: str, sealed: str, bound: bytes) -> bytes:
        """Decrypts what `seal` made. Raises SealError; UnknownMasterKeyError if the ring lacks its key."""
        match = _SEALED.fullmatch(sealed)
        if match is None:
            raise SealError("This is not a sealed text.")
        key = self.by_id(match["key_id"])
        if key is None:
            raise UnknownMasterKeyError(match["key_id"])
        content = _decode(match["content"])
        cipher = AESGCM(key.derive(purpose, content[:_SALT_BYTES]))
        try:
            return cipher.decrypt(_NONCE, content[_SALT_BYTES:], _header(key.id) + bound)
        except InvalidTag:
            raise SealError("The sealed text was changed, or is for another purpose or owner.") from None


def key_id_of(sealed: str) -> str:
    """The id of the master key that a sealed text was made with. Raises SealError."""
    match = _SEALED.fullmatch(sealed)
    if match is None:
        raise SealError("This is not a sealed text.")
    return match["key_id"]


def _header(key_id: str) -> bytes:
    """Version and key id, both of fixed length, so that what follows cannot be taken for part of them."""
    return f"v1.{key_id}.".encode()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Raises SealError, also for another text that stands for the same bytes."""
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise SealError("This is not a sealed text.") from None
    if _encode(content) != text:
        raise SealError("The sealed text was changed.")
    return content


def _texts(environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Where the keys are, and their texts."""
    text, file = environ.get(VARIABLE, ""), environ.get(FILE_VARIABLE, "")
    if text and file:
        raise MasterKeyError(f"Both {VARIABLE} and {FILE_VARIABLE} are set: unset one of them.")
    if not text and not file:
        raise MasterKeyError(
            f"{VARIABLE} is not set: it holds the keys that secrets are encrypted with, separated by commas, "
            f"or {FILE_VARIABLE} names a file with one on each line; {_HOW}."
        )
    if text:
        return VARIABLE, [part.strip() for part in text.split(",")]
    try:
        lines = Path(file).read_text("ascii").splitlines()
    except OSError as error:
        raise MasterKeyError(f"{FILE_VARIABLE}: {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise MasterKeyError(f"{FILE_VARIABLE}: {file} is not a text of base64.") from None
    return file, [line.strip() for line in lines if line.strip()]


def _read_key(text: str, where: str, number: int) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise MasterKeyError(f"Master key {number} in {where} is not base64: {_HOW}.") from None
    if len(secret) < _MIN_BYTES:
        raise MasterKeyError(
            f"Master key {number} in {where} has {len(secret)} bytes, and needs {_MIN_BYTES} or more: {_HOW}."
        )
    return secret
