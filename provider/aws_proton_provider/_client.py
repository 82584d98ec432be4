"""The only importer of boto3: sessions, calls, and the translation of every botocore error into ours.

Nothing above this file sees botocore, and nothing in it knows of a resource.
"""

from __future__ import annotations

import functools
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
import botocore.client
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

from . import _spec
from ._configuration import Target
from ._errors import (
    AccessDenied,
    Conflict,
    InvalidInput,
    NotFound,
    ProtonError,
    Refused,
    ServiceEnded,
    TimedOut,
    Unreachable,
    WrongAccount,
)
from ._types import AssumeRole

_T = TypeVar("_T")

_ERRORS: dict[str, type[ProtonError]] = {
    "ResourceNotFoundException": NotFound,
    "ConflictException": Conflict,
    "AccessDeniedException": AccessDenied,
    "AccessDenied": AccessDenied,
}

_AWS_OWN = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ENDED = (
    "AWS ended Proton on 2026-10-07 and this call went to AWS ({url}): point the provider at a Proton-compatible server "
    "with `pulumi config set aws-proton:endpoint URL` or AWS_ENDPOINT_URL_PROTON (`proton-server local` starts one)"
)
_FIRST_POLL, _SLOWEST_POLL = 0.1, 5.0
"""Seconds. AWS's own waiter polls every 5 s; a local server is done in a fraction of one."""


class Proton:
    """The Proton API of one target, with what the provider needs around it. Safe to share between threads."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._schemas: dict[tuple[str, str, str], dict[str, Any] | None] = {}

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """The answer to one operation (`"get_environment"`), without its metadata.

        Raises:
            ProtonError: one of its kinds, with what AWS said and what to do.
        """
        try:
            answer: dict[str, Any] = getattr(self._api, operation)(**members)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise self._translated(error) from None
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
        if allowed and self._account not in allowed:
            raise WrongAccount(
                f"the credentials reach account {self._account}, which aws-proton:allowedAccountIds does not list "
                f"({', '.join(allowed)}); nothing was changed"
            )
        if self._account in forbidden:
            raise WrongAccount(
                f"the credentials reach account {self._account}, which aws-proton:forbiddenAccountIds lists; "
                "nothing was changed"
            )

    def recommended_minor(self, template: str, major: str) -> str | None:
        """`Templates.recommended_minor`."""
        try:
            versions = self.all_of(
                "list_environment_template_versions", "templateVersions", templateName=template, majorVersion=major
            )
        except (NotFound, AccessDenied):
            return None
        return next((item["recommendedMinorVersion"] for item in versions if "recommendedMinorVersion" in item), None)

    def input_schema(self, template: str, major: str, minor: str) -> dict[str, Any] | None:
        """`Templates.input_schema`, asked for once: a version's schema never changes."""
        key = (template, major, minor)
        if key not in self._schemas:
            try:
                version = self.call(
                    "get_environment_template_version", templateName=template, majorVersion=major, minorVersion=minor
                )["environmentTemplateVersion"]
            except (NotFound, AccessDenied):
                return None
            if "schema" not in version:
                return None
            self._schemas[key] = _spec.input_schema(version["schema"])
        return self._schemas[key]

    @functools.cached_property
    def _session(self) -> boto3.Session:
        try:
            session = boto3.Session(profile_name=self._target.profile, region_name=self._target.region)
            return _assumed(session, self._target.assume_role) if self._target.assume_role else session
        except botocore.exceptions.BotoCoreError as error:
            raise Unreachable(f"no AWS session: {error}") from None

    @functools.cached_property
    def _api(self) -> Any:
        attempts = self._target.max_retries
        config = botocore.config.Config(
            retries={"mode": "standard"} if attempts is None else {"mode": "standard", "max_attempts": attempts},
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

    @functools.cached_property
    def _account(self) -> str:
        try:
            return str(self._session.client("sts").get_caller_identity()["Account"])
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise Unreachable(
                "aws-proton:allowedAccountIds or forbiddenAccountIds is set, but STS does not say which account the "
                f"credentials reach: {error}"
            ) from None

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
            return Unreachable("no AWS credentials: set AWS_PROFILE, or `pulumi config set aws-proton:profile NAME`")
        if isinstance(error, botocore.exceptions.ParamValidationError):
            return InvalidInput(str(error))
        return Unreachable(f"no answer from the Proton server at {url}: {error}")


_MAKING = threading.Lock()
"""Sessions are not safe to make clients from in two threads at once (boto3, "Multithreading or multiprocessing")."""


@functools.lru_cache(maxsize=None)
def connect(target: Target) -> Proton:
    """The client of a target; one for each in a process, made when first used."""
    return Proton(target)


def wait_until(look: Callable[[], _T | None], seconds: float, what: str) -> _T:
    """Polls `look` until it answers, first often, then every five seconds.

    Raises:
        TimedOut: after `seconds`; `what` says what was waited for.
    """
    deadline, delay = time.monotonic() + seconds, _FIRST_POLL
    while True:
        answer = look()
        if answer is not None:
            return answer
        if time.monotonic() + delay > deadline:
            raise TimedOut(f"{what} took longer than {seconds:g} s: it goes on without us; run `pulumi up` again to resume")
        time.sleep(delay)
        delay = min(delay * 1.5, _SLOWEST_POLL)


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
