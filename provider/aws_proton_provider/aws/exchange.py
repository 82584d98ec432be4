"""What Proton's requests are signed with: AWS credentials, or what the Proton server gives for them."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import urllib.parse
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.regions
import botocore.utils

from aws_proton_provider.aws.endpoint import Endpoint, Grant
from aws_proton_provider.aws.once import Attempts, Once
from aws_proton_provider.aws.sessions import Session
from aws_proton_provider.core.errors import NoCredentials

NO_CREDENTIALS = "no AWS credentials: set AWS_PROFILE, or `pulumi config set aws-proton:profile NAME`"

_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"

_DISCOVERED: dict[str, Once[bool]] = {}
"""By the server's origin, whether it takes AWS credentials: asked once in a process."""


class SignIn:
    """As whom a client signs. Safe to share between threads.

    Args:
        session: Whose credentials they are.
        api: The client of Proton, which is given the server's credentials.
        endpoint: The Proton server.

    """

    def __init__(self, session: Session, api: Any, endpoint: Endpoint) -> None:
        self._session, self._api, self._endpoint = session, api, endpoint
        self._own: Any = api._request_signer._credentials  # noqa: SLF001 - no public way to them
        self._once: Once[Grant | None] = Once()
        self._renewals: Attempts[Grant | None] = Attempts()

    def prepare(self) -> str | None:
        """Makes sure that there are valid credentials to sign with; nothing of Proton's has been sent then.

        Returns the account that the server says they are of; None where it gave none.

        Raises:
            ProtonError: Unreachable, NoCredentials or Unavailable: why there are none.

        """
        if self._own is None:
            raise NoCredentials(NO_CREDENTIALS)
        grant = self._once(self._sign_in)
        frozen(self._api._request_signer._credentials)  # noqa: SLF001 - as above
        return grant.account if grant else None

    @property
    def sts_url(self) -> str | None:
        """Where the STS of the credentials is; None for where botocore's settings lead.

        Of the Proton server's own keys only the server itself says which account they are of.
        """
        if not self._session.proton_is_elsewhere:
            return None
        return os.environ.get("AWS_ENDPOINT_URL_STS") or self._endpoint.origin

    def _sign_in(self) -> Grant | None:
        once = _DISCOVERED.setdefault(self._endpoint.origin, Once())
        if not once(self._endpoint.takes_aws_credentials):
            return None
        self._endpoint.require_confidential()
        # From here on AWS_ENDPOINT_URL is Proton's: nobody else is to get a request for STS.
        self._session.proton_is_elsewhere = True
        grant = self._grant()
        if grant:
            lasts = _left(grant.expires)
            self._api._request_signer._credentials = (  # noqa: SLF001 - no setter takes renewable ones
                botocore.credentials.RefreshableCredentials.create_from_metadata(
                    _metadata(grant),
                    refresh_using=self._renewed,
                    method="proton-exchange",
                    # As botocore has them for an hour; of less time, the same shares.
                    advisory_timeout=min(900, int(lasts / 4)),
                    mandatory_timeout=min(600, int(lasts / 6)),
                )
            )
        return grant

    def _renewed(self) -> dict[str, str]:
        grant = self._renewals(self._grant)
        if grant is None:
            raise NoCredentials(
                f"the Proton server at {self._endpoint.origin} took the AWS credentials before and now calls "
                "them its own: run the command again"
            )
        return _metadata(grant)

    def _grant(self) -> Grant | None:
        grant = self._endpoint.exchange(self._identity)
        if grant and _left(grant.expires) <= 0:
            raise NoCredentials(
                f"the Proton server at {self._endpoint.origin} gave credentials until {grant.expires[:40]}, "
                "which is over: check the clock of this machine, and the server's"
            )
        return grant

    def _identity(self) -> bytes:
        """A signed GetCallerIdentity request for AWS's STS, for this server only."""
        url, region = self._sts()
        headers = {
            "Host": urllib.parse.urlsplit(url).netloc,
            "Content-Type": _FORM,
            # The nonce tells two requests of one second from each other.
            "X-Proton-Audience": f"{self._endpoint.origin}#{secrets.token_urlsafe(16)}",
        }
        request = botocore.awsrequest.AWSRequest("POST", url, headers, _BODY)
        botocore.auth.SigV4Auth(frozen(self._own), "sts", region).add_auth(request)
        signed = [[name, value] for name, value in request.headers.items()]
        return json.dumps({"headers": signed, "body": _BODY.decode()}).encode()

    def _sts(self) -> tuple[str, str]:
        """The URL of the STS of the Region, and the Region."""
        region = str(self._api.meta.region_name)
        given = os.environ.get("AWS_ENDPOINT_URL_STS")
        if given:
            parts = urllib.parse.urlsplit(given)
            return f"{parts.scheme}://{parts.netloc}/", region
        data: Any = self._session.get_component("data_loader").load_data("endpoints")
        found = botocore.regions.EndpointResolver(data).construct_endpoint(
            "sts",
            region,
            use_dualstack_endpoint=bool(self._session.get_config_variable("use_dualstack_endpoint")),
            use_fips_endpoint=bool(self._session.get_config_variable("use_fips_endpoint")),
        )
        if not found:
            raise NoCredentials(
                f"there is no AWS STS in Region {region}, so that AWS credentials say nothing"
            )
        return f"https://{found['hostname']}/", region


def frozen(credentials: Any) -> Any:
    """Credentials as they are now, renewed where it is time.

    Raises:
        ProtonError: they cannot be renewed.

    """
    try:
        return credentials.get_frozen_credentials()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise NoCredentials(
            f"no valid AWS credentials: {error}; check the profile, or sign in again (`aws sso login`)"
        ) from None


def _metadata(grant: Grant) -> dict[str, str]:
    return {
        "access_key": grant.access_key_id,
        "secret_key": grant.secret_access_key,
        "token": grant.session_token,
        "expiry_time": grant.expires,
    }


def _left(text: str) -> float:
    """The seconds until a time; 0 where it is none."""
    try:
        return (botocore.utils.parse_timestamp(text) - dt.datetime.now(dt.timezone.utc)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
