"""Temporary credentials of this server: made from nothing but a master key, and stored nowhere.

The session token is the session itself, sealed; the secret follows from token and master key. So every
replica that has the key can open a token and verify a signature, and a lost database loses no session.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import string
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from proton_server.identity.master_keys import SealError, key_id_of

if TYPE_CHECKING:
    from proton_server.identity.master_keys import MasterKeys
    from proton_server.identity.principals import Principal

SECONDS = 3600
"""How long temporary credentials work."""

_ALPHABET = string.ascii_uppercase + "234567"
_PREFIX = "ASIA"
"""Of the access keys of temporary credentials, as AWS's."""
_MAX_TOKEN = 4096


@dataclass(frozen=True)
class Session:
    """What a session token holds."""

    issued: float
    """In epoch seconds, as `expires`."""
    expires: float
    audience: str
    """The origin of the server that it is for."""
    partition: str
    account_id: str
    principal: str
    """An ARN, without the name of AWS's session."""


@dataclass(frozen=True)
class TemporaryCredentials:
    """What a client signs with until they expire."""

    key_id: str
    secret: str
    token: str
    session: Session

    def __repr__(self) -> str:
        return f"TemporaryCredentials({self.key_id})"


class SessionTokens:
    """Makes and opens the session tokens of the server with one origin."""

    def __init__(self, keys: MasterKeys, origin: str) -> None:
        self._keys, self.origin = keys, origin

    def issue(self, principal: Principal, now: float) -> TemporaryCredentials:
        """Temporary credentials for a principal."""
        session = Session(
            issued=now,
            expires=now + SECONDS,
            audience=self.origin,
            partition=principal.partition,
            account_id=principal.account_id,
            principal=principal.arn,
        )
        key_id = _PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(16))
        token = self._keys.seal("session token", json.dumps(asdict(session)).encode(), key_id.encode())
        return TemporaryCredentials(key_id, self._secret(token), token, session)

    def open(self, key_id: str, token: str) -> TemporaryCredentials | None:
        """The credentials with this token and access key; None if the token is not theirs, or not ours.

        Nothing is said of whether they still work.
        """
        if not key_id.startswith(_PREFIX) or len(token) > _MAX_TOKEN:
            return None
        try:
            content = self._keys.open("session token", token, key_id.encode())
        except SealError:
            return None
        return TemporaryCredentials(key_id, self._secret(token), token, Session(**json.loads(content)))

    def _secret(self, token: str) -> str:
        key = self._keys.by_id(key_id_of(token)) or self._keys.first
        digest = hashlib.sha256(token.encode()).digest()
        return base64.urlsafe_b64encode(key.derive("session secret", digest, 30)).decode()
