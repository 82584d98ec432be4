"""Calls to AWS Proton, and the translation of every botocore error into ours.

Nothing above `aws/` sees botocore, and nothing in this file knows of a resource.
"""

from __future__ import annotations

import functools
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import botocore.config
import botocore.exceptions

from aws_proton_provider.aws import pages, responses, transport
from aws_proton_provider.aws.configuration import Target
from aws_proton_provider.aws.endpoint import Endpoint
from aws_proton_provider.aws.exchange import NO_CREDENTIALS, SignIn
from aws_proton_provider.aws.refusals import MAY_BE_DONE, refusal
from aws_proton_provider.aws.sessions import Session, session_of
from aws_proton_provider.core.errors import (
    InvalidInput,
    NoCredentials,
    ProtonError,
    ServiceEnded,
    Unreachable,
    WrongAccount,
)

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
                self._prepare()
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
        """The account that the credentials reach, as STS says; or the Proton server, which has asked STS."""
        with transport.within(transport.CALL_SECONDS):
            return self._prepare() or self._account_by_sts()

    def _account_by_sts(self) -> str:
        try:
            sts = self._session.create_client("sts", endpoint_url=self._sign_in.sts_url)
            account = sts.get_caller_identity().get("Account")
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
    def _session(self) -> Session:
        return session_of(self._target)

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
                return self._session.create_client(
                    "proton", endpoint_url=self._target.endpoint, config=config
                )
            except botocore.exceptions.NoRegionError:
                raise InvalidInput(
                    "no AWS Region is set: run `pulumi config set aws-proton:region us-east-1`, or set "
                    "AWS_REGION"
                ) from None
            except (botocore.exceptions.BotoCoreError, ValueError) as error:
                raise Unreachable(f"no Proton client: {error}") from None

    @_MadeOnce
    def _sign_in(self) -> SignIn:
        again = _REPETITIONS if self._target.max_retries is None else self._target.max_retries
        http = self._api._endpoint.http_session  # noqa: SLF001 - botocore has no public way to it
        return SignIn(self._session, self._api, Endpoint(self._url, http, again))

    def _prepare(self) -> str | None:
        """Makes sure that there are credentials for the Proton server, as `SignIn.prepare`."""
        return None if self._ended() else self._sign_in.prepare()

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
            return NoCredentials(NO_CREDENTIALS)
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


_MAKING = threading.Lock()
"""Sessions are not safe to make clients from in two threads at once (boto3, "Multithreading or
multiprocessing")."""


_CLIENTS: dict[Target, Proton] = {}


def connect(target: Target) -> Proton:
    """The client of a target; one for each in a process, also for threads that ask at once."""
    return _CLIENTS.setdefault(target, Proton(target))
