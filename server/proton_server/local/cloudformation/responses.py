"""CloudFormation's requests that moto's wire lacks or answers wrongly. Everything else is moto's.

`url_bases` and `url_paths` are how moto finds the handlers of a backend.
"""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from typing import Any, cast

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.urls import url_bases
from moto.core.responses import ActionResult, EmptyResult

from proton_server.local.cloudformation.backend import LocalCloudFormation
from proton_server.local.cloudformation.change_sets import ChangeSet
from proton_server.local.cloudformation.stack_store import ChangeSetNotFound, valid_template
from proton_server.local.cloudformation.template_url import read_template_url

_MAX_BODY = 51_200  # bytes; a template that is longer comes by its URL
# A carriage return in XML is read as a line feed, unless it is written as a reference; moto writes none.
_CARRIAGE_RETURN = f"carriage return {uuid.uuid4().hex}"
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


class LocalCloudFormationResponse(CloudFormationResponse):
    """moto's CloudFormation wire with our corrections."""

    @property
    def _backend(self) -> LocalCloudFormation:
        return cast("LocalCloudFormation", self.cloudformation_backend)

    def create_stack(self) -> ActionResult:
        """As moto's, and with the client's token, and the name checked."""
        name = self._get_param("StackName")
        if not _STACK_NAME.fullmatch(name or ""):
            raise ValidationError(
                message=f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )
        stack = self._backend.create_stack(
            name=name,
            template=self._template_body(),
            parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in self._parameters()},
            notification_arns=self._get_param("NotificationARNs", []),
            tags=self._tags(),
            role_arn=self._get_param("RoleARN"),
            enable_termination_protection=self._get_bool_param("EnableTerminationProtection", if_none=False),
            timeout_in_mins=self._get_param("TimeoutInMinutes"),
            stack_policy_body=self._get_param("StackPolicyBody"),
            client_request_token=self._get_param("ClientRequestToken"),
            disable_rollback=self._get_bool_param("DisableRollback", if_none=False),
        )
        return ActionResult({"StackId": stack.stack_id})

    def update_stack(self) -> ActionResult:
        """As moto's, with CloudFormation's own checks left to the backend."""
        name = self._get_param("StackName")
        stack = self._backend.update_stack(
            name=name,
            template=self._template_body(previous_of=name),
            role_arn=self._get_param("RoleARN"),
            parameters=self._parameters(),
            # Over the wire, no tags and an empty list of tags are the same: both leave the tags alone.
            tags=self._tags() or None,
            client_request_token=self._get_param("ClientRequestToken"),
            disable_rollback=self._get_bool_param("DisableRollback", if_none=False),
        )
        return ActionResult({"StackId": stack.stack_id})

    def continue_update_rollback(self) -> ActionResult:
        """Missing in moto."""
        self._backend.continue_update_rollback(
            self._get_param("StackName"),
            self._get_param("ResourcesToSkip", []),
            self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def rollback_stack(self) -> ActionResult:
        """Missing in moto."""
        stack = self._backend.rollback_stack(
            self._get_param("StackName"), self._get_param("ClientRequestToken")
        )
        return ActionResult({"StackId": stack.stack_id})

    def cancel_update_stack(self) -> ActionResult:
        """Missing in moto."""
        self._backend.cancel_update_stack(self._get_param("StackName"), self._get_param("ClientRequestToken"))
        return EmptyResult()

    def delete_stack(self) -> ActionResult:
        """As moto's, and with RetainResources and the client's token."""
        self._backend.delete_stack(
            self._get_param("StackName"),
            self._get_param("RetainResources", []),
            self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def execute_change_set(self) -> ActionResult:
        """As moto's, and with the client's token."""
        self._backend.execute_change_set(
            self._get_param("ChangeSetName"),
            self._get_param("StackName"),
            self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def get_template(self) -> ActionResult:
        """As moto's, and byte for byte what was sent."""
        text = self._backend.get_stack(self._get_param("StackName")).template
        return ActionResult({"TemplateBody": text.replace("\r", _CARRIAGE_RETURN)})

    def serialized(self, action_result: ActionResult) -> Any:
        """As moto's, with carriage returns."""
        status, headers, body = super().serialized(action_result)
        return status, headers, cast("str", body).replace(_CARRIAGE_RETURN, "&#13;")

    def update_termination_protection(self) -> ActionResult:
        """Missing in moto."""
        stack = self._backend.get_stack(self._get_param("StackName"))
        stack.enable_termination_protection = self._get_bool_param(
            "EnableTerminationProtection", if_none=False
        )
        return ActionResult({"StackId": stack.stack_id})

    def describe_stack_resource(self) -> ActionResult:
        """Moto shows the stack's state as the resource's."""
        name, logical_id = self._get_param("StackName"), self._get_param("LogicalResourceId")
        stack, resources = self._backend.list_stack_resources(name)
        for resource in resources:
            if resource.logical_resource_id == logical_id:
                return ActionResult({"StackResourceDetail": resource})
        raise ValidationError(message=f"Resource {logical_id} does not exist for stack {stack.stack_name}")

    def describe_stack_resources(self) -> ActionResult:
        """Moto shows the stack's state as each resource's."""
        wanted = self._get_param("LogicalResourceId")
        _, resources = self._backend.list_stack_resources(self._get_param("StackName"))
        return ActionResult(
            {"StackResources": [r for r in resources if wanted in (None, r.logical_resource_id)]}
        )

    def list_stack_resources(self) -> ActionResult:
        """Moto shows every resource as CREATE_COMPLETE."""
        _, resources = self._backend.list_stack_resources(self._get_param("StackName"))
        return ActionResult({"StackResourceSummaries": resources})

    def create_change_set(self) -> ActionResult:
        """As moto's, with the previous template and values; a change set is an update unless it says so."""
        name, change_set_type = self._get_param("StackName"), self._get_param("ChangeSetType", "UPDATE")
        change_set_id, stack_id = self._backend.create_change_set(
            stack_name=name,
            change_set_name=self._get_param("ChangeSetName"),
            template=self._template_body(previous_of=name),
            parameters=self._parameters(),
            description=self._get_param("Description"),
            change_set_type=change_set_type,
            notification_arns=self._get_param("NotificationARNs", []),
            tags=self._tags(),
            role_arn=self._get_param("RoleARN"),
        )
        return ActionResult({"Id": change_set_id, "StackId": stack_id})

    def describe_change_set(self) -> ActionResult:
        """Moto finds a change set by its name alone, whatever its stack."""
        return ActionResult(self._change_set())

    def delete_change_set(self) -> ActionResult:
        """As moto's, for a change set of the named stack; one that is gone already is no error."""
        with suppress(ChangeSetNotFound):
            del self._backend.change_sets[self._change_set().change_set_id]
        return EmptyResult()

    def list_change_sets(self) -> ActionResult:
        """Moto lists those of all stacks."""
        return ActionResult({"Summaries": self._backend.list_change_sets(self._get_param("StackName"))})

    def validate_template(self) -> ActionResult:
        """Moto runs cfn-lint, which takes a second and refuses one of AWS's own samples."""
        template = valid_template(self._template_body())
        parameters = [
            {
                "ParameterKey": name,
                "DefaultValue": slot.get("Default"),
                "NoEcho": slot.get("NoEcho", False),
                "Description": slot.get("Description"),
            }
            for name, slot in template.parameters.items()
        ]
        result: dict[str, Any] = {"Description": template.description, "Parameters": parameters}
        return ActionResult({**result, "DeclaredTransforms": list(template.transforms)})

    def _get_stack_from_s3_url(self, template_url: str) -> str:
        """Moto knows `localhost` and `amazonaws.com`, not our own address; its stack sets come this way."""
        return read_template_url(template_url, self.current_account, self.partition)

    def _template_body(self, previous_of: str | None = None) -> str:
        """The template's text: given, behind a URL, or, where a stack is named, that stack's own."""
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        if previous_of and self._get_bool_param("UsePreviousTemplate"):
            if body or url:
                raise ValidationError(
                    message="You cannot specify both usePreviousTemplate and Template Body/Template URL."
                )
            return self._backend.existing(previous_of).template
        if bool(body) == bool(url):
            raise ValidationError(message="Either Template URL or Template Body must be specified.")
        if url:
            return self._get_stack_from_s3_url(url)
        if len(body.encode(errors="replace")) > _MAX_BODY:
            raise ValidationError(
                message="1 validation error detected: Value '…' at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {_MAX_BODY}"
            )
        return str(body)

    def _parameters(self) -> list[dict[str, Any]]:
        return self._members("Parameters", "ParameterKey")

    def _tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._members("Tags", "Key", "Value")}

    def _members(self, name: str, *required: str) -> list[dict[str, Any]]:
        """A list of structures. A client that builds its requests itself may leave anything out."""
        members: list[dict[str, Any]] = self._get_param(name, [])
        for number, member in enumerate(members, start=1):
            for key in required:
                if not isinstance(member, dict) or member.get(key) is None:
                    raise ValidationError(
                        message=f"1 validation error detected: Value null at '{_camel(name)}.{number}.member."
                        f"{_camel(key)}' failed to satisfy constraint: Member must not be null"
                    )
        return members

    def _change_set(self) -> ChangeSet:
        return self._backend.change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))


def _camel(name: str) -> str:
    """How the messages of AWS write the name of a member."""
    return name[0].lower() + name[1:]


url_paths = {"{0}/$": LocalCloudFormationResponse.dispatch}

__all__ = ["LocalCloudFormationResponse", "url_bases", "url_paths"]
