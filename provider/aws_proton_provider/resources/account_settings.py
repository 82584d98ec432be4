"""https://docs.aws.amazon.com/proton/latest/APIReference/API_UpdateAccountSettings.html.

The settings of service pipelines, one set per account and Region, which is never created nor deleted. A
resource manages those it names and no others. Its id is `account/region`, since the settings have no ARN.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.location import current_location, require_same
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core import types
from aws_proton_provider.core.changes import Change, changes
from aws_proton_provider.core.declaration import ACCOUNT, Kind, prop
from aws_proton_provider.core.errors import NotFound
from aws_proton_provider.core.records import from_record, to_request, without_record
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.lifecycle import Created, CustomResource


class AccountSettings(CustomResource):
    """The settings of service pipelines in an account and Region.

    Only what the program names is managed, compared and reset: stacks that manage different settings do not
    disturb each other. Two that manage the same one each see the other's value as drift.
    """

    identified_by = "`account/region`"

    pipeline_service_role_arn: types.RoleArn | None = prop(
        cleared="", doc="The role with which pipelines are provisioned (AWS-managed provisioning)."
    )
    pipeline_codebuild_role_arn: types.RoleArn | None = prop(
        cleared="", doc="The role of the builds that provision pipelines (CodeBuild provisioning)."
    )
    pipeline_provisioning_repository: types.ProvisioningRepository | None = prop(
        cleared_by="deletePipelineProvisioningRepository",
        doc="The linked repository that gets the pull requests for pipelines (self-managed provisioning).",
    )
    account: types.Account | None = ACCOUNT

    @classmethod
    def create(cls, inputs: State, operation: Operation) -> Created:
        """Sets what the program names."""
        operation.proton.allow_writing()
        _send(update_members(changes(cls, {}, inputs), inputs), operation.proton)
        return Created(current_location(operation.proton), inputs)

    @classmethod
    def read(cls, identifier: str, state: State, operation: Operation) -> State | None:
        """Of the settings those that are managed; all of them where nothing is known yet (`.get`)."""
        reached = current_location(operation.proton)
        if not state and identifier != reached:
            raise NotFound(
                f"the id of AccountSettings is {identifier}, but the current credentials and Region reach "
                f"{reached}: correct the id, `account`, or the configuration"
            )
        require_same(identifier, reached)
        live = live_settings(operation.proton)
        own = {item.wire for item in cls.of_kind(Kind.INPUT)} & (state.keys() or live.keys())
        return without_record(cls, state) | {wire: value for wire, value in live.items() if wire in own}

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, operation: Operation) -> State:
        """Sets what changed and resets what the program names no longer."""
        operation.proton.allow_writing()
        require_same(identifier, current_location(operation.proton))
        _send(update_members(changes(cls, state, inputs), inputs), operation.proton)
        return inputs

    @classmethod
    def delete(cls, identifier: str, state: State, operation: Operation) -> tuple[str, ...]:
        """Resets what was managed."""
        operation.proton.allow_writing()
        require_same(identifier, current_location(operation.proton))
        _send(update_members(changes(cls, state, {}), {}), operation.proton)
        return ()

    @classmethod
    def existing(cls, query: State, proton: Proton) -> Iterator[tuple[str, str]]:  # noqa: ARG003
        """The one set of settings of the account and Region."""
        yield current_location(proton), "default"


def update_members(found: Iterable[Change], inputs: State) -> State:
    """What UpdateAccountSettings is sent for these changes, empty for nothing.

    "To remove a previously configured ARN, specify an empty string"; a repository is removed by
    `deletePipelineProvisioningRepository`, which cannot be combined with a repository.
    """
    changed = [item for item in found if item.declared.kind is Kind.INPUT]
    cleared = {item.declared.wire: item.declared.cleared for item in changed if item.removed}
    given = [item.declared for item in changed if not (item.removed and item.declared.cleared_by)]
    flags = {item.declared.cleared_by: True for item in changed if item.removed and item.declared.cleared_by}
    return to_request(given, inputs | cleared) | flags


def _send(members: State, proton: Proton) -> None:
    if members:
        proton.call("update_account_settings", **members)


def live_settings(proton: Proton) -> State:
    """The settings that have a value."""
    record = proton.call("get_account_settings").get("accountSettings", {})
    return {wire: value for wire, value in from_record(AccountSettings, record).items() if value != ""}
