"""https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironmentAccountConnection.html.

An environment account connection is a request, made in an *environment account*, that a *management account*
accepts; it then may provision one environment there. This is the environment account's side. Its id is the
connection's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.location import require_gone
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.aws.waiting import wait_until
from aws_proton_provider.core import facts, types
from aws_proton_provider.core.checking import Checked
from aws_proton_provider.core.declaration import (
    ACCOUNT,
    ADOPT,
    TAGS,
    TAGS_ALL,
    computed,
    output,
    prop,
    setting,
)
from aws_proton_provider.core.errors import NotFound, Refused
from aws_proton_provider.core.facts import incarnation_fact, owners_in
from aws_proton_provider.core.records import from_record, state_after, without_record
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.adoption import (
    Existing,
    preview_failures,
    preview_warnings,
    reason_to_keep,
    require_own,
)
from aws_proton_provider.resources.calls import make
from aws_proton_provider.resources.check_context import CheckContext, Service
from aws_proton_provider.resources.connection_lookup import list_requested_connections
from aws_proton_provider.resources.connection_plan import (
    connection_title,
    create_call,
    existing_connection,
    open_request,
    same_request,
    update_calls,
)
from aws_proton_provider.resources.lifecycle import Created, CustomResource, Diff
from aws_proton_provider.resources.tags import end_create, observed, read_tags

_ANOTHER_ROLE = (
    "give another role instead, or delete this connection in one `pulumi up` and make a new one in the next"
)


class EnvironmentAccountConnection(CustomResource):
    """A request of an environment account that lets a management account provision one environment in it.

    It acts in the environment account. The management account accepts it with an
    `EnvironmentAccountConnectionAccepter`. A request that was rejected is replaced by a new one.
    """

    environment_name: types.ResourceName = prop(
        replace=True, doc="The name of the environment that the management account has, or will create."
    )
    management_account_id: types.AccountId = prop(
        replace=True, doc="The account that may accept the request and then provision."
    )
    role_arn: types.RoleArn | None = prop(
        remedy=_ANOTHER_ROLE,
        doc="The role of this account with which Proton provisions (AWS-managed provisioning).",
    )
    codebuild_role_arn: types.RoleArn | None = prop(
        remedy=_ANOTHER_ROLE,
        listed=False,
        doc="The role of this account for builds that provision (CodeBuild provisioning).",
    )
    component_role_arn: types.RoleArn | None = prop(
        remedy=_ANOTHER_ROLE, doc="The role of this account with which components are provisioned."
    )
    tags: types.Tags | None = TAGS
    account: types.Account | None = ACCOUNT
    adopt: bool | None = ADOPT
    wait_for_acceptance: bool = setting(
        default=False,
        doc="Whether create and update wait until the management account has accepted. Only for a "
        "request that another stack accepts: in one program the accepter comes after this resource, so that "
        "waiting would end in a timeout.",
    )
    timeouts: types.Timeouts | None = setting(
        doc='How long to wait for the acceptance, such as {"create": "8h"}; 60 minutes each.'
    )

    status: str = computed(
        follows=True, doc="PENDING, CONNECTED or REJECTED. A rejected request is replaced by a new one."
    )
    tags_all: types.AllTags = TAGS_ALL

    arn: str = output(stable=True, doc="The connection's ARN, in the environment account.")
    environment_account_id: str = output(stable=True, doc="The account that made the request.")
    requested_at: str = output(stable=True, doc="When it was requested (ISO 8601).")
    last_modified_at: str = output(doc="When it was last changed, accepted or rejected (ISO 8601).")

    @classmethod
    def check(cls, olds: State, news: State, context: CheckContext) -> Checked:
        """Besides the types: shows a new request as `~ status: "REJECTED" => "PENDING"`."""
        checked = super().check(olds, news, context)
        if checked.failures:
            return checked
        if context.service:
            cls._preview_create(olds, checked, context.service)
        before, inputs = olds.get("status"), checked.inputs
        if before == "REJECTED":
            checked.warnings.append(
                f"the environment account connection for environment {inputs['environmentName']} was "
                f"rejected by account {inputs['managementAccountId']}, which is final: a new request "
                "replaces it"
            )
        renewed = before in (None, "REJECTED") or bool(cls.diff(olds, inputs).replaces)
        inputs["status"] = "PENDING" if renewed else before
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A rejected request is replaced.

        The old one is deleted first, so that `create` does not take it for an interrupted create's.
        """
        found = super().diff(state, inputs)
        replaces = (*found.replaces, *(["status"] if state.get("status") == "REJECTED" else []))
        changed = found.changed or bool(replaces)
        return Diff(changed, replaces, delete_before_replace=same_request(cls, state, inputs))

    @classmethod
    def _preview_create(cls, olds: State, checked: Checked, service: Service) -> None:
        """Adds what a create will find."""
        inputs = checked.inputs
        owners = service.is_owner(inputs.get(facts.OWNER, ""), *owners_in(inputs, olds))
        live = None if olds else open_request(cls, service.requested() or [], inputs)
        tags = service.tags_of(live["arn"]) if live else None
        if live and tags:
            # The listing lacks roles: whether they differ, only the create knows.
            existing = Existing(connection_title(live), tags, (), inputs, owners)
            checked.failures += preview_failures(existing)
            checked.warnings += preview_warnings(existing)

    @classmethod
    def create(cls, inputs: State, operation: Operation) -> Created:
        """Makes the request, or does with one that exists already what `core/ownership.py` decides."""
        proton, incarnation = operation.proton, uuid.uuid4().hex
        proton.allow_writing()
        listed = list_requested_connections(proton, environmentName=inputs["environmentName"])
        found, warning = open_request(cls, listed, inputs), None
        if found:
            connection = _get(found["id"], proton)
            tags = read_tags(connection["arn"], proton)
            existing = existing_connection(cls, connection, tags, inputs)
            refusal = existing.refusal()
            if refusal:
                raise refusal
            make(update_calls(cls, connection, tags, inputs, incarnation), proton)
            warning = existing.warning()
        else:
            request = create_call(cls, listed, inputs, incarnation)
            connection = proton.call(request.operation, **request.members)["environmentAccountConnection"]
        kept = state_after(cls, inputs, from_record(cls, connection)) | incarnation_fact(incarnation)
        operation.keep(connection["id"], kept)
        state = _finished(connection, inputs, operation)
        end_create(connection["arn"], proton)
        warnings = (warning,) if warning else ()
        return Created(connection["id"], state | incarnation_fact(incarnation), warnings)

    @classmethod
    def read(cls, identifier: str, state: State, operation: Operation) -> State | None:
        """The connection as the environment account sees it."""
        proton = operation.proton
        try:
            live = _get(identifier, proton)
        except NotFound:
            require_gone(state.get("arn"), proton)
            return None
        return (
            without_record(cls, state)
            | from_record(cls, live)
            | observed(read_tags(live["arn"], proton), state)
        )

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, operation: Operation) -> State:
        """Gives the connection its roles, which hold from the next deployment on, and its tags."""
        proton = operation.proton
        proton.allow_writing()
        try:
            live = _get(identifier, proton)
        except NotFound:
            require_gone(state.get("arn"), proton)
            raise
        tags = read_tags(live["arn"], proton)
        require_own(connection_title(live), tags, state, inputs)
        make(update_calls(cls, live, tags, inputs), proton)
        operation.keep(identifier, state)
        found = _finished(live, inputs, operation) | incarnation_fact(tags.incarnation)
        if tags.creating:
            end_create(live["arn"], proton)
        return found

    @classmethod
    def delete(cls, identifier: str, state: State, operation: Operation) -> tuple[str, ...]:
        """Deletes the connection. AWS allows it also while an environment uses it."""
        proton = operation.proton
        proton.allow_writing()
        try:
            live = _get(identifier, proton)
        except NotFound:
            require_gone(state.get("arn"), proton)
            return ()
        kept = reason_to_keep(connection_title(live), read_tags(live["arn"], proton), state)
        if kept:
            return (kept,)
        proton.call("delete_environment_account_connection", id=identifier)
        if live["status"] != "CONNECTED":
            return ()
        warning = (
            f"environment account connection {identifier} was deleted while CONNECTED: if account "
            f"{live['managementAccountId']} still has environment {live['environmentName']}, Proton cannot "
            "manage it any more until it is given a new, accepted connection from this account"
        )
        return (warning,)

    @classmethod
    def existing(cls, query: State, proton: Proton) -> Iterator[tuple[str, str]]:  # noqa: ARG003
        """All requests of the account, in any status."""
        for item in list_requested_connections(proton):
            yield item["id"], item["environmentName"]


def _get(identifier: str, proton: Proton) -> State:
    found = proton.call("get_environment_account_connection", id=identifier)
    connection: State = found["environmentAccountConnection"]
    return connection


def _finished(connection: State, inputs: State, operation: Operation) -> State:
    """The whole state after a create or update; once the request is accepted, if that is to be awaited."""
    identifier, proton = connection["id"], operation.proton

    def decided() -> State | None:
        try:
            live = _get(identifier, proton)
        except NotFound:
            raise NotFound(
                f"environment account connection {identifier} does not exist any more: it was deleted while "
                "this waited for its acceptance; run `pulumi up --refresh`, which makes a new request"
            ) from None
        return live if live["status"] != "PENDING" else None

    if inputs.get("waitForAcceptance"):
        who = f"account {connection['managementAccountId']}"
        what = f"environment account connection {identifier}: its acceptance by {who}"
        operation.status(f"waits for {who} to accept {identifier}")
        status = wait_until(decided, operation.patience(inputs, "60m"), what, operation)["status"]
        if status not in ("CONNECTED", "REJECTED"):
            raise Refused(
                f"environment account connection {identifier} has the status {status}, which this version of "
                "the provider does not know, so it cannot tell whether it was accepted: check it with `aws "
                f"proton get-environment-account-connection --id {identifier}`, or use a newer version"
            )
        if status == "REJECTED":
            raise Refused(
                f"environment account connection {identifier} was rejected by {who}, which is final: agree "
                "with its owners and run `pulumi up` again, which makes a new request"
            )
    found = from_record(EnvironmentAccountConnection, _get(identifier, proton))
    return state_after(EnvironmentAccountConnection, inputs, found)
