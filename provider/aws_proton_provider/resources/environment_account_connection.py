"""https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironmentAccountConnection.html.

An environment account connection is a request, made in an *environment account*, that a *management account*
accepts; it then may provision one environment there. This is the environment account's side. Its id is the
connection's.
"""

from __future__ import annotations

import hashlib
import uuid

from aws_proton_provider.aws import location
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.waiting import patience, wait_until
from aws_proton_provider.core import facts, types
from aws_proton_provider.core import state as _record
from aws_proton_provider.core.declaration import (
    ACCOUNT,
    ADOPT,
    TAGS,
    TAGS_ALL,
    Kind,
    computed,
    output,
    prop,
    setting,
)
from aws_proton_provider.core.errors import NotFound, Refused
from aws_proton_provider.core.values import State
from aws_proton_provider.resources import connection_lookup
from aws_proton_provider.resources import tags as _tags
from aws_proton_provider.resources.adoption import Meeting, left_alone, require_own
from aws_proton_provider.resources.lifecycle import (
    CheckContext,
    Checked,
    Created,
    CustomResource,
    Diff,
    Service,
    changes,
    objections,
    remarks,
)

_ANOTHER_ROLE = (
    "give another role instead, or delete this connection in one `pulumi up` and make a new one in the next"
)


class EnvironmentAccountConnection(CustomResource):
    """A request of an environment account, that a management account may provision one environment in it.

    It acts in the environment account. The management account accepts it with an
    `EnvironmentAccountConnectionAccepter`. A request that was rejected is replaced by a fresh one.
    """

    environment_name: types.ResourceName = prop(
        replace=True, doc="The name of the environment that the management account has, or will make."
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
        doc="Whether create and update wait until the management account has accepted. For a request that "
        "another stack accepts: in one program the accepter comes after this resource: waiting never ends.",
    )
    timeouts: types.Timeouts | None = setting(
        doc='How long to wait for the acceptance, such as {"create": "8h"}; 60 minutes each.'
    )

    status: str = computed(
        follows=True, doc="PENDING, CONNECTED or REJECTED. A rejected request is replaced by a fresh one."
    )
    tags_all: dict[str, str] = TAGS_ALL

    arn: str = output(doc="The connection's ARN, in the environment account.")
    environment_account_id: str = output(doc="The account that made the request.")
    requested_at: str = output(doc="When it was requested (ISO 8601).")
    last_modified_at: str = output(doc="When it was last changed, accepted or rejected (ISO 8601).")

    @classmethod
    def check(cls, olds: State, news: State, surroundings: CheckContext) -> Checked:
        """Besides the types: shows a fresh request as `~ status: "REJECTED" => "PENDING"`."""
        checked = super().check(olds, news, surroundings)
        if checked.failures:
            return checked
        if surroundings.service:
            cls._look_ahead(olds, checked, surroundings.service)
        before, inputs = olds.get("status"), checked.inputs
        if before == "REJECTED":
            checked.warnings.append(
                f"the environment account connection for environment {inputs['environmentName']} was "
                f"rejected by account {inputs['managementAccountId']}, which is final: a fresh request "
                "replaces it"
            )
        renewed = before in (None, "REJECTED") or bool(cls.diff(olds, inputs).replaces)
        inputs["status"] = "PENDING" if renewed else before
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A rejected request is replaced.

        The old one goes first, lest `create` takes it for a broken-off create's.
        """
        found = super().diff(state, inputs)
        replaces = (*found.replaces, *(["status"] if state.get("status") == "REJECTED" else []))
        changed = found.changed or bool(replaces)
        return Diff(changed, replaces, delete_before_replace=_same_request(state, inputs))

    @classmethod
    def _look_ahead(cls, olds: State, checked: Checked, service: Service) -> None:
        """Says what a create will meet."""
        inputs = checked.inputs
        owners = service.is_owner(inputs.get(facts.OWNER, ""), *facts.owners(inputs, olds))
        requested = () if olds else service.requested() or ()
        live = next((item for item in requested if _alive(item) and _same_request(item, inputs)), None)
        tags = service.tags_of(live["arn"]) if live else None
        if live and tags:
            # The listing lacks roles; what differs only the create can say.
            met = Meeting(_title(live), tags, (), inputs, owners)
            checked.failures += objections(met)
            checked.warnings += remarks(met)

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> Created:
        """Makes the request, or does with one that exists already what `_ownership` decides."""
        proton.allow_writing()
        incarnation = uuid.uuid4().hex
        listed = connection_lookup.requested_here(proton, environmentName=inputs["environmentName"])
        requested = [item for item in listed if _same_request(item, inputs)]
        alive = next(filter(_alive, requested), None)
        if alive:
            connection = _look(alive["id"], proton)
            remark = cls._adopt(connection, inputs, incarnation, proton)
        else:
            connection, remark = cls._request(requested, inputs, incarnation, proton), None
        state = _finished(connection, inputs, "create", proton)
        _tags.end_create(connection["arn"], proton)
        warnings = (remark,) if remark else ()
        return Created(connection["id"], state | {facts.INCARNATION: incarnation}, warnings)

    @classmethod
    def _request(cls, rejected: list[State], inputs: State, incarnation: str, proton: Proton) -> State:
        sent = {item.wire: inputs[item.wire] for item in cls.of_kind(Kind.INPUT) if item.wire in inputs}
        made: State = proton.call(
            "create_environment_account_connection",
            **sent,
            clientToken=client_token(inputs, [item["id"] for item in rejected]),
            tags=_tags.of_create(inputs, incarnation),
        )["environmentAccountConnection"]
        return made

    @classmethod
    def _adopt(cls, live: State, inputs: State, incarnation: str, proton: Proton) -> str | None:
        """Goes on with a request that exists."""
        tags = _tags.of(live["arn"], proton)
        present = _record.kept(cls, inputs) | _record.properties(cls, live)
        differing = tuple(
            item.declared.wire
            for item in changes(cls, present, inputs)
            if item.declared.kind is Kind.INPUT and not item.removed
        )
        differing += _tags.differing(tags, inputs["tagsAll"])
        met = Meeting(_title(live), tags, differing, inputs, facts.owners(inputs))
        met.require_consent()
        _set_roles(live, inputs, proton)
        _tags.bring_to(live["arn"], inputs["tagsAll"], tags, proton, incarnation=incarnation)
        return met.remark()

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """The connection as the environment account sees it."""
        try:
            live = _look(identifier, proton)
        except NotFound:
            location.confirm_gone(state.get("arn"), proton)
            return None
        return (
            _record.kept(cls, state)
            | _record.properties(cls, live)
            | _tags.observed(live["arn"], state, proton)
        )

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Gives the connection its roles, which hold from the next deployment on, and its tags."""
        proton.allow_writing()
        try:
            live = _look(identifier, proton)
        except NotFound:
            location.confirm_gone(state.get("arn"), proton)
            raise
        tags = _tags.of(live["arn"], proton)
        require_own(_title(live), tags, state, inputs)
        _set_roles(live, inputs, proton)
        _tags.bring_to(live["arn"], inputs["tagsAll"], tags, proton)
        return _finished(live, inputs, "update", proton) | facts.incarnation(tags.incarnation)

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> tuple[str, ...]:
        """Deletes the connection. That is legal while an environment uses it, and orphans the environment."""
        proton.allow_writing()
        try:
            live = _look(identifier, proton)
        except NotFound:
            location.confirm_gone(state.get("arn"), proton)
            return ()
        tags = _tags.of(live["arn"], proton)
        left = left_alone(_title(live), tags, state)
        if left:
            return (left,)
        proton.call("delete_environment_account_connection", id=identifier)
        if live["status"] != "CONNECTED":
            return ()
        orphaned = (
            f"environment account connection {identifier} was deleted while CONNECTED: if account "
            f"{live['managementAccountId']} still has environment {live['environmentName']}, Proton cannot "
            "manage it any more until it is given a new, accepted connection from this account"
        )
        return (orphaned,)


def _same_request(one: State, other: State) -> bool:
    return all(one.get(wire) == other.get(wire) for wire in ("environmentName", "managementAccountId"))


def _alive(connection: State) -> bool:
    return bool(connection["status"] != "REJECTED")


def _title(connection: State) -> str:
    return (
        f"environment account connection {connection['id']} for environment {connection['environmentName']}"
    )


def _set_roles(live: State, inputs: State, proton: Proton) -> None:
    roles = (item.wire for item in EnvironmentAccountConnection.of_kind(Kind.INPUT) if not item.replace)
    changed = {wire: inputs[wire] for wire in roles if wire in inputs and inputs[wire] != live.get(wire)}
    if changed:
        proton.call("update_environment_account_connection", id=live["id"], **changed)


def client_token(inputs: State, rejected: list[str]) -> str:
    """The client token: AWS answers a repeated one with the first one's request, for 8 hours.

    So it is the same for a repeated create, and another once a request was rejected, which nothing should
    bring back.
    """
    identity = [
        inputs.get(facts.OWNER, ""),
        inputs["environmentName"],
        inputs["managementAccountId"],
        *sorted(rejected),
    ]
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()


def _look(identifier: str, proton: Proton) -> State:
    answer = proton.call("get_environment_account_connection", id=identifier)
    connection: State = answer["environmentAccountConnection"]
    return connection


def _finished(connection: State, inputs: State, verb: str, proton: Proton) -> State:
    """The whole state after a create or update; once the request is accepted, if that is to be awaited."""
    identifier = connection["id"]

    def decided() -> State | None:
        try:
            live = _look(identifier, proton)
        except NotFound:
            raise NotFound(
                f"environment account connection {identifier} is gone: it was withdrawn while its acceptance "
                "was awaited; run `pulumi up --refresh`, which makes a fresh request"
            ) from None
        return live if live["status"] != "PENDING" else None

    if inputs.get("waitForAcceptance"):
        who = f"account {connection['managementAccountId']}"
        what = f"environment account connection {identifier}: its acceptance by {who}"
        status = wait_until(decided, patience(inputs, verb, "60m"), what, verb)["status"]
        if status not in ("CONNECTED", "REJECTED"):
            raise Refused(
                f"environment account connection {identifier} has the status {status}, which this version of "
                "the provider does not know, so that it cannot say whether it was accepted: look at it, or "
                "use a newer version"
            )
        if status == "REJECTED":
            raise Refused(
                f"environment account connection {identifier} was rejected by {who}, which is final: agree "
                "with its owners and run `pulumi up` again, which makes a fresh request"
            )
    answer = _record.properties(EnvironmentAccountConnection, _look(identifier, proton))
    return _record.after(EnvironmentAccountConnection, inputs, answer)
