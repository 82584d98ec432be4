"""https://docs.aws.amazon.com/proton/latest/APIReference/API_AcceptEnvironmentAccountConnection.html.

The management account's decision on a request that an environment account made. Its id is the connection's.
It reads connections from the listing alone (`connection_lookup.py`), and verifies a request before it decides
on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.location import require_gone
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.aws.waiting import wait_until
from aws_proton_provider.core import types
from aws_proton_provider.core.checking import Checked, Failure
from aws_proton_provider.core.declaration import ACCOUNT, output, prop, setting
from aws_proton_provider.core.errors import Conflict, NotFound, ProtonError, Refused
from aws_proton_provider.core.records import from_record, state_after, without_record
from aws_proton_provider.core.values import UNKNOWN, State
from aws_proton_provider.resources.calls import Call, make
from aws_proton_provider.resources.check_context import CheckContext, Service
from aws_proton_provider.resources.connection_lookup import (
    connection_by_id,
    environment_using,
    find_addressed_connection,
    find_connection_of_refresh,
    list_addressed_connections,
)
from aws_proton_provider.resources.lifecycle import Created, CustomResource, Diff

_NEWEST_OF = ("PENDING", "CONNECTED", "REJECTED")
"""The order in which one of several requests for one environment is chosen."""

_DONE = {"ACCEPT": "CONNECTED", "REJECT": "REJECTED"}
_DECIDED = {status: decision for decision, status in _DONE.items()}


class EnvironmentAccountConnectionAccepter(CustomResource):
    """The decision of a management account on an environment account's request: ACCEPT or REJECT.

    It acts in the management account. The request is given by its id, or looked up by environment name and
    environment account; every given property is verified first, and the wrong request is never accepted.
    """

    identified_by = "the connection's id"

    connection_id: types.ConnectionId | None = prop(
        replace=True, keep=True, doc="The ID of the request to decide on. Left out: the one looked up."
    )
    environment_name: types.ResourceName | None = prop(
        replace=True, keep=True, doc="The environment that the request is for, to look it up by."
    )
    environment_account_id: types.AccountId | None = prop(
        replace=True, keep=True, doc="The account that makes the request, to look it up by."
    )
    decision: types.Decision = prop(
        default="ACCEPT",
        doc="ACCEPT or REJECT. REJECT is final: ACCEPT after it is a replacement, for a new request.",
    )
    expected_environment_account_id: types.AccountId | None = setting(
        doc="The account that the request has to come from; any other is refused."
    )
    expected_environment_name: types.ResourceName | None = setting(
        doc="The environment that the request has to be for; any other is refused."
    )
    wait_for_request: bool = setting(
        default=False, doc="Whether create waits for a request that is made later, such as by another stack."
    )
    account: types.Account | None = ACCOUNT
    timeouts: types.Timeouts | None = setting(
        doc='How long to wait for the request, such as {"create": "8h"}; 60 minutes.'
    )

    arn: str = output(stable=True, doc="The connection's ARN, in the environment account.")
    management_account_id: str = output(stable=True, doc="The account that decides: this one.")
    role_arn: str | None = output(doc="The environment account's role with which Proton provisions.")
    component_role_arn: str | None = output(doc="The environment account's role for components.")
    status: str = output(doc="CONNECTED or REJECTED.")
    requested_at: str = output(stable=True, doc="When it was requested (ISO 8601).")
    last_modified_at: str = output(doc="When it was last changed, accepted or rejected (ISO 8601).")

    @classmethod
    def check(cls, olds: State, news: State, context: CheckContext) -> Checked:
        """Besides the types: whether a request that exists is the expected one and may be rejected."""
        checked = super().check(olds, news, context)
        inputs = checked.inputs
        _keep_looked_up(olds, inputs)
        if "connectionId" not in inputs and not all(wire in inputs for wire in _LOOK_UP):
            checked.failures.append(
                Failure(
                    "connectionId",
                    "is required, or environmentName and environmentAccountId to look it up by",
                )
            )
        if not checked.failures and context.service:
            checked.failures += _request_failures(olds, inputs, context.service)
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A rejected request stays rejected, so accepting after it takes another one."""
        found = super().diff(state, inputs)
        reconsidered = (state.get("decision"), inputs.get("decision")) == ("REJECT", "ACCEPT")
        replaces = (*found.replaces, *(["decision"] if reconsidered else []))
        same = state.get("connectionId") == inputs.get("connectionId")
        return Diff(found.changed, replaces, delete_before_replace=same)

    @classmethod
    def create(cls, inputs: State, operation: Operation) -> Created:
        """Finds the request, verifies it and decides. A request that was decided the same way is success."""
        proton = operation.proton
        proton.allow_writing()
        if inputs["waitForRequest"]:
            what = f"{_title(inputs)}: its request"
            operation.status(f"waits for {_title(inputs)}")
            connection = wait_until(
                lambda: _waiting(inputs, proton), operation.patience(inputs, "60m"), what, operation
            )
        else:
            found = _request(inputs, proton)
            if found is None:
                raise NotFound(
                    f"{_title(inputs)} does not exist for this account in this Region: have the environment "
                    "account request it, in the same Region, or set wait_for_request"
                )
            connection = found
        return Created(connection["id"], _decide(connection, inputs, operation))

    @classmethod
    def read(cls, identifier: str, state: State, operation: Operation) -> State | None:
        """The current decision: a request that somebody else rejected shows as `decision: "REJECT"`."""
        live = _found(identifier, state, operation)
        if live is None:
            return None
        return without_record(cls, state) | _from_listing(live)

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, operation: Operation) -> State:
        """Verifies the request again and, where ACCEPT became REJECT, rejects it."""
        operation.proton.allow_writing()
        live = _found(identifier, state, operation)
        if live is None:
            raise NotFound(f"{_title(inputs)} does not exist any more: run `pulumi refresh`")
        return _decide(live, inputs, operation)

    @classmethod
    def delete(cls, identifier: str, state: State, operation: Operation) -> tuple[str, ...]:
        """Rejects a connection that no environment uses; one in use stays accepted."""
        proton = operation.proton
        proton.allow_writing()
        live = _found(identifier, state, operation)
        if live is None or live["status"] == "REJECTED":
            return ()
        environment = environment_using(live, proton)
        if environment:
            return (f"{_title(state)} stays accepted, since environment {environment} uses it",)
        try:
            proton.call("reject_environment_account_connection", id=identifier)
        except NotFound:
            return ()
        except Conflict as refusal:
            return (f"{_title(state)} stays accepted: {refusal}",)
        return ()

    @classmethod
    def existing(cls, query: State, proton: Proton) -> Iterator[tuple[str, str]]:  # noqa: ARG003
        """All requests to the account that it has decided on."""
        for item in list_addressed_connections(proton):
            if item["status"] in _DECIDED:
                yield item["id"], item["environmentName"]


_LOOK_UP = ("environmentName", "environmentAccountId")


def _found(identifier: str, state: State, operation: Operation) -> State | None:
    live = find_connection_of_refresh(identifier, state, operation, reader=identifier)
    if live is None:
        require_gone(state.get("arn"), operation.proton, account=state.get("managementAccountId"))
    return live


def _keep_looked_up(olds: State, inputs: State) -> None:
    """Fills in the request that was found before, while it is looked up by the same names."""
    if "connectionId" in olds and all(inputs.get(wire) == olds.get(wire) is not None for wire in _LOOK_UP):
        inputs.setdefault("connectionId", olds["connectionId"])


def _waiting(inputs: State, proton: Proton) -> State | None:
    """The request, unless it was looked up and is one rejected before: then a new one is awaited."""
    found = _request(inputs, proton)
    refused = found is not None and found["status"] == "REJECTED" and inputs["decision"] == "ACCEPT"
    return None if refused and "connectionId" not in inputs else found


def _request(inputs: State, proton: Proton) -> State | None:
    """The request with the given id, or the newest of the most urgent status among those looked up."""
    listed = list_addressed_connections(proton)
    if "connectionId" in inputs:
        return connection_by_id(inputs["connectionId"], listed)
    meant = [item for item in listed if all(item[wire] == inputs[wire] for wire in _LOOK_UP)]
    meant.sort(key=lambda item: item["requestedAt"], reverse=True)
    return min(meant, key=lambda item: _urgency(item["status"]), default=None)


def _urgency(status: str) -> int:
    """The place in `_NEWEST_OF`; a status that is new comes last."""
    return _NEWEST_OF.index(status) if status in _NEWEST_OF else len(_NEWEST_OF)


def _request_failures(olds: State, inputs: State, service: Service) -> Iterator[Failure]:
    """Why the decision cannot be made, as far as the request is known already."""
    identifier = inputs.get("connectionId", UNKNOWN)
    listed = None if identifier is UNKNOWN else service.connections()
    connection = connection_by_id(identifier, listed or [])
    if connection is None:
        return
    yield from _mismatches(inputs, connection)
    if (olds.get("decision"), inputs["decision"]) == ("ACCEPT", "REJECT"):
        environment = service.used_by(connection)
        if environment:
            yield Failure("decision", _in_use(environment))


def _mismatches(inputs: State, connection: State) -> Iterator[Failure]:
    for wire, expected in (
        ("environmentName", "expectedEnvironmentName"),
        ("environmentAccountId", "expectedEnvironmentAccountId"),
    ):
        for given in (wire, expected):
            wanted = inputs.get(given)
            if wanted not in (None, UNKNOWN, connection[wire]):
                yield Failure(
                    given,
                    f"is {wanted}, but request {connection['id']} is for environment "
                    f"{connection['environmentName']} and comes from account "
                    f"{connection['environmentAccountId']}: nothing was decided",
                )


def _decide(connection: State, inputs: State, operation: Operation) -> State:
    """Verifies, then accepts or rejects, and returns the whole state."""
    proton = operation.proton
    asks = inputs["decision"] == "REJECT" and connection["status"] != "REJECTED"
    environment = environment_using(connection, proton) if asks else None
    refusal = _refusal(connection, inputs, environment)
    if refusal:
        raise refusal
    identifier, calls = connection["id"], _decision_calls(connection, inputs)
    try:
        make(calls, proton)
    except NotFound:
        raise NotFound(
            f"environment account connection {identifier} does not exist any more: account "
            f"{connection['environmentAccountId']} deleted the request before it was decided on"
        ) from None
    operation.keep(
        identifier, state_after(EnvironmentAccountConnectionAccepter, inputs, _from_listing(connection))
    )
    decided = (find_addressed_connection(identifier, proton) if calls else None) or connection
    return state_after(EnvironmentAccountConnectionAccepter, inputs, _from_listing(decided))


def _refusal(connection: State, inputs: State, environment: str | None) -> ProtonError | None:
    """Why the decision is not made; `environment` is the one that uses the connection."""
    for failure in _mismatches(inputs, connection):
        return Refused(f"{failure.wire} {failure.reason}")
    if connection["status"] == "REJECTED" and inputs["decision"] != "REJECT":
        return Refused(
            f"environment account connection {connection['id']} was rejected, which is final: have account "
            f"{connection['environmentAccountId']} delete it and request a new one for environment "
            f"{connection['environmentName']}"
        )
    return Refused(f"decision REJECT {_in_use(environment)}") if environment else None


def _decision_calls(connection: State, inputs: State) -> tuple[Call, ...]:
    """The call that makes the decision; none where it was made already."""
    decision = inputs["decision"]
    if connection["status"] == _DONE[decision]:
        return ()
    return (Call(f"{decision.lower()}_environment_account_connection", {"id": connection["id"]}),)


def _in_use(environment: str) -> str:
    return (
        f"is not possible while environment {environment} uses the connection: delete the environment first"
    )


def _from_listing(connection: State) -> State:
    found = from_record(EnvironmentAccountConnectionAccepter, connection | {"connectionId": connection["id"]})
    decision = _DECIDED.get(connection["status"])
    return found | ({"decision": decision} if decision else {})


def _title(inputs: State) -> str:
    if "connectionId" in inputs:
        return f"environment account connection {inputs['connectionId']}"
    return (
        f"an environment account connection for environment {inputs['environmentName']} from account "
        f"{inputs['environmentAccountId']}"
    )
