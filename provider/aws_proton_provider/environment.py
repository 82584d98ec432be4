"""https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironment.html.

An environment is deployed from a version of an environment template, with a spec as its inputs. Its name is
its id.
"""

from __future__ import annotations

from typing import Any

from . import _connections, _place, _record, _spec, _tags, _types
from . import _environment_check as rules
from . import _environment_waits as waits
from ._client import Proton
from ._declare import ACCOUNT, TAGS, TAGS_ALL, Kind, computed, output, prop, setting
from ._deployment import UNDECIDED, Level, decide, members
from ._errors import AccessDenied, Conflict, NotFound, ProtonError, Refused
from ._lifecycle import OWNER, Checked, CustomResource, Diff, Surroundings, changes
from ._values import UNKNOWN, State, Value

_ANOTHER_ROLE = "give another role instead, or make a new environment under another name"


class Environment(CustomResource):
    """An environment, deployed from an environment template.

    Creating and updating one deploys infrastructure and waits for it. Every update has a deploymentType,
    which the preview shows: see the table in the guide.
    """

    identified_by = "its name"

    name: _types.ResourceName = prop(
        replace=True, doc="The environment's name, unique in account and region."
    )
    template_name: _types.ResourceName = prop(replace=True, doc="The environment template to deploy.")
    template_major_version: _types.TemplateVersionPart = prop(
        deploy=Level.MAJOR_VERSION,
        doc="The template's major version. A higher one is an update, a lower one a new environment.",
    )
    template_minor_version: _types.TemplateVersionPart | None = prop(
        deploy=Level.MINOR_VERSION,
        keep=True,
        doc="The template's minor version. Left out: the recommended one at creation and at a change of the "
        "major version, and otherwise the one that is deployed.",
    )
    spec: _types.Spec = prop(
        deploy=Level.CURRENT_VERSION,
        doc="The values of the template's inputs: a mapping, or YAML text, also of a whole spec document. "
        "Checked against the template version's schema in the preview.",
    )
    description: _types.Description | None = prop(
        deploy=Level.NONE, cleared="", doc="A description. A change of it alone deploys nothing."
    )
    proton_service_role_arn: _types.Arn | None = prop(
        deploy=Level.CURRENT_VERSION,
        way_out=_ANOTHER_ROLE,
        doc="The role with which Proton provisions in its own account (AWS-managed provisioning).",
    )
    codebuild_role_arn: _types.RoleArn | None = prop(
        deploy=Level.CURRENT_VERSION,
        way_out=_ANOTHER_ROLE,
        doc="The role of the builds that provision (CodeBuild provisioning).",
    )
    component_role_arn: _types.RoleArn | None = prop(
        deploy=Level.CURRENT_VERSION,
        way_out="leave it in place (it is used only by components), or make a new environment",
        doc="The role with which components are provisioned in this environment.",
    )
    environment_account_connection_id: _types.ConnectionId | None = prop(
        deploy=Level.CURRENT_VERSION,
        way_out="give another connection of the same environment account, or make a new environment",
        doc="The accepted connection to the account to provision in, instead of a role of this account.",
    )
    provisioning_repository: _types.ProvisioningRepository | None = prop(
        replace=True, doc="The linked repository that gets the pull requests (self-managed provisioning)."
    )
    tags: _types.Tags | None = TAGS
    account: _types.Account | None = ACCOUNT
    wait_for_deployment: bool = setting(
        default=True, doc="Whether create, update and delete wait until the deployment has ended."
    )
    timeouts: _types.Timeouts | None = setting(
        doc='How long to wait, such as {"create": "30m"}; 90 minutes each.'
    )
    max_deployment_type: _types.DeploymentType | None = setting(
        doc="The furthest-reaching deploymentType that an update may have, instead of the stack's "
        "`aws-proton:maxDeploymentType`. A change that needs more, or a new environment, fails in the "
        "preview."
    )
    redeploy_triggers: dict[str, Any] | None = setting(
        deploy=Level.CURRENT_VERSION, doc="Any values; a change of them deploys the environment again."
    )

    deployment_type: str | None = computed(
        follows=True,
        doc="The deploymentType of the last update, and in a preview of the one to come: NONE, "
        "CURRENT_VERSION, MINOR_VERSION or MAJOR_VERSION. Absent until the first update.",
    )
    tags_all: dict[str, str] = TAGS_ALL
    environment_account_id: str | None = computed(
        follows=True,
        doc="The account that the infrastructure lives in. A connection into another one makes a new "
        "environment.",
    )

    arn: str = output(doc="The environment's ARN.")
    created_at: str = output(doc="When it was created (ISO 8601).")
    deployment_status: str = output(doc="The state of the last deployment.")
    deployment_status_message: str | None = output(doc="What AWS says of the last deployment.")
    last_attempted_deployment_id: str | None = output(doc="The last deployment.")
    last_deployment_attempted_at: str = output(doc="When the last deployment began (ISO 8601).")
    last_succeeded_deployment_id: str | None = output(doc="The last deployment that succeeded.")
    last_deployment_succeeded_at: str | None = output(
        doc="When the last deployment that succeeded began (ISO 8601)."
    )
    provisioning: str | None = output(doc="CUSTOMER_MANAGED where the template provisions nothing.")
    outputs: dict[str, str] = output(doc="The outputs of the deployed infrastructure, by name.")

    @classmethod
    def check(cls, olds: State, news: State, surroundings: Surroundings) -> Checked:
        """Works out the deploymentType that an update will have, and says what stands against it.

        Besides the types: ways of provisioning that exclude each other, the spec against its schema, a
        connection that cannot serve, and a deploymentType beyond the allowed one.
        """
        checked = super().check(olds, news, surroundings)
        inputs, service = checked.inputs, surroundings.service
        checked.failures += rules.exclusive(inputs)
        if checked.failures:
            return checked
        if service:
            given = inputs.get("environmentAccountConnectionId")
            listed = None if given in (None, UNKNOWN) else service.connections()
            connection = rules.connection_of(inputs, listed)
            rules.resolve_minor(olds, inputs, service)
            rules.resolve_account(olds, inputs, connection)
            checked.failures += rules.spec_failures(inputs, service)
            checked.failures += rules.connection_failures(olds, inputs, listed)
            checked.warnings += rules.pending_warning(inputs, connection)
        found = changes(cls, olds, inputs)
        decision = decide((item.declared for item in found), olds, inputs) if olds else UNDECIDED
        kind = olds.get("deploymentType") if decision.level is None else _api_name(decision.level)
        inputs |= {} if kind is None or decision.replaces else {"deploymentType": kind}
        allowed = inputs.get("maxDeploymentType", surroundings.max_deployment_type)
        checked.failures += rules.guard(found, decision, allowed)
        checked.warnings += rules.warnings(olds, inputs, decision, service)
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A replacement under the same name has to delete first, since the name is the id."""
        found = changes(cls, state, inputs)
        decision = decide((item.declared for item in found), state, inputs)
        same_name = state.get("name") == inputs.get("name")
        return Diff(bool(found), decision.replaces, delete_before_replace=same_name)

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> tuple[str, State]:
        """Creates the environment and waits for it.

        Any process may die between AWS's answer and Pulumi's write, and Pulumi keeps nothing of a failed
        create: so an environment of this name and owner is gone on with, whatever state it is in.
        """
        proton.allow_writing()
        name = inputs["name"]
        sent = {item.wire: inputs[item.wire] for item in cls.of_kind(Kind.INPUT) if item.wire in inputs}
        try:
            proton.call("create_environment", **_wire(sent), tags=_tags.wire(inputs["tagsAll"]))
        except (Conflict, Refused) as refusal:
            cls._adopt(inputs, proton, refusal)
        else:
            waits.await_deployment(name, inputs, "create", proton)
        return name, _record.after(cls, inputs, _answer(waits.look(name, proton), proton))

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """The environment as it is: every declared input as AWS has it, so that any drift shows."""
        try:
            environment = waits.look(identifier, proton)
        except NotFound:
            _place.confirm_gone(state.get("arn"), proton)
            return None
        answer = _connected(_answer(environment, proton), proton)
        return _record.kept(cls, state) | answer | _tags.observed(environment["arn"], state, proton)

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Updates the environment with the deploymentType that the preview showed, and waits for it."""
        proton.allow_writing()
        live = waits.settled(identifier, inputs, "update", proton)
        _place.same(state.get("arn"), live["arn"])
        previewed = Level[inputs.get("deploymentType") or "MAJOR_VERSION"]
        cls._bring_to(_present(live, state), inputs, proton, at_most=previewed)
        return _record.after(cls, inputs, _answer(waits.look(identifier, proton), proton))

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> tuple[str, ...]:
        """Deletes the environment with its infrastructure and waits until it is gone."""
        proton.allow_writing()
        try:
            live = waits.settled(identifier, state, "delete", proton)
            _place.same(state.get("arn"), live["arn"])
            proton.call("delete_environment", name=identifier)
        except NotFound:
            _place.confirm_gone(state.get("arn"), proton)
            return ()
        if state.get("waitForDeployment", True):
            waits.await_removal(identifier, state, proton)
        return ()

    @classmethod
    def _adopt(cls, inputs: State, proton: Proton, refusal: ProtonError) -> None:
        """Goes on with the environment that made AWS refuse the create, if it is this resource's own."""
        name = inputs["name"]
        try:
            live = waits.look(name, proton)
        except NotFound:
            raise refusal from None
        _tags.require_owner(f"environment {name}", live["arn"], inputs.get(OWNER), proton)
        if live["deploymentStatus"] in _BEING_DELETED:
            cls._create_after_removal(live, inputs, proton)
            return
        live = waits.settled(name, inputs, "create", proton)
        cls._bring_to(_present(live, inputs), inputs, proton, at_least=_retry(live))

    @classmethod
    def _create_after_removal(cls, live: State, inputs: State, proton: Proton) -> None:
        if live["deploymentStatus"] == "DELETE_FAILED":
            proton.call("delete_environment", name=live["name"])
        waits.await_removal(live["name"], inputs, proton)
        cls.create(inputs, proton)

    @classmethod
    def _bring_to(
        cls,
        present: State,
        inputs: State,
        proton: Proton,
        *,
        at_least: Level = Level.NONE,
        at_most: Level = Level.MAJOR_VERSION,
    ) -> None:
        """Updates the environment from what is `present` to `inputs`.

        What AWS has decides, not the state: an update that a dead process began may be there already, and one
        that reaches further than the preview said (`at_most`) is not made.
        """
        name = present["name"]
        found = changes(cls, present, inputs)
        decision = decide((item.declared for item in found), present, inputs)
        level = max(decision.level or Level.NONE, at_least)
        if decision.replaces or level > at_most:
            reaching = [item.declared.wire for item in found if item.declared.deploy]
            differing = ", ".join(decision.replaces or reaching)
            raise Refused(
                f"environment {name} is not as Pulumi knows it, it differs in {differing}, and needs more "
                "than the preview showed: run `pulumi refresh` and look at the preview again, or, if the "
                "environment is left over from a create that broke off, delete it with `aws proton "
                f"delete-environment --name {name}`"
            )
        if level > Level.NONE or any(item.declared.kind is Kind.INPUT for item in found):
            cleared = {item.declared.wire: item.declared.cleared for item in found if item.removed}
            sent = members(cls.of_kind(Kind.INPUT), level, inputs | cleared)
            proton.call("update_environment", name=name, deploymentType=level.name, **_wire(sent))
        _tags.bring_to(present["arn"], inputs["tagsAll"], proton)
        if level > Level.NONE:
            waits.await_deployment(name, inputs, "update", proton)


_BEING_DELETED = ("DELETE_IN_PROGRESS", "DELETE_FAILED")


def _retry(live: State) -> Level:
    """A create that goes on with an environment whose deployment did not succeed deploys again."""
    return Level.NONE if live["deploymentStatus"] == "SUCCEEDED" else Level.CURRENT_VERSION


def _present(live: State, state: State) -> State:
    """The environment as AWS has it; only the provider's own settings are those of `state`."""
    return _record.kept(Environment, state) | _properties(live)


def _api_name(level: Level | Value) -> Value:
    return level.name if isinstance(level, Level) else level


def _wire(sent: State) -> State:
    """The members as the API takes them: the spec as text."""
    return sent | {"spec": _spec.document(sent["spec"])} if "spec" in sent else sent


def _properties(live: State) -> State:
    found = _record.properties(Environment, live)
    return found | {"spec": _spec.inputs_of(live["spec"])} if "spec" in live else found


def _answer(live: State, proton: Proton) -> State:
    listed = proton.all_of("list_environment_outputs", "outputs", environmentName=live["name"])
    return _properties(live) | {"outputs": {item["key"]: item["valueString"] for item in listed}}


def _connected(answer: State, proton: Proton) -> State:
    """The answer without a connection that was deleted: AWS goes on naming it, but it leads nowhere."""
    identifier = answer.get("environmentAccountConnectionId")
    try:
        gone = identifier is not None and _connections.find(identifier, proton) is None
    except AccessDenied:
        return answer
    dropped = "environmentAccountConnectionId" if gone else None
    return {wire: value for wire, value in answer.items() if wire != dropped}
