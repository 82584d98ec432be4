"""Sessions with AWS: as whom the server calls, how long it waits, and which answers mean "try again".

With nothing configured that is boto3's own credential chain, which must lead to an identity that may assume
the service roles; `proton-server local` names its own endpoint instead. Nothing here knows what calls mean.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import ClientError

from proton_server.registration import SourceFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botocore.credentials import Credentials

_CONNECT_SECONDS, _READ_SECONDS = 3, 9
"""Together below the reconciler's lease."""
_MAX_BUNDLE_BYTES = 10 * 1024 * 1024
"""The quota of the User Guide's page on limits."""
_DENIED = (
    "The template bundle {place} cannot be read: Access Denied. Either the server may not read it, or the "
    "bucket belongs to another account than {account}: put the bundle into a bucket of that account, or have "
    "the server's operator allow the bucket's account with --template-bucket-account."
)
_TRY_AGAIN = frozenset(
    {
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def is_final(error: ClientError) -> bool:
    """Whether asking AWS again would give the same answer."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status < 500 and error.response["Error"]["Code"] not in _TRY_AGAIN


class Aws:
    """AWS as the server reaches it.

    Args:
        endpoint_url: one endpoint for all services, where access keys name accounts (`proton-server local`);
            None is AWS itself.
        template_accounts: whose buckets everybody's templates may lie in, besides the caller's own.

    """

    def __init__(self, endpoint_url: str | None = None, template_accounts: Sequence[str] = ()) -> None:
        self._endpoint_url, self._template_accounts = endpoint_url, template_accounts
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 2},
            # The local endpoint is this process: no proxy leads to it.
            proxies={} if endpoint_url else None,
            max_pool_connections=32,
            s3={"addressing_style": "path"} if endpoint_url else None,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        )
        self.client = lru_cache(maxsize=512)(self._client)
        """`client(service, account_id, region, role_arn)`: kept, for it is slow to make."""

    def read_object(self, account_id: str, region: str, bucket: str, key: str) -> bytes:
        """An object of S3, read as the server itself. Raises SourceFault.

        The server may be allowed to read more buckets than the caller, so S3 is told whose the bucket must
        be. It takes one account at a time, and answers for any other as if reading were forbidden.
        """
        place = f"s3://{bucket}/{key}"
        s3 = self.client("s3", account_id, region)
        for owner in (account_id, *self._template_accounts):
            try:
                answer = s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)
                content: bytes = answer["Body"].read(_MAX_BUNDLE_BYTES + 1)
                break
            except ClientError as error:
                if not is_final(error):
                    raise
                if error.response["Error"]["Code"] != "AccessDenied":
                    raise SourceFault(
                        f"The template bundle {place} cannot be read: {error.response['Error']['Message']}"
                    ) from None
        else:
            raise SourceFault(_DENIED.format(place=place, account=account_id))
        if len(content) > _MAX_BUNDLE_BYTES:
            raise SourceFault(f"The template bundle {place} is larger than {_MAX_BUNDLE_BYTES:,} bytes.")
        return content

    def _client(self, service: str, account_id: str, region: str, role_arn: str | None = None) -> Any:
        session = self._base_session(account_id)
        if role_arn is not None:
            session = self._assumed(session, role_arn, region)
        return boto3.Session(botocore_session=session, region_name=region).client(  # type: ignore[call-overload]
            service, endpoint_url=self._endpoint_url, config=self._config
        )

    def _base_session(self, account_id: str) -> botocore.session.Session:
        session = botocore.session.Session()
        if self._endpoint_url:
            session.set_credentials(account_id, "local")
        return session

    def _assumed(
        self, base: botocore.session.Session, role_arn: str, region: str
    ) -> botocore.session.Session:
        def create_client(service: str, **options: Any) -> Any:
            # Without a region STS answers globally, and not in every partition.
            options.setdefault("region_name", region)
            options.setdefault("config", self._config)
            return base.create_client(service, endpoint_url=self._endpoint_url, **options)

        fetcher = AssumeRoleCredentialFetcher(
            create_client, base.get_credentials(), role_arn, extra_args={"RoleSessionName": "proton-server"}
        )
        session = botocore.session.Session()
        session.register_component("credential_provider", CredentialResolver([_Assumed(fetcher)]))
        return session


class _Assumed(CredentialProvider):
    """Credentials of a role, fetched when first needed and again before they expire."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> Credentials:
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)
