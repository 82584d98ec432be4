"""https://docs.aws.amazon.com/proton/latest/APIReference/API_CreateEnvironment.html.

An environment is deployed from a version of an environment template, with a spec as its inputs. Its name is
its id.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.location import require_gone, require_same
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core import types
from aws_proton_provider.core.checking import Checked
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
from aws_proton_provider.core.errors import NotFound
from aws_proton_provider.core.facts import incarnation_fact
from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.provisioning import Provisioner
from aws_proton_provider.core.records import from_record, state_after, without_record
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.adoption import reason_to_keep
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.environment.check import check_change, exclusive_failures
from aws_proton_provider.resources.environment.create import create_or_adopt
from aws_proton_provider.resources.environment.listing import list_environments
from aws_proton_provider.resources.environment.plan import (
    plan_update,
    repeats_deployment,
)
from aws_proton_provider.resources.environment.refresh import refreshed
from aws_proton_provider.resources.environment.update import update_environment
from aws_proton_provider.resources.environment.waits import (
    await_removal,
    await_settled,
    get_environment,
    with_outputs,
    without_deleted_connection,
)
from aws_proton_provider.resources.lifecycle import Created, CustomResource, Diff
from aws_proton_provider.resources.tags import end_create, observed, read_tags

_ANOTHER_ROLE = "give another role instead, or make a new environment under another name"


class Environment(CustomResource):
    """An environment, deployed from an environment template.

    Creating and updating one deploys infrastructure and waits for it. Every update has a deploymentType,
    which the preview shows: see the table in the guide.
    """

    identified_by = "its name"

    name: types.ResourceName = prop(
        replace=True, autonamed=True, doc="The environment's name, unique in account and Region."
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
        listed=False,
        doc="The values of the template's inputs: a mapping, or YAML text, which may be a whole document. "
        "Checked against the template version's schema in the preview.",
    )
    description: types.Description | None = prop(
        deploy=Level.NONE, cleared="", doc="A description. A change of it alone deploys nothing."
    )
    proton_service_role_arn: types.Arn | None = prop(
        deploy=Level.CURRENT_VERSION,
        provisioner=Provisioner.THIS_ACCOUNT,
        excluded_by=(Provisioner.ENVIRONMENT_ACCOUNT, Provisioner.REPOSITORY),
        remedy=_ANOTHER_ROLE,
        doc="The role of this account with which Proton provisions (AWS-managed provisioning).",
    )
    codebuild_role_arn: types.RoleArn | None = prop(
        deploy=Level.CURRENT_VERSION,
        provisioner=Provisioner.THIS_ACCOUNT,
        excluded_by=(Provisioner.ENVIRONMENT_ACCOUNT,),
        notifies=True,
        listed=False,
        remedy=_ANOTHER_ROLE,
        doc="The role of this account for builds that provision (CodeBuild provisioning).",
    )
    component_role_arn: types.RoleArn | None = prop(
        deploy=Level.CURRENT_VERSION,
        remedy="leave it in place (it is used only by components), or make a new environment",
        doc="The role with which components are provisioned in this environment.",
    )
    environment_account_connection_id: types.ConnectionId | None = prop(
        deploy=Level.CURRENT_VERSION,
        provisioner=Provisioner.ENVIRONMENT_ACCOUNT,
        notifies=True,
        remedy="give another connection of the same environment account, or make a new environment",
        doc="The accepted connection to the account to provision in, instead of a role of this account.",
    )
    provisioning_repository: types.ProvisioningRepository | None = prop(
        replace=True,
        provisioner=Provisioner.REPOSITORY,
        excluded_by=(Provisioner.ENVIRONMENT_ACCOUNT,),
        notifies=True,
        listed=False,
        doc="The linked repository that gets the pull requests (self-managed provisioning).",
    )
    tags: types.Tags | None = TAGS
    account: types.Account | None = ACCOUNT
    adopt: bool | None = ADOPT
    wait_for_deployment: bool = setting(
        default=True, doc="Whether create, update and delete wait until the deployment has ended."
    )
    cancel_on_interrupt: bool | None = setting(
        doc="Whether an interrupted `pulumi up` also cancels the deployment that it waits for. Only the "
        "plugin hears an interrupt; an environment's first deployment cannot be cancelled."
    )
    timeouts: types.Timeouts | None = setting(
        doc='How long to wait, such as {"create": "30m"}; 90 minutes each.'
    )
    max_deployment_type: types.DeploymentType | None = setting(
        doc="The highest deploymentType that an update may have, instead of the stack's "
        "`aws-proton:maxDeploymentType`. A change that needs more fails in the preview, and so does every "
        "replacement, also by `--replace`, unless the environment was deleted before."
    )
    redeploy_triggers: dict[str, Any] | None = setting(
        deploy=Level.CURRENT_VERSION, doc="Any values; a change of them redeploys the environment."
    )

    deployment_type: str | None = computed(
        follows=True,
        listed=False,
        doc="The deploymentType of the last update, and in a preview of the next one: NONE, "
        "CURRENT_VERSION, MINOR_VERSION or MAJOR_VERSION. Absent until the first update.",
    )
    tags_all: types.AllTags = TAGS_ALL
    environment_account_id: str | None = computed(
        follows=True,
        doc="The account of the infrastructure. A connection to another one makes a new environment.",
    )

    arn: str = output(stable=True, doc="The environment's ARN.")
    created_at: str = output(stable=True, doc="When it was created (ISO 8601).")
    deployment_status: str = output(doc="The status of the last deployment.")
    deployment_status_message: str | None = output(
        repeats="spec", doc="AWS's message about the last deployment."
    )
    last_attempted_deployment_id: str | None = output(doc="The ID of the last deployment.")
    last_deployment_attempted_at: str = output(doc="When the last deployment began (ISO 8601).")
    last_succeeded_deployment_id: str | None = output(doc="The ID of the last deployment that succeeded.")
    last_deployment_succeeded_at: str | None = output(
        doc="When the last deployment that succeeded began (ISO 8601)."
    )
    provisioning: str | None = output(doc="CUSTOMER_MANAGED where the template provisions nothing.")
    outputs: types.Outputs = output(
        repeats="spec", listed=False, doc="The outputs of the deployed infrastructure, by name."
    )

    @classmethod
    def check(cls, olds: State, news: State, context: CheckContext) -> Checked:
        """Computes the deploymentType that an update will have, and reports what is wrong.

        Besides the types: ways of provisioning that exclude each other, a template that does not exist, the
        spec against its schema, a connection that cannot be used, a name that is taken, and a deploymentType
        beyond the allowed one. A deployment that failed is repeated.
        """
        checked = super().check(olds, news, context)
        checked.failures += exclusive_failures(cls, checked.inputs)
        if not checked.failures:
            check_change(cls, olds, checked, context)
        return checked

    @classmethod
    def diff(cls, state: State, inputs: State) -> Diff:
        """A replacement under the same name has to delete first, since the name is the id."""
        plan = plan_update(cls, state, inputs, redeploy=repeats_deployment(state, inputs))
        same_name = state.get("name") == inputs.get("name")
        return Diff(plan.level is not None, plan.replaces, delete_before_replace=same_name)

    @classmethod
    def create(cls, inputs: State, operation: Operation) -> Created:
        """Creates the environment and waits for it.

        Any process may die between AWS's answer and Pulumi's write, and Pulumi keeps nothing of a failed
        create: so an environment that a create of the same owner left is adopted, whatever its status is.
        """
        operation.proton.allow_writing()
        name, incarnation = inputs["name"], uuid.uuid4().hex

        def keep(live: State) -> None:
            known = state_after(cls, inputs, from_record(cls, live)) | incarnation_fact(incarnation)
            operation.keep(name, known)

        live, warning = create_or_adopt(cls, inputs, incarnation, operation, keep)
        found = with_outputs(cls, live, {}, operation.proton)
        end_create(found["arn"], operation.proton)
        state = state_after(cls, inputs, found) | incarnation_fact(incarnation)
        return Created(name, state, (warning,) if warning else ())

    @classmethod
    def read(cls, identifier: str, state: State, operation: Operation) -> State | None:
        """The environment as it is: every declared input as AWS has it, so that any drift shows.

        One that the listing shows unchanged is not asked for itself.
        """
        proton = operation.proton
        known = refreshed(cls, identifier, state, operation)
        if known is not None:
            return known
        try:
            live = get_environment(identifier, proton)
        except NotFound:
            require_gone(state.get("arn"), proton)
            return None
        found = without_deleted_connection(cls, with_outputs(cls, live, state, proton), operation)
        return without_record(cls, state) | found | observed(read_tags(live["arn"], proton), state)

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, operation: Operation) -> State:
        """Updates the environment with the deploymentType that the preview showed, and waits for it."""
        return update_environment(cls, identifier, state, inputs, operation)

    @classmethod
    def existing(cls, query: State, proton: Proton) -> Iterator[tuple[str, str]]:  # noqa: ARG003
        """All environments, as ListEnvironments has them."""
        for item in list_environments(proton):
            yield item["name"], item["name"]

    @classmethod
    def preview_update(cls, state: State, inputs: State) -> State:
        """Without a deployment no output changes."""
        if inputs.get("deploymentType") != Level.NONE.name:
            return super().preview_update(state, inputs)
        return inputs | {
            item.wire: state[item.wire] for item in cls.of_kind(Kind.OUTPUT) if item.wire in state
        }

    @classmethod
    def delete(cls, identifier: str, state: State, operation: Operation) -> tuple[str, ...]:
        """Deletes the environment with its infrastructure and waits until it does not exist any more.

        One that a later create or another resource has adopted is not deleted.
        """
        proton = operation.proton
        proton.allow_writing()
        try:
            live = await_settled(identifier, state, operation)
            require_same(state.get("arn"), live["arn"])
            kept = reason_to_keep(f"environment {identifier}", read_tags(live["arn"], proton), state)
            if kept:
                return (kept,)
            proton.call("delete_environment", name=identifier)
        except NotFound:
            require_gone(state.get("arn"), proton)
            return ()
        if state.get("waitForDeployment", True):
            await_removal(identifier, state, operation)
        return ()
