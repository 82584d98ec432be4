"""The only importer of boto3: sessions, calls, and the translation of every botocore error into ours.

Nothing above this file sees botocore, and nothing in it knows of a resource.
"""

from __future__ import annotations

import functools
import os
import threading
import urllib.parse
from typing import Any, ClassVar

import boto3
import botocore.client
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

from ._configuration import Target
from ._errors import (
    AccessDenied,
    Conflict,
    InvalidInput,
    NotFound,
    ProtonError,
    Refused,
    ServiceEnded,
    Unreachable,
    WrongAccount,
)
from ._types import AssumeRole

_ERRORS: dict[str, type[ProtonError]] = {
    "ResourceNotFoundException": NotFound,
    "ConflictException": Conflict,
    "AccessDeniedException": AccessDenied,
    "AccessDenied": AccessDenied,
}

_AWS_OWN = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ENDED = (
    "AWS ended Proton on 2026-10-07 and this call went to AWS ({url}): point the provider at a "
    "Proton-compatible server with `pulumi config set aws-proton:endpoint URL` or AWS_ENDPOINT_URL_PROTON "
    "(`proton-server local` starts one)"
)


class Proton:
    """The Proton API of one target, with what the provider needs around it. Safe to share between threads."""

    writes: ClassVar[int] = 0
    """How many calls of this process could have changed something, in any account."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """The answer to one operation (`"get_environment"`), without its metadata.

        Raises:
            ProtonError: one of its kinds, with what AWS said and what to do.

        """
        try:
            answer: dict[str, Any] = getattr(self._api, operation)(**members)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise self._translated(error) from None
        finally:
            Proton.writes += not operation.startswith(("get_", "list_"))
        answer.pop("ResponseMetadata", None)
        return answer

    def all_of(self, operation: str, member: str, **members: Any) -> list[dict[str, Any]]:
        """All items of a paged listing."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.call(operation, **members, **token)
            found += page[member]
            if not page.get("nextToken"):
                return found
            token = {"nextToken": page["nextToken"]}

    def allow_writing(self) -> None:
        """Makes sure that the credentials reach an account which the stack may change.

        Raises:
            WrongAccount: `allowedAccountIds` or `forbiddenAccountIds` says no.

        """
        allowed, forbidden = self._target.allowed_account_ids, self._target.forbidden_account_ids
        if not allowed and not forbidden:
            return
        if allowed and self.account not in allowed:
            raise WrongAccount(
                f"the credentials reach account {self.account}, which aws-proton:allowedAccountIds does not "
                f"list ({', '.join(allowed)}); nothing was changed"
            )
        if self.account in forbidden:
            raise WrongAccount(
                f"the credentials reach account {self.account}, which aws-proton:forbiddenAccountIds lists; "
                "nothing was changed"
            )

    @functools.cached_property
    def account(self) -> str:
        """The account that the credentials reach, as STS says."""
        try:
            return str(self._session.client("sts").get_caller_identity()["Account"])
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise Unreachable(
                "STS does not say which account the credentials reach, and it has to be known here: "
                f"{error}; without AWS's STS, set AWS_ENDPOINT_URL_STS"
            ) from None

    @property
    def region(self) -> str:
        """The region that is called."""
        return str(self._api.meta.region_name)

    @functools.cached_property
    def _session(self) -> boto3.Session:
        try:
            # AWS_REGION is the name that all other SDKs read; botocore knows only AWS_DEFAULT_REGION.
            region = self._target.region or os.environ.get("AWS_REGION")
            session = boto3.Session(profile_name=self._target.profile, region_name=region)
            return _assumed(session, self._target.assume_role) if self._target.assume_role else session
        except botocore.exceptions.BotoCoreError as error:
            raise Unreachable(f"no AWS session: {error}") from None

    @functools.cached_property
    def _api(self) -> Any:
        again = self._target.max_retries
        config = botocore.config.Config(
            retries={"mode": "standard"} if again is None else {"mode": "standard", "max_attempts": again},
            user_agent_extra="pulumi-aws-proton",
            connect_timeout=10,
            read_timeout=60,
        )
        with _MAKING:
            try:
                return self._session.client("proton", endpoint_url=self._target.endpoint, config=config)
            except botocore.exceptions.NoRegionError:
                raise InvalidInput(
                    "no AWS region is set: say `pulumi config set aws-proton:region us-east-1`, or AWS_REGION"
                ) from None
            except (botocore.exceptions.BotoCoreError, ValueError) as error:
                raise Unreachable(f"no Proton client: {error}") from None

    def _translated(self, error: Exception) -> ProtonError:
        url = str(self._api.meta.endpoint_url)
        if (urllib.parse.urlsplit(url).hostname or "").endswith(_AWS_OWN):
            return ServiceEnded(_ENDED.format(url=url))
        if isinstance(error, botocore.exceptions.ClientError):
            said = error.response["Error"]
            code, message = said.get("Code", ""), said.get("Message", "")
            if "dempotent parameter mismatch" in message:
                return Conflict(message)
            return _ERRORS.get(code, Refused)(f"{error.operation_name}: {message} ({code})")
        if isinstance(error, botocore.exceptions.NoCredentialsError):
            return Unreachable(
                "no AWS credentials: set AWS_PROFILE, or `pulumi config set aws-proton:profile NAME`"
            )
        if isinstance(error, botocore.exceptions.ParamValidationError):
            return InvalidInput(str(error))
        return Unreachable(f"no answer from the Proton server at {url}: {error}")


_MAKING = threading.Lock()
"""Sessions are not safe to make clients from in two threads at once (boto3, "Multithreading or
multiprocessing")."""


@functools.cache
def connect(target: Target) -> Proton:
    """The client of a target; one for each in a process, made when first used."""
    return Proton(target)


def _assumed(base: boto3.Session, role: AssumeRole) -> boto3.Session:
    """A session whose credentials are those of `role`, renewed by botocore before they end."""
    extra = {
        "RoleSessionName": role.session_name or "pulumi-aws-proton",
        "ExternalId": role.external_id,
        "DurationSeconds": role.duration_seconds,
    }
    inner = botocore.session.Session()
    source = base.get_credentials()
    if source is None:
        raise botocore.exceptions.NoCredentialsError
    fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
        client_creator=functools.partial(_sts, base),
        source_credentials=source,
        role_arn=role.role_arn,
        extra_args={key: value for key, value in extra.items() if value is not None},
    )
    inner._credentials = botocore.credentials.DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001 - no setter takes renewable ones
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return boto3.Session(botocore_session=inner, region_name=base.region_name)


def _sts(base: boto3.Session, service: str, **keys: Any) -> botocore.client.BaseClient:
    return base.client(service, **keys)  # type: ignore[call-overload, no-any-return]
