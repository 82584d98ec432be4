"""Environment: https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironment.html

An environment is deployed from a version of an environment template, with a spec as its inputs. Its name is its id.
"""

from __future__ import annotations

import datetime
from typing import Any

from . import _spec, _tags, _types
from ._client import Proton, wait_until
from ._declare import Kind, computed, output, prop, setting
from ._deployment import Level, decide, members
from ._errors import Conflict, DeploymentFailed, NotFound, NotOwned, ProtonError, Refused, WrongAccount
from ._lifecycle import OWNER, Checked, CustomResource, Diff, Failure, Surroundings, Templates, changes, check, refused_removals
from ._values import UNKNOWN, State, Value, has_unknown

_ANOTHER_ROLE = "give another role instead, or make a new environment under another name"

class Environment(CustomResource):
    """An environment, deployed from an environment template.

    Creating and updating one deploys infrastructure and waits for it. Every update has a deploymentType, which the
    preview shows: see the table in the guide.
    """

    name: _types.ResourceName = prop(replace=True, doc="The environment's name, unique in account and region.")
    template_name: _types.ResourceName = prop(replace=True, doc="The environment template to deploy.")
    template_major_version: _types.TemplateVersionPart = prop(
        deploy=Level.MAJOR_VERSION,
        doc="The template's major version. A higher one is an update, a lower one a new environment.",
    )
    template_minor_version: _types.TemplateVersionPart | None = prop(
        deploy=Level.MINOR_VERSION,
        keep=True,
        doc="The template's minor version. Left out: the recommended one at creation and at a change of the major "
        "version, and otherwise the one that is deployed.",
    )
    spec: _types.Spec = prop(
        deploy=Level.CURRENT_VERSION,
        doc="The values of the template's inputs: a mapping, or YAML text, also of a whole spec document. Checked "
        "against the template version's schema in the preview.",
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
    tags: _types.Tags | None = setting(doc="Tags of the environment, besides the stack's `aws-proton:defaultTags`.")
    account: _types.Account | None = setting(
        doc="Where this resource's calls go, instead of where the stack's configuration says. A change never replaces."
    )
    wait_for_deployment: bool = setting(
        default=True, doc="Whether create, update and delete wait until the deployment has ended."
    )
    timeouts: _types.Timeouts | None = setting(doc='How long to wait, such as {"create": "30m"}; 90 minutes each.')
    redeploy_triggers: dict[str, Any] | None = setting(
        deploy=Level.CURRENT_VERSION, doc="Any values; a change of them deploys the environment again."
    )

    deployment_type: str | None = computed(
        follows=True,
        doc="The deploymentType of the last update, and in a preview of the one to come: NONE, CURRENT_VERSION, "
        "MINOR_VERSION or MAJOR_VERSION. Absent until the first update.",
    )
    tags_all: dict[str, str] = computed(doc="All tags: yours, the stack's default ones and `pulumi:owner`.")

    arn: str = output(doc="The environment's ARN.")
    created_at: str = output(doc="When it was created (ISO 8601).")
    deployment_status: str = output(doc="The state of the last deployment.")
    deployment_status_message: str | None = output(doc="What AWS says of the last deployment.")
    environment_account_id: str | None = output(doc="The account that the infrastructure lives in.")
    last_attempted_deployment_id: str | None = output(doc="The last deployment.")
    last_deployment_attempted_at: str = output(doc="When the last deployment began (ISO 8601).")
    last_succeeded_deployment_id: str | None = output(doc="The last deployment that succeeded.")
    last_deployment_succeeded_at: str | None = output(doc="When the last deployment that succeeded began (ISO 8601).")
    provisioning: str | None = output(doc="CUSTOMER_MANAGED where the template provisions nothing.")
    outputs: dict[str, str] = output(doc="The outputs of the deployed infrastructure, by name.")

    @classmethod
    def check(cls, olds: State, news: State, surroundings: Surroundings) -> Checked:
        """Besides the types: ways of provisioning that exclude each other, the spec against its schema, and the
        deploymentType that an update will have."""
        checked = check(cls, news)
        inputs = checked.inputs
        checked.failures += _exclusive(inputs)
        if checked.failures:
            return checked
        inputs["tagsAll"] = _tags.effective(inputs.get("tags"), surroundings.default_tags, inputs.get(OWNER))
        if surroundings.templates:
            _resolve_minor(olds, inputs, surroundings.templates)
            checked.failures += _spec_failures(inputs, surroundings.templates)
        if olds:
            found = changes(cls, olds, inputs)
            decision = decide((item.declared for item in found), olds, inputs)
            checked.failures += [] if decision.replaces else refused_removals(found)
            kind = olds.get("deploymentType") if decision.level is None else _api_name(decision.level)
            inputs |= {} if kind is None else {"deploymentType": kind}
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A replacement under the same name has to delete first, since the name is the id."""
        found = changes(cls, state, inputs)
        decision = decide((item.declared for item in found), state, inputs)
        return Diff(bool(found), decision.replaces, delete_before_replace=state.get("name") == inputs.get("name"))

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> tuple[str, State]:
        """Creates the environment and waits for it.

        Any process may die between AWS's answer and Pulumi's write, and Pulumi keeps nothing of a failed create: so an
        environment of this name and owner is gone on with, whatever state it is in.
        """
        proton.allow_writing()
        name = inputs["name"]
        sent = {item.wire: inputs[item.wire] for item in cls.of_kind(Kind.INPUT) if item.wire in inputs}
        try:
            proton.call("create_environment", **_wire(sent), tags=_tags.wire(inputs["tagsAll"]))
        except (Conflict, Refused) as refusal:
            cls._adopt(inputs, proton, refusal)
        else:
            _await_deployment(name, inputs, "create", proton)
        return name, _state(name, inputs, proton)

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """The environment as it is: every declared input as AWS has it, so that drift of any of them shows."""
        try:
            return _live_state(identifier, state, proton)
        except NotFound:
            return None

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Updates the environment with the deploymentType that the preview showed, and waits for it."""
        proton.allow_writing()
        live = _settled(identifier, inputs, "update", proton)
        _same_account(live["arn"], state.get("arn"))
        previewed = Level[inputs.get("deploymentType") or "MAJOR_VERSION"]
        cls._bring_to(live, state, inputs, proton, at_most=previewed)
        return _state(identifier, inputs, proton)

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> None:
        """Deletes the environment with its infrastructure and waits until it is gone."""
        proton.allow_writing()
        try:
            live = _settled(identifier, state, "delete", proton)
            _same_account(live["arn"], state.get("arn"))
            proton.call("delete_environment", name=identifier)
        except NotFound:
            return
        if state.get("waitForDeployment", True):
            _await_removal(identifier, state, proton)

    @classmethod
    def _adopt(cls, inputs: State, proton: Proton, refusal: ProtonError) -> None:
        """Goes on with the environment that made AWS refuse the create, if it is this resource's own."""
        name, owner = inputs["name"], inputs.get(OWNER)
        try:
            live = _get(name, proton)
        except NotFound:
            raise refusal from None
        found = _tags.of(live["arn"], proton).get(_tags.OWNER)
        if owner is None or found != owner:
            raise NotOwned(
                f"environment {name} exists already and belongs to {found or 'nobody that Pulumi knows'}: choose another "
                f"name, or hand it to this resource with `aws proton tag-resource --resource-arn {live['arn']} "
                f"--tags key={_tags.OWNER},value={owner or 'PROJECT/STACK/NAME'}` and run `pulumi up` again"
            )
        if live["deploymentStatus"] in _BEING_DELETED:
            cls._create_after_removal(live, inputs, proton)
            return
        live = _settled(name, inputs, "create", proton)
        cls._bring_to(live, inputs, inputs, proton, at_least=_retry(live))

    @classmethod
    def _create_after_removal(cls, live: State, inputs: State, proton: Proton) -> None:
        if live["deploymentStatus"] == "DELETE_FAILED":
            proton.call("delete_environment", name=live["name"])
        _await_removal(live["name"], inputs, proton)
        cls.create(inputs, proton)

    @classmethod
    def _bring_to(
        cls,
        live: State,
        state: State,
        inputs: State,
        proton: Proton,
        *,
        at_least: Level = Level.NONE,
        at_most: Level = Level.MAJOR_VERSION,
    ) -> None:
        """Updates `live` to `inputs`; of `state` only the provider's own settings count.

        What AWS has decides, not the state: an update that a dead process began may be there already, and one that
        reaches further than the preview said (`at_most`) is not made.
        """
        name = live["name"]
        settings = {wire: value for wire, value in state.items() if wire not in _members(Kind.INPUT)}
        found = changes(cls, settings | _properties(live), inputs)
        decision = decide((item.declared for item in found), _properties(live), inputs)
        level = max(decision.level or Level.NONE, at_least)
        if decision.replaces or level > at_most:
            differing = ", ".join(decision.replaces or [item.declared.wire for item in found if item.declared.deploy])
            raise Refused(
                f"environment {name} is not as Pulumi knows it, it differs in {differing}, and needs more than the "
                f"preview showed: run `pulumi refresh` and look at the preview again, or, if the environment is left "
                f"over from a create that broke off, delete it with `aws proton delete-environment --name {name}`"
            )
        if level > Level.NONE or any(item.declared.kind is Kind.INPUT for item in found):
            cleared = {item.declared.wire: item.declared.cleared for item in found if item.removed}
            sent = members(cls.of_kind(Kind.INPUT), level, inputs | cleared)
            proton.call("update_environment", name=name, deploymentType=level.name, **_wire(sent))
        _tags.bring_to(live["arn"], inputs["tagsAll"], proton)
        if level > Level.NONE:
            _await_deployment(name, inputs, "update", proton)


_DEPLOYING = ("IN_PROGRESS", "CANCELLING")
_BEING_DELETED = ("DELETE_IN_PROGRESS", "DELETE_FAILED")
_EXCLUDED_BY = {
    "environmentAccountConnectionId": ("protonServiceRoleArn", "provisioningRepository"),
    "provisioningRepository": ("protonServiceRoleArn",),
}
"""What may not stand beside what (CreateEnvironment: "omit …" of each way of provisioning)."""


def _exclusive(inputs: State) -> list[Failure]:
    return [
        Failure(other, f"cannot stand beside {wire}: each is a way of provisioning of its own")
        for wire, others in _EXCLUDED_BY.items()
        for other in others
        if wire in inputs and other in inputs
    ]


def _resolve_minor(olds: State, inputs: State, templates: Templates) -> None:
    """Names the minor version that the program left open: the deployed one, or with another template or major version
    the recommended one. So a preview shows it, and a version published meanwhile moves nothing."""
    chosen = ("templateName", "templateMajorVersion")
    if "templateMinorVersion" in inputs or any(inputs[wire] is UNKNOWN for wire in chosen):
        return
    unmoved = bool(olds) and all(olds.get(wire) == inputs[wire] for wire in chosen)
    minor = olds.get("templateMinorVersion") if unmoved else templates.recommended_minor(*(inputs[w] for w in chosen))
    inputs |= {} if minor is None else {"templateMinorVersion": minor}


def _spec_failures(inputs: State, templates: Templates) -> list[Failure]:
    template, major = inputs["templateName"], inputs["templateMajorVersion"]
    if UNKNOWN in (template, major, inputs["spec"]):
        return []
    minor = inputs.get("templateMinorVersion") or templates.recommended_minor(template, major)
    schema = templates.input_schema(template, major, minor) if minor and minor is not UNKNOWN else None
    return [Failure("spec", reason) for reason in _spec.violations(inputs["spec"], schema)] if schema else []


def _retry(live: State) -> Level:
    """A create that goes on with an environment whose deployment did not succeed deploys again."""
    return Level.NONE if live["deploymentStatus"] == "SUCCEEDED" else Level.CURRENT_VERSION


def _members(*kinds: Kind) -> set[str]:
    return {item.wire for item in Environment.of_kind(*kinds)}


def _api_name(level: Level | Value) -> Value:
    return level.name if isinstance(level, Level) else level


def _wire(sent: State) -> State:
    """The members as the API takes them: the spec as text."""
    return sent | {"spec": _spec.document(sent["spec"])} if "spec" in sent else sent


def _get(name: str, proton: Proton) -> State:
    environment: State = proton.call("get_environment", name=name)["environment"]
    return environment


def _properties(live: State) -> State:
    """AWS's record as declared properties."""
    found = {wire: live[wire] for wire in _members(Kind.INPUT, Kind.OUTPUT) if wire in live}
    found |= {wire: value.isoformat() for wire, value in found.items() if isinstance(value, datetime.datetime)}
    if "spec" in live:
        found["spec"] = _spec.inputs_of(live["spec"])
    if "provisioningRepository" in live:
        linked = live["provisioningRepository"]
        found["provisioningRepository"] = {wire: value for wire, value in linked.items() if wire != "arn"}
    return found


def _state(name: str, inputs: State, proton: Proton) -> State:
    """The whole state after a create or update: the inputs as they were wanted, the rest as AWS has it."""
    answer = _answer(_get(name, proton), proton)
    return inputs | {wire: value for wire, value in answer.items() if wire not in inputs}


def _live_state(name: str, state: State, proton: Proton) -> State:
    """The whole state as AWS has it; only the provider's own settings stand as they were."""
    environment = _get(name, proton)
    tags = _tags.of(environment["arn"], proton)
    own, known = state.get("tags") or {}, state.get("tagsAll") or {}
    foreign_or_own = {key: value for key, value in tags.items() if key in own or key not in known}
    kept = {wire: value for wire, value in state.items() if wire not in _members(Kind.INPUT, Kind.OUTPUT)}
    return kept | _answer(environment, proton) | {"tagsAll": tags, "tags": foreign_or_own}


def _answer(environment: State, proton: Proton) -> State:
    listed = proton.all_of("list_environment_outputs", "outputs", environmentName=environment["name"])
    return _properties(environment) | {"outputs": {item["key"]: item["valueString"] for item in listed}}


def _same_account(arn: str, known: str | None) -> None:
    """Raises `WrongAccount` where the credentials of now reach another account or region than the state's object."""
    if known and arn != known:
        raise WrongAccount(
            f"the state's environment is {known}, but the credentials and region of now reach {arn}: nothing was "
            "changed; correct `account`, or the stack's aws-proton configuration"
        )


def _patience(inputs: State, verb: str) -> int:
    return _types.seconds((inputs.get("timeouts") or {}).get(verb, "90m"))


def _ended(name: str, proton: Proton) -> State | None:
    """The environment, None while a deployment is in progress."""
    environment = _get(name, proton)
    return None if environment["deploymentStatus"] in _DEPLOYING else environment


def _settled(name: str, inputs: State, verb: str, proton: Proton) -> State:
    """The environment once no deployment is in progress."""
    before = f"environment {name}: the deployment before this {verb}"
    return wait_until(lambda: _ended(name, proton), _patience(inputs, verb), before)


def _await_deployment(name: str, inputs: State, verb: str, proton: Proton) -> None:
    if not inputs.get("waitForDeployment", True):
        return
    settled = wait_until(
        lambda: _ended(name, proton), _patience(inputs, verb), f"environment {name}: the deployment of this {verb}"
    )
    if settled["deploymentStatus"] != "SUCCEEDED":
        raise _failed(settled, "fix the cause and run `pulumi up` again; it goes on with this environment")


def _await_removal(name: str, inputs: State, proton: Proton) -> None:
    def look() -> bool | None:
        try:
            environment = _get(name, proton)
        except NotFound:
            return True
        if environment["deploymentStatus"] == "DELETE_FAILED":
            raise _failed(environment, "fix the cause and run the command again")
        return None

    wait_until(look, _patience(inputs, "delete"), f"environment {name}: its deletion")


def _failed(environment: State, advice: str) -> DeploymentFailed:
    said = environment.get("deploymentStatusMessage") or "AWS gives no reason"
    return DeploymentFailed(f"environment {environment['name']}: {environment['deploymentStatus']}: {said} ({advice})")
