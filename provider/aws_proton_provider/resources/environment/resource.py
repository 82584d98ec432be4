"""https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironment.html.

An environment is deployed from a version of an environment template, with a spec as its inputs. Its name is
its id.
"""

from __future__ import annotations

import uuid
from typing import Any

from aws_proton_provider.aws import location
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import facts, types
from aws_proton_provider.core import state as _record
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
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.ownership import Verdict
from aws_proton_provider.core.values import State
from aws_proton_provider.resources import tags as _tags
from aws_proton_provider.resources.adoption import left_alone, require_own
from aws_proton_provider.resources.environment import check as rules
from aws_proton_provider.resources.environment import deploy, waits
from aws_proton_provider.resources.environment.create import create, meeting
from aws_proton_provider.resources.environment.deployment_type import BEING_DELETED, UNDECIDED, decide
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

_ANOTHER_ROLE = "give another role instead, or make a new environment under another name"


class Environment(CustomResource):
    """An environment, deployed from an environment template.

    Creating and updating one deploys infrastructure and waits for it. Every update has a deploymentType,
    which the preview shows: see the table in the guide.
    """

    identified_by = "its name"

    name: types.ResourceName = prop(
        replace=True, autonamed=True, doc="The environment's name, unique in account and region."
    )
    template_name: types.ResourceName = prop(replace=True, doc="The environment template to deploy.")
    template_major_version: types.TemplateVersionPart = prop(
        deploy=Level.MAJOR_VERSION,
        doc="The template's major version. A higher one is an update, a lower one a new environment.",
    )
    template_minor_version: types.TemplateVersionPart | None = prop(
        deploy=Level.MINOR_VERSION,
        keep=True,
        doc="The template's minor version. Left out: the recommended one at creation and at a change of the "
        "major version, and otherwise the one that is deployed.",
    )
    spec: types.Spec = prop(
        deploy=Level.CURRENT_VERSION,
        doc="The values of the template's inputs: a mapping, or YAML text, also of a whole spec document. "
        "Checked against the template version's schema in the preview.",
    )
    description: types.Description | None = prop(
        deploy=Level.NONE, cleared="", doc="A description. A change of it alone deploys nothing."
    )
    proton_service_role_arn: types.Arn | None = prop(
        deploy=Level.CURRENT_VERSION,
        remedy=_ANOTHER_ROLE,
        doc="The role with which Proton provisions in its own account (AWS-managed provisioning).",
    )
    codebuild_role_arn: types.RoleArn | None = prop(
        deploy=Level.CURRENT_VERSION,
        remedy=_ANOTHER_ROLE,
        doc="The role of the builds that provision (CodeBuild provisioning).",
    )
    component_role_arn: types.RoleArn | None = prop(
        deploy=Level.CURRENT_VERSION,
        remedy="leave it in place (it is used only by components), or make a new environment",
        doc="The role with which components are provisioned in this environment.",
    )
    environment_account_connection_id: types.ConnectionId | None = prop(
        deploy=Level.CURRENT_VERSION,
        remedy="give another connection of the same environment account, or make a new environment",
        doc="The accepted connection to the account to provision in, instead of a role of this account.",
    )
    provisioning_repository: types.ProvisioningRepository | None = prop(
        replace=True, doc="The linked repository that gets the pull requests (self-managed provisioning)."
    )
    tags: types.Tags | None = TAGS
    account: types.Account | None = ACCOUNT
    adopt: bool | None = ADOPT
    wait_for_deployment: bool = setting(
        default=True, doc="Whether create, update and delete wait until the deployment has ended."
    )
    timeouts: types.Timeouts | None = setting(
        doc='How long to wait, such as {"create": "30m"}; 90 minutes each.'
    )
    max_deployment_type: types.DeploymentType | None = setting(
        doc="The furthest-reaching deploymentType that an update may have, instead of the stack's "
        "`aws-proton:maxDeploymentType`. A change that needs more fails in the preview, and so does whatever "
        "makes a new environment of one that exists: also `--replace`, unless it was deleted before."
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
    def check(cls, olds: State, news: State, surroundings: CheckContext) -> Checked:
        """Works out the deploymentType that an update will have, and says what stands against it.

        Besides the types: ways of provisioning that exclude each other, a template that does not exist, the
        spec against its schema, a connection that cannot serve, a name that is taken, and a deploymentType
        beyond the allowed one. A deployment that failed is repeated.
        """
        checked = super().check(olds, news, surroundings)
        inputs, service = checked.inputs, surroundings.service
        checked.failures += rules.exclusive(inputs)
        if checked.failures:
            return checked
        allowed = inputs.get("maxDeploymentType", surroundings.max_deployment_type)
        inputs |= {} if allowed is None else {facts.LIMIT: allowed}
        before = olds
        if service and olds:
            service.is_owner(inputs.get(facts.OWNER, ""), *facts.owners(olds))
        elif service:
            before = cls._before_creation(checked, service)
        if service:
            rules.ask(before, checked, service)
        found = changes(cls, before, inputs)
        decision = decide((item.declared for item in found), before, inputs) if before else UNDECIDED
        if service and olds and not decision.replaces:
            decision = rules.repeat_failed(checked, decision, service.environments())
        kind = before.get("deploymentType") if decision.level is None else rules.api_name(decision.level)
        inputs |= {} if kind is None or decision.replaces else {"deploymentType": kind}
        checked.failures += rules.guard(found, decision, allowed)
        if olds or not decision.replaces:
            checked.warnings += rules.warnings(before, inputs, decision, service)
            checked.failures += rules.create_first(olds, inputs, decision)
        else:
            checked.failures += rules.not_adopted(decision)
        return checked

    @classmethod
    def _before_creation(cls, checked: Checked, service: Service) -> State:
        """What an environment that the program adopts is now; empty where there is none."""
        inputs = checked.inputs
        listed = service.environments() or {}
        found = service.environment(inputs["name"]) if inputs["name"] in listed else None
        if found is None or found[0]["deploymentStatus"] in BEING_DELETED:
            return {}
        live, tags = found
        owners = service.is_owner(inputs.get(facts.OWNER, ""), *facts.owners(inputs))
        met = meeting(cls, live, tags, inputs, owners)
        checked.failures += objections(met)
        checked.warnings += remarks(met)
        return deploy.present(cls, live, inputs, tags) if met.verdict is Verdict.TAKE_OVER else {}

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A replacement under the same name has to delete first, since the name is the id."""
        found = changes(cls, state, inputs)
        decision = decide((item.declared for item in found), state, inputs)
        changed = bool(found) or facts.FAILED_DEPLOYMENT in inputs
        same_name = state.get("name") == inputs.get("name")
        return Diff(changed, decision.replaces, delete_before_replace=same_name)

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> Created:
        """Creates the environment and waits for it.

        Any process may die between AWS's answer and Pulumi's write, and Pulumi keeps nothing of a failed
        create: so an environment that a create of the same owner left is gone on with, whatever state it is
        in.
        """
        proton.allow_writing()
        name, incarnation = inputs["name"], uuid.uuid4().hex
        remark = create(cls, inputs, incarnation, proton)
        answer = deploy.answer(cls, waits.look(name, proton), proton)
        _tags.end_create(answer["arn"], proton)
        state = _record.after(cls, inputs, answer) | {facts.INCARNATION: incarnation}
        return Created(name, state, (remark,) if remark else ())

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """The environment as it is: every declared input as AWS has it, so that any drift shows."""
        try:
            live = waits.look(identifier, proton)
        except NotFound:
            location.confirm_gone(state.get("arn"), proton)
            return None
        answer = deploy.connected(deploy.answer(cls, live, proton), proton)
        return _record.kept(cls, state) | answer | _tags.observed(live["arn"], state, proton)

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Updates the environment with the deploymentType that the preview showed, and waits for it.

        What AWS has decides, not the state: an update that a dead process began may be there already.
        """
        proton.allow_writing()
        try:
            live = waits.settled(identifier, inputs, "update", proton)
        except NotFound:
            location.confirm_gone(state.get("arn"), proton)
            raise
        location.same(state.get("arn"), live["arn"])
        tags = _tags.of(live["arn"], proton)
        require_own(f"environment {identifier}", tags, state, inputs)
        found = deploy.gap(cls, deploy.present(cls, live, state), inputs)
        beyond = found.beyond(Level[inputs.get("deploymentType") or "MAJOR_VERSION"])
        if beyond:
            raise Refused(
                f"environment {identifier} is not as Pulumi knows it, it differs in {', '.join(beyond)}, and "
                "needs more than the preview showed: run `pulumi refresh` and look at the preview again"
            )
        repeat = Level.CURRENT_VERSION if facts.FAILED_DEPLOYMENT in inputs else Level.NONE
        if deploy.close(cls, found, inputs, proton, at_least=repeat):
            waits.await_deployment(identifier, inputs, "update", proton)
        # Last, so that a deployment that fails leaves the state and the owner as they belong together.
        _tags.bring_to(live["arn"], inputs["tagsAll"], tags, proton)
        answer = deploy.answer(cls, waits.look(identifier, proton), proton)
        return _record.after(cls, inputs, answer) | facts.incarnation(tags.incarnation)

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> tuple[str, ...]:
        """Deletes the environment with its infrastructure and waits until it is gone.

        What a later create has taken over, or somebody else, is left alone.
        """
        proton.allow_writing()
        try:
            live = waits.settled(identifier, state, "delete", proton)
            location.same(state.get("arn"), live["arn"])
            tags = _tags.of(live["arn"], proton)
            left = left_alone(f"environment {identifier}", tags, state)
            if left:
                return (left,)
            proton.call("delete_environment", name=identifier)
        except NotFound:
            location.confirm_gone(state.get("arn"), proton)
            return ()
        if state.get("waitForDeployment", True):
            waits.await_removal(identifier, state, proton)
        return ()
