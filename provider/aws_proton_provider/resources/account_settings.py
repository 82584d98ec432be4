"""https://docs.aws.amazon.com/proton/latest/APIReference/API_UpdateAccountSettings.html.

The settings of service pipelines, one set per account and region: it is never made nor deleted. A resource
manages those it names and no others. Its id is `account/region`, since the settings have no ARN that says
whose they are.
"""

from __future__ import annotations

from aws_proton_provider.aws import location
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import state as _record
from aws_proton_provider.core import types
from aws_proton_provider.core.declaration import ACCOUNT, Kind, prop
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.lifecycle import Change, Created, CustomResource, changes


class AccountSettings(CustomResource):
    """The settings of service pipelines in an account and region.

    Only what the program names is managed, compared and reset: stacks that manage different settings do not
    disturb each other. Two that manage the same one each see the other's value as drift.
    """

    identified_by = "`account/region`"

    pipeline_service_role_arn: types.RoleArn | None = prop(
        doc="The role with which pipelines are provisioned (AWS-managed provisioning)."
    )
    pipeline_codebuild_role_arn: types.RoleArn | None = prop(
        doc="The role of the builds that provision pipelines (CodeBuild provisioning)."
    )
    pipeline_provisioning_repository: types.ProvisioningRepository | None = prop(
        doc="The linked repository that gets the pull requests for pipelines (self-managed provisioning)."
    )
    account: types.Account | None = ACCOUNT

    @classmethod
    def create(cls, inputs: State, proton: Proton) -> Created:
        """Sets what the program names."""
        proton.allow_writing()
        _send(request(changes(cls, {}, inputs), inputs), proton)
        return Created(location.here(proton), inputs)

    @classmethod
    def read(cls, identifier: str, state: State, proton: Proton) -> State | None:
        """Of the settings those that are managed; all of them where nothing is known yet (`.get`)."""
        location.same(identifier, location.here(proton))
        live = _live(proton)
        own = {item.wire for item in cls.of_kind(Kind.INPUT)} & (state.keys() or live.keys())
        return _record.kept(cls, state) | {wire: value for wire, value in live.items() if wire in own}

    @classmethod
    def update(cls, identifier: str, state: State, inputs: State, proton: Proton) -> State:
        """Sets what changed and resets what the program names no longer."""
        proton.allow_writing()
        location.same(identifier, location.here(proton))
        _send(request(changes(cls, state, inputs), inputs), proton)
        return inputs

    @classmethod
    def delete(cls, identifier: str, state: State, proton: Proton) -> tuple[str, ...]:
        """Resets what was managed."""
        proton.allow_writing()
        location.same(identifier, location.here(proton))
        _send(request(changes(cls, state, {}), {}), proton)
        return ()


def request(found: list[Change], inputs: State) -> State:
    """What UpdateAccountSettings is sent for these changes, empty for nothing.

    "To remove a previously configured ARN, specify an empty string"; a repository is removed by
    `deletePipelineProvisioningRepository`, which may not stand beside a repository.
    """
    sent: State = {}
    for declared, removed in ((item.declared, item.removed) for item in found):
        if declared.kind is Kind.INPUT and removed and declared.model:
            sent["deletePipelineProvisioningRepository"] = True
        elif declared.kind is Kind.INPUT:
            sent[declared.wire] = "" if removed else inputs[declared.wire]
    return sent


def _send(members: State, proton: Proton) -> None:
    if members:
        proton.call("update_account_settings", **members)


def _live(proton: Proton) -> State:
    answer = proton.call("get_account_settings").get("accountSettings", {})
    return {wire: value for wire, value in _record.properties(AccountSettings, answer).items() if value != ""}
