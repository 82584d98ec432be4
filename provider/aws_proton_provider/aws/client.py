"""The only importer of botocore: sessions, calls, and the translation of every botocore error into ours.

Nothing above this file sees botocore, and nothing in it knows of a resource.
"""

from __future__ import annotations

import functools
import os
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import botocore.client
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

from aws_proton_provider.aws import pages, responses, transport
from aws_proton_provider.aws.configuration import Target
from aws_proton_provider.aws.refusals import MAY_BE_DONE, refusal
from aws_proton_provider.core.errors import (
    InvalidInput,
    NoCredentials,
    ProtonError,
    ServiceEnded,
    Unreachable,
    WrongAccount,
)
from aws_proton_provider.core.types import AssumeRole

_T = TypeVar("_T")

_AWS_OWN = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ENDED = (
    "AWS ended Proton on 2026-10-07 and this call went to AWS ({url}): point the provider at a "
    "Proton-compatible server with `pulumi config set aws-proton:endpoint URL` or AWS_ENDPOINT_URL_PROTON "
    "(`proton-server local` starts one)"
)

_REPETITIONS, _PAUSE = 2, 0.2
"""How often what only reads is asked again where its answer is none, as botocore repeats a lost connection;
and how many seconds lie before the first time."""


class _MadeOnce(functools.cached_property[_T]):
    """A cached property for threads that ask at once: since Python 3.12 each would make its own."""

    def __init__(self, make: Callable[[Any], _T]) -> None:
        super().__init__(make)
        self._making = threading.RLock()

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        with self._making:
            return super().__get__(instance, owner)


_MOST_CONNECTIONS = 100
"""Kept open to a server: of more operations at once, each makes a connection of its own for a call."""


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
        ask = getattr(self._api, operation)
        try:
            with transport.within(transport.CALL_SECONDS):
                return self._answer(operation, ask, members)
        finally:
            Proton.writes += not _only_reads(operation)

    def all_of(self, operation: str, member: str, **members: Any) -> list[dict[str, Any]]:
        """All items of a paged listing.

        Raises:
            ProtonError: as `call`; and where the listing has no end.

        """
        ask = functools.partial(self.call, operation, **members)
        with transport.within(transport.LISTING_SECONDS):
            return pages.items(ask, member, f"{self._named(operation)} of the Proton server at {self._url}")

    def allow_writing(self) -> None:
        """Makes sure that the credentials reach an account which the stack may change.

        Raises:
            WrongAccount: `allowedAccountIds` or `forbiddenAccountIds` says no.

        """
        allowed, forbidden = self._target.allowed_account_ids, self._target.forbidden_account_ids
        if allowed and self.account not in allowed:
            reason = f"aws-proton:allowedAccountIds does not list ({', '.join(allowed)})"
        elif forbidden and self.account in forbidden:
            reason = "aws-proton:forbiddenAccountIds lists"
        else:
            return
        raise WrongAccount(
            f"the credentials reach account {self.account}, which {reason}; nothing was changed"
        )

    @_MadeOnce
    def account(self) -> str:
        """The account that the credentials reach, as STS says."""
        try:
            with transport.within(transport.CALL_SECONDS):
                account = _client(self._session, "sts").get_caller_identity().get("Account")
            reason = "" if isinstance(account, str) and account else "its answer names no account"
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ProtonError) as error:
            reason = str(error)
        except Exception:  # noqa: BLE001 - as below
            reason = "its answer is not valid"
        if reason:
            raise Unreachable(
                f"STS does not say which account the credentials reach, which is needed here: {reason}; "
                "without AWS's STS, set AWS_ENDPOINT_URL_STS"
            )
        return str(account)

    @property
    def region(self) -> str:
        """The region that is called."""
        return str(self._api.meta.region_name)

    @_MadeOnce
    def _session(self) -> botocore.session.Session:
        try:
            session = botocore.session.Session(profile=self._target.profile)
            # AWS_REGION is the name that all other SDKs read; botocore knows only AWS_DEFAULT_REGION.
            region = self._target.region or os.environ.get("AWS_REGION")
            if region:
                session.set_config_variable("region", region)
            return _assumed(session, self._target.assume_role) if self._target.assume_role else session
        except botocore.exceptions.BotoCoreError as error:
            raise Unreachable(f"no AWS session: {error}") from None

    @_MadeOnce
    def _api(self) -> Any:
        again = self._target.max_retries
        config = botocore.config.Config(
            retries={"mode": "standard"} if again is None else {"mode": "standard", "max_attempts": again},
            user_agent_extra="pulumi-aws-proton",
            max_pool_connections=_MOST_CONNECTIONS,
            connect_timeout=10,
            read_timeout=60,
        )
        with _MAKING:
            try:
                return _client(self._session, "proton", endpoint_url=self._target.endpoint, config=config)
            except botocore.exceptions.NoRegionError:
                raise InvalidInput(
                    "no AWS Region is set: run `pulumi config set aws-proton:region us-east-1`, or set "
                    "AWS_REGION"
                ) from None
            except (botocore.exceptions.BotoCoreError, ValueError) as error:
                raise Unreachable(f"no Proton client: {error}") from None

    @property
    def _url(self) -> str:
        return str(self._api.meta.endpoint_url)

    def _named(self, operation: str) -> str:
        """An operation as the API names it: `GetEnvironment`."""
        return str(self._api.meta.method_to_api_mapping[operation])

    def _answer(
        self, operation: str, ask: Callable[..., dict[str, Any]], members: dict[str, Any]
    ) -> dict[str, Any]:
        """An answer that is one of the operation's. What only reads is asked again where it is not."""
        name = self._named(operation)
        shape = self._api.meta.service_model.operation_model(name).output_shape
        again = _REPETITIONS if self._target.max_retries is None else self._target.max_retries
        for repetition in range(1 + again * _only_reads(operation)):
            time.sleep(min(_PAUSE * repetition, 1))
            try:
                answer = ask(**members)
            except NoCredentials:
                raise
            except ProtonError as error:
                raise self._ended() or _unknown(str(error), operation) from None
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                raise self._translated(error, operation, members) from None
            except Exception:  # noqa: BLE001 - what botocore's parser trips over is any
                fault: str | None = "it cannot be read"
            else:
                fault = responses.fault(answer, shape)
            if fault is None:
                answer.pop("ResponseMetadata", None)
                return answer
        said = (
            f"the Proton server at {self._url} answered {name} with what is no valid response: "
            f"{fault}; check the endpoint, and whether a proxy on the way cuts answers off"
        )
        raise self._ended() or _unknown(said, operation)

    def _ended(self) -> ServiceEnded | None:
        """Why a call to AWS itself cannot succeed."""
        at_aws = (urllib.parse.urlsplit(self._url).hostname or "").endswith(_AWS_OWN)
        return ServiceEnded(_ENDED.format(url=self._url)) if at_aws else None

    def _translated(self, error: Exception, operation: str, members: dict[str, Any]) -> ProtonError:
        ended = self._ended()
        if ended:
            return ended
        if isinstance(error, botocore.exceptions.ClientError):
            return self._refusal(dict(error.response), operation, members)
        if isinstance(error, botocore.exceptions.NoCredentialsError):
            return NoCredentials(
                "no AWS credentials: set AWS_PROFILE, or `pulumi config set aws-proton:profile NAME`"
            )
        if isinstance(error, botocore.exceptions.ParamValidationError):
            return InvalidInput(str(error))
        said = f"no answer from the Proton server at {self._url}: {error}"
        return _unknown(said, operation) if isinstance(error, _AFTER_SENDING) else Unreachable(said)

    def _refusal(self, response: dict[str, Any], operation: str, members: dict[str, Any]) -> ProtonError:
        name, kind = self._named(operation), responses.page(response)
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        # The status is botocore's code where the answer names none: what refuses is not the API.
        if kind and response["Error"].get("Code") == str(status):
            return _unknown(
                f"the server at {self._url} answered {name} with {kind} (status {status}), not with JSON: "
                "check the endpoint, and that the server runs",
                operation,
            )
        return refusal(name, members, response["Error"], status)


_AFTER_SENDING = (botocore.exceptions.ReadTimeoutError, botocore.exceptions.ConnectionClosedError)
"""The server may have done by then what it was asked for."""


def _only_reads(operation: str) -> bool:
    return operation.startswith(("get_", "list_"))


def _unknown(said: str, operation: str) -> Unreachable:
    """The error of a call whose answer did not arrive."""
    return Unreachable(said if _only_reads(operation) else f"{said}; {MAY_BE_DONE}")


_SERVICES = ("proton", "signin", "sso", "sso-oidc", "sts")
"""Those that are called: Proton, and where credentials may come from."""

_MAKING = threading.Lock()
"""Sessions are not safe to make clients from in two threads at once (boto3, "Multithreading or
multiprocessing")."""


_CLIENTS: dict[Target, Proton] = {}


def connect(target: Target) -> Proton:
    """The client of a target; one for each in a process, also for threads that ask at once."""
    return _CLIENTS.setdefault(target, Proton(target))


def _assumed(base: botocore.session.Session, role: AssumeRole) -> botocore.session.Session:
    """A session whose credentials are those of `role`, renewed by botocore before they end."""
    extra = {
        "RoleSessionName": role.session_name or "pulumi-aws-proton",
        "ExternalId": role.external_id,
        "DurationSeconds": role.duration_seconds,
    }
    assumed = botocore.session.Session()
    assumed.set_config_variable("region", base.get_config_variable("region"))
    source = base.get_credentials()
    if source is None:
        raise botocore.exceptions.NoCredentialsError
    fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
        client_creator=functools.partial(_client, base),
        source_credentials=source,
        role_arn=role.role_arn,
        extra_args={key: value for key, value in extra.items() if value is not None},
    )
    assumed._credentials = botocore.credentials.DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001 - no setter takes renewable ones
        refresh_using=functools.partial(_credentials, fetcher, role.role_arn), method="assume-role"
    )
    return assumed


def _credentials(fetcher: botocore.credentials.AssumeRoleCredentialFetcher, role_arn: str) -> Any:
    """The credentials of a role, asked for when a request is signed, wherever that request goes."""
    try:
        return fetcher.fetch_credentials()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ProtonError) as error:
        raise NoCredentials(
            f"role {role_arn} cannot be assumed: {error}; check assumeRole, the caller's permissions and the "
            "role's trust policy"
        ) from None


def _client(session: botocore.session.Session, service: str, **options: Any) -> Any:
    """A client whose answers end."""
    loader: Any = session.get_component("data_loader")
    # To see whether it knows a service, botocore looks into the folders of all 400, which takes as long as
    # reading the model of one.
    loader.list_available_services = lambda _type: _SERVICES
    client: Any = session.create_client(service, **options)
    endpoint = client._endpoint  # noqa: SLF001 - botocore has no public way to its HTTP session
    endpoint.http_session = transport.BoundedSession(endpoint.http_session)
    return client
