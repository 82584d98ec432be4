"""Sessions as requests use them: every request is checked against what holds at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proton_server.identity.access_rules import Access, access_of
from proton_server.identity.partitions import partition_of
from proton_server.identity.revocations import is_revoked

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proton_server.identity.configuration import ConfigurationFile
    from proton_server.identity.session_tokens import Session, SessionTokens, TemporaryCredentials


class SessionExpired(Exception):
    """The session's time is over."""


class SessionInvalid(Exception):
    """The session does not count here. The message is a sentence that says why, and what to do."""


class Sessions:
    """The sessions of this server: those of the tokens that it issued."""

    def __init__(self, tokens: SessionTokens, configuration: ConfigurationFile) -> None:
        self._tokens, self._configuration = tokens, configuration

    def find(self, key_id: str, token: str) -> TemporaryCredentials | None:
        """The credentials that a token is of, so that a signature can be verified; None: none of ours."""
        return self._tokens.open(key_id, token)

    def access(self, session: Session, region: str, now: float, connection: sa.Connection) -> Access:
        """What the session may do now. Raises SessionExpired and SessionInvalid."""
        if now >= session.expires:
            raise SessionExpired
        if session.audience != self._tokens.origin:
            raise SessionInvalid(f"It is for {session.audience}, and this server is {self._tokens.origin}.")
        if session.partition != partition_of(region):
            raise SessionInvalid(f"It is for Regions of the partition {session.partition}, not for {region}.")
        if is_revoked(connection, session.account_id, session.principal, session.issued):
            raise SessionInvalid("It was revoked: exchange your AWS credentials again.")
        return access_of(session.principal, self._configuration.current().rules)
