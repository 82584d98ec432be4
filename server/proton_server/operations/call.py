"""The call of an operation: its account, Region, time and rows; and what several operations need."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from proton_server.engine.evaluation import EvaluatorBusy
from proton_server.operations.errors import ConflictException, ThrottlingException, ValidationException
from proton_server.persistence.databases import STORABLE
from proton_server.provisioning.cloudformation.template_buckets import MAX_IN_CALL

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    import sqlalchemy as sa

    from proton_server.engine.evaluation import Evaluator
    from proton_server.persistence.rows import Rows
    from proton_server.provisioning.cloudformation.stacks import StackReader
    from proton_server.provisioning.git_hosting import Hostings
    from proton_server.provisioning.methods import Method

    Find = Callable[[Callable[..., Any]], Any]
    """Finds something out, with the account's evaluator: `evaluate(what, function, *arguments)`."""

Entry = TypeVar("Entry")

_MAX_RESULTS = 100
"""The largest page of the model. AWS does not document how long a page is without maxResults."""


@dataclass(frozen=True)
class Capabilities:
    """What this server can provision with."""

    methods: Mapping[str, Method]
    """The provisioning methods, by the name of their template engine."""
    hosting: Hostings
    """The hosting services that an account may use."""
    read_stack: StackReader
    """Reads the CloudFormation stacks that are to be adopted."""
    largest_template: Callable[[str], int] = lambda _region: MAX_IN_CALL
    """Bytes of the largest CloudFormation template that can be deployed in a Region."""


class Unanswered(Exception):
    """An operation has a question that is to be answered outside its transaction; then it is run again."""

    def __init__(self, key: Hashable, find: Find) -> None:
        super().__init__("a question has to be answered outside the transaction")
        self.key, self.find = key, find


class Answers:
    """What one request had to find out, kept between the attempts of its operation.

    A transaction keeps all other requests of the account from writing, so nothing is done in it that may take
    long, such as an evaluation or a call of AWS.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def to(self, key: Hashable, ask: Callable[[], Find]) -> Any:
        """The answer to a question. Raises Unanswered, with what `ask` returns, if it is not known yet."""
        try:
            return self._known[key]
        except KeyError:
            raise Unanswered(key, ask()) from None

    def find(self, unanswered: Unanswered, account: str, evaluate: Evaluator) -> None:
        """Finds out an answer. Raises ThrottlingException, and the errors that end the request."""
        try:
            self._known[unanswered.key] = unanswered.find(partial(evaluate, account))
        except EvaluatorBusy as busy:
            raise ThrottlingException(f"Rate exceeded: {busy}") from None


@dataclass(frozen=True)
class Call:
    """One request, authenticated and checked, inside its transaction."""

    operation: str
    account_id: str
    region: str
    now: float
    """Epoch seconds, to the millisecond as in AWS's responses."""
    rows: Rows
    can: Capabilities
    answers: Answers
    """What was found out for this request outside its transaction."""

    def arn(self, resource: str) -> str:
        """The ARN of a resource of the caller, such as `environment/dev`."""
        return f"arn:{partition(self.region)}:proton:{self.region}:{self.account_id}:{resource}"


def partition(region: str) -> str:
    """The AWS partition of a Region."""
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")


def digest(request: Any) -> str:
    """A hash of a request, to recognise its repetition."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def refuse_unless_repeated(what: str, existing: sa.Row[Any], request: dict[str, Any]) -> None:
    """The rule for creates without a client token: a repetition is accepted while nothing was changed.

    Raises ConflictException (modified since) and ValidationException (other parameters), as the introduction
    of the API reference has it under "Idempotent create APIs that don't use a client token".
    """
    if existing.created_by is None:
        raise ConflictException(f"{what} already exists and was modified since it was created.")
    if existing.created_by != digest(request):
        raise ValidationException(
            f"Idempotent parameter mismatch: {what} already exists with other parameters."
        )


def page(
    call: Call,
    request: dict[str, Any],
    fetch: Callable[[Sequence[Any] | None, int], Sequence[Entry]],
    key: Callable[[Entry], Sequence[Any]],
) -> tuple[Sequence[Entry], str | None]:
    """One page of rows, and the token for the next if there is more.

    A token is valid for the operation and filters it was returned for; any other raises ValidationException.
    `fetch(after, limit)` gets the rows after a key, and `key(row)` is the key of a row.
    """
    limit = request.get("maxResults", _MAX_RESULTS)
    filters = {name: value for name, value in request.items() if name not in ("maxResults", "nextToken")}
    bound = digest([call.operation, call.account_id, call.region, filters])[:16]
    after = None
    if "nextToken" in request:
        first = fetch(None, 1)
        after = _read_token(request["nextToken"], bound, key(first[0]) if first else None)
    rows = fetch(after, limit + 1)
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], _write_token(bound, key(rows[limit - 1]))


def _write_token(bound: str, after: Sequence[Any]) -> str:
    return base64.b64encode(json.dumps([bound, *after]).encode()).decode()


def _read_token(token: str, bound: str, like: Sequence[Any] | None) -> Sequence[Any] | None:
    """The key in a token. The database gets it, so its types must be those of `like`, a key of this list."""
    after: list[Any]
    try:
        found, *after = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, TypeError, RecursionError):
        found, after = None, []
    if like is None and found == bound:
        return None
    if found != bound or not _alike(after, like or ()):
        message = "nextToken is not valid for this list: start the list again without nextToken."
        raise ValidationException(message)
    return after


def _alike(key: Sequence[Any], other: Sequence[Any]) -> bool:
    return [type(value) for value in key] == [type(value) for value in other] and all(
        STORABLE.fullmatch(value) if isinstance(value, str) else abs(value) < 2**53 for value in key
    )
