"""Clients of AWS: with which credentials the server calls, and how long it waits.

By default the credentials are those of botocore's own chain, which must be allowed to assume the service
roles; `proton-server local` uses its own endpoint instead. Nothing here knows what the calls are for.
"""

from __future__ import annotations

import re
import threading
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.loaders import create_loader
from botocore.utils import parse_timestamp

from proton_server.observability.measures import UNMEASURED
from proton_server.provisioning.aws_errors import call_outcome, temporary_error
from proton_server.provisioning.errors import AwsUnavailable, ObjectUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from botocore.credentials import Credentials
    from botocore.model import OperationModel

    from proton_server.observability.measures import Measures

_CONNECT_SECONDS, _READ_SECONDS = 3, 9
"""Together below the reconciler's lease."""
_CLIENTS = 64
"""How many are kept. One takes about 0.4 MB, and there is one for each role that callers name."""
_MAX_BUNDLE_BYTES = 10 * 1024 * 1024
"""The quota of the User Guide's page on limits."""
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z")
"""The times that Python itself can read, in all its releases that are supported."""
_DENIED = (
    "The template bundle {place} cannot be read: Access Denied. Either the server may not read it, or the "
    "bucket belongs to another account than {account}: put the bundle into a bucket of that account, or have "
    "the server's operator allow the bucket's account with --template-bucket-account."
)


class Aws:
    """AWS as the server reaches it.

    Args:
        endpoint_url: one endpoint for all services, where access keys name accounts (`proton-server local`);
            None is AWS itself.
        template_accounts: accounts in whose buckets all callers' bundles may be, besides the caller's own.
        external_ids: the external IDs, by the accounts of the roles that are assumed with them, as of now.
        measures: gets every call.

    """

    def __init__(
        self,
        endpoint_url: str | None = None,
        template_accounts: Sequence[str] = (),
        external_ids: Callable[[], Mapping[str, str]] = dict,
        measures: Measures = UNMEASURED,
    ) -> None:
        self._measures = measures
        self._endpoint_url, self._template_accounts = endpoint_url, template_accounts
        self._external_ids = external_ids
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 2},
            # The local endpoint is this process: no proxy is needed.
            proxies={} if endpoint_url else None,
            max_pool_connections=32,
            s3={"addressing_style": "path"} if endpoint_url else None,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        )
        # The models of services, up to 10 MB each: parsed once and not for each session.
        self._loader = create_loader()
        self._session = lru_cache(maxsize=_CLIENTS)(self._new_session)
        self._clients: dict[tuple[str, ...], Any] = {}
        """The clients, the least recently used first."""
        # Creating clients is not thread-safe; using them is.
        self._making = threading.RLock()

    def credentials_problem(self) -> str | None:
        """What is wrong with the server's own credentials, as a sentence that says what to do. Calls STS."""
        try:
            region = botocore.session.Session().get_config_variable("region") or "us-east-1"
            self.client("sts", "", region).get_caller_identity()
        except NoCredentialsError:
            return (
                "No AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE, or give this machine a role. Until then, deployments wait."
            )
        except (ClientError, BotoCoreError) as error:
            return temporary_error(error)
        return None

    def read_object(self, account_id: str, region: str, bucket: str, key: str) -> bytes:
        """An object of S3, read as the server itself. Raises ObjectUnreadable and AwsUnavailable.

        The server may be allowed to read more buckets than the caller, so the call names the expected owner
        of the bucket. It takes one account, and is denied for a bucket of any other.
        """
        place = f"s3://{bucket}/{key}"
        for owner in (account_id, *self._template_accounts):
            try:
                s3 = self.client("s3", account_id, region)
                response = s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)
                content: bytes = response["Body"].read(_MAX_BUNDLE_BYTES + 1)
                break
            except (ClientError, BotoCoreError) as error:
                waiting = temporary_error(error)
                if waiting is not None:
                    raise AwsUnavailable(waiting) from None
                if not isinstance(error, ClientError):
                    raise
                if error.response["Error"]["Code"] != "AccessDenied":
                    raise ObjectUnreadable(
                        f"The template bundle {place} cannot be read: {error.response['Error']['Message']}"
                    ) from None
        else:
            raise ObjectUnreadable(_DENIED.format(place=place, account=account_id))
        if len(content) > _MAX_BUNDLE_BYTES:
            raise ObjectUnreadable(f"The template bundle {place} is larger than {_MAX_BUNDLE_BYTES:,} bytes.")
        return content

    def client(self, service: str, account_id: str, region: str, role_arn: str = "") -> Any:
        """A client of a service, as a role or else as the server itself.

        It is kept, since it is slow to create. One that is dropped for others closes its idle connections; a
        thread that has it may still use it.
        """
        # Without the local endpoint the server has the same credentials for every account.
        account = account_id if self._endpoint_url else ""
        key = (service, account, region, role_arn, self._external_id(role_arn))
        dropped = None
        with self._making:
            client = self._clients.pop(key, None) or self._new_client(*key)
            self._clients[key] = client
            if len(self._clients) > _CLIENTS:
                dropped = self._clients.pop(next(iter(self._clients)))
        if dropped is not None:
            dropped.close()
        return client

    def _external_id(self, role_arn: str) -> str:
        """What the operator configured for the role's account; empty: nothing is sent."""
        parts = role_arn.split(":")
        return self._external_ids().get(parts[4], "") if len(parts) > 5 else ""

    def _new_client(self, service: str, account_id: str, region: str, role_arn: str, external_id: str) -> Any:
        role = (region, role_arn, external_id) if role_arn else ()
        session = self._session(account_id, *role)
        if session.get_credentials() is None:
            raise NoCredentialsError  # a client would be kept, and never get those that come later
        return self._client_of(session, service, region)

    def _client_of(self, session: botocore.session.Session, service: str, region: str, **options: Any) -> Any:
        with self._making:
            client = session.create_client(
                service, region, endpoint_url=self._endpoint_url, config=self._config, **options
            )
        # The event comes after each attempt. What a handler returns would decide whether there is another.
        client.meta.events.register("needs-retry", self._measure)
        return client

    def _measure(self, operation: OperationModel, response: Any, **_: Any) -> None:
        code = None if response is None else response[1].get("Error", {}).get("Code", "OK")
        service = operation.service_model.service_name
        self._measures.aws_call(service, operation.name, call_outcome(code))

    def _new_session(
        self, account_id: str, region: str = "", role_arn: str = "", external_id: str = ""
    ) -> botocore.session.Session:
        """A session of the server itself, or of a role that is assumed in a Region."""
        session = botocore.session.Session()
        session.register_component("data_loader", self._loader)
        parsers = session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_timestamp)
        if role_arn:
            resolver = CredentialResolver(
                [_Assumed(self._fetcher(account_id, region, role_arn, external_id))]
            )
            session.register_component("credential_provider", resolver)
        elif self._endpoint_url:
            session.set_credentials(account_id, "local")
        return session

    def _fetcher(
        self, account_id: str, region: str, role_arn: str, external_id: str
    ) -> AssumeRoleCredentialFetcher:
        base = self._session(account_id)
        credentials = base.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        return AssumeRoleCredentialFetcher(
            # Without a Region the global endpoint of STS is called, which not every partition has.
            lambda service, **options: self._client_of(base, service, region, **options),
            credentials,
            role_arn,
            extra_args={"RoleSessionName": "proton-server"}
            | ({"ExternalId": external_id} if external_id else {}),
        )


def _timestamp(value: Any) -> datetime:
    """A time of a response. A listing has hundreds, and botocore's parser takes most of the time for them."""
    if isinstance(value, str) and _UTC.fullmatch(value):
        return datetime.fromisoformat(f"{value[:-1]}+00:00")
    parsed: datetime = parse_timestamp(value)
    return parsed


class _Assumed(CredentialProvider):
    """Credentials of a role, fetched when first used and again before they expire."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> Credentials:
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)
