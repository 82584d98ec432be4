"""The exchange: a signed request of GetCallerIdentity becomes temporary credentials, or is refused.

What costs nothing is checked first, then how often the address asks, then STS; a signature is remembered only
once STS has accepted it, so that nobody can use up another's.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proton_server.identity.access_keys import AccessKeyError, find_access_key
from proton_server.identity.access_rules import Access, access_of
from proton_server.identity.exchange import check_audience, check_host, check_time, read
from proton_server.identity.master_keys import SealError
from proton_server.identity.partitions import partition_of
from proton_server.identity.refusals import ExchangeRefused
from proton_server.identity.used_signatures import take
from proton_server.persistence.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton_server.identity.address_limits import AddressLimits
    from proton_server.identity.configuration import ConfigurationFile
    from proton_server.identity.exchange import IdentityRequest
    from proton_server.identity.master_keys import MasterKeys
    from proton_server.identity.principals import Principal
    from proton_server.identity.session_tokens import SessionTokens, TemporaryCredentials
    from proton_server.identity.sts import Sts
    from proton_server.persistence.store import Store

_log = logging.getLogger(__name__)

exchange_log = logging.getLogger("proton_server.exchange")
"""Has a level of its own: who exchanges credentials is of interest also where requests are not."""


@dataclass(frozen=True)
class Issuer:
    """Gives temporary credentials to those whom AWS's STS knows and the configuration allows something."""

    store: Store
    keys: MasterKeys
    tokens: SessionTokens
    sts: Sts
    configuration: ConfigurationFile
    limits: AddressLimits
    clock: Callable[[], float] = time.time
    warnings: RateLimit = field(default_factory=lambda: RateLimit(10, seconds=60.0))
    """Anybody can have an exchange refused that STS vouches for nobody in: they must not fill the log."""

    def credentials(self, content: bytes, address: str) -> TemporaryCredentials:
        """The credentials for the document that a client at an address sent. Raises ExchangeRefused.

        The log has a line for each, with the principal or else the access key that it claims.
        """
        principal, claimed, outcome = None, "-", "failed"
        try:
            request = read(content)
            claimed = request.key_id
            self._check(request, address)
            principal = self._principal(request)
            credentials = self._issued(request, principal)
            outcome = "OK"
        except ExchangeRefused as refusal:
            outcome = refusal.code
            raise
        finally:
            if principal is not None:
                exchange_log.info("exchange %s from %s %s", principal.arn, address, outcome)
            else:
                refused = exchange_log.warning if self.warnings.allows() else _log.info
                refused("exchange key %s from %s %s", claimed, address, outcome)
        return credentials

    def _check(self, request: IdentityRequest, address: str) -> None:
        """What is known without STS."""
        if self._is_own_key(request.key_id):
            message = f"{request.key_id} is an access key of this server: sign with it directly."
            raise ExchangeRefused("OwnCredentials", message)
        if request.token is not None and self.tokens.open(request.key_id, request.token) is not None:
            message = "These are temporary credentials of this server: sign with them directly."
            raise ExchangeRefused("OwnSession", message)
        check_time(request, self.clock())
        check_audience(request, self.tokens.origin)
        check_host(request, self.sts.hosts(request.region))
        if wait := self.limits.wait(address):
            message = "There are too many exchanges from this address. Try again later."
            raise ExchangeRefused("TooManyRequests", message, retry_after=wait)

    def _is_own_key(self, key_id: str) -> bool:
        try:
            with self.store.read() as connection:
                find_access_key(connection, self.keys, key_id, self.clock())
        except AccessKeyError:
            return False
        except SealError:
            return True  # its use says what is wrong
        return True

    def _principal(self, request: IdentityRequest) -> Principal:
        principal = self.sts.principal(request)
        if principal.partition != partition_of(request.region):
            message = f"The principal {principal.arn} is not of the partition of the Region {request.region}."
            raise ExchangeRefused("AccessDenied", message)
        return principal

    def _issued(self, request: IdentityRequest, principal: Principal) -> TemporaryCredentials:
        if access_of(principal.arn, self.configuration.current().rules) is Access.NONE:
            message = f"{principal.arn} may not use this server: no entry of its configuration allows it."
            raise ExchangeRefused("AccessDenied", message)
        # By the database's clock, with which revocations compare it.
        now = take(self.store, request.digest)
        if now is None:
            message = "This signature was exchanged before: sign a new request for each exchange."
            raise ExchangeRefused("SignatureUsed", message)
        return self.tokens.issue(principal, now)
