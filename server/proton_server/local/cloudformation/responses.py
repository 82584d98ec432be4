"""CloudFormation's requests that moto's wire lacks or answers wrongly. Everything else is moto's.

`url_bases` and `url_paths` are how moto finds the handlers of a backend.
"""

from __future__ import annotations

import re
from typing import Any, cast

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.urls import url_bases
from moto.core.responses import ActionResult, EmptyResult

from proton_server.local.cloudformation.backend import LocalCloudFormation
from proton_server.local.cloudformation.stack_store import sound_template
from proton_server.local.cloudformation.template_url import read_template_url

_MAX_BODY = 51_200  # bytes; a template that is longer comes by its URL
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
            parameters={
                p["ParameterKey"]: p.get("ParameterValue", "") for p in self._get_param("Parameters", [])
            },
            notification_arns=self._get_param("NotificationARNs", []),
            tags={tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])},
            role_arn=self._get_param("RoleARN"),
            enable_termination_protection=self._get_bool_param("EnableTerminationProtection", if_none=False),
            timeout_in_mins=self._get_param("TimeoutInMinutes"),
            stack_policy_body=self._get_param("StackPolicyBody"),
            client_request_token=self._get_param("ClientRequestToken"),
        )
        return ActionResult({"StackId": stack.stack_id})

    def update_stack(self) -> ActionResult:
        """As moto's, with CloudFormation's own checks left to the backend."""
        name = self._get_param("StackName")
        previous = self._get_bool_param("UsePreviousTemplate", if_none=False)
        stack = self._backend.update_stack(
            name=name,
            template=self._backend.get_stack(name).template if previous else self._template_body(),
            role_arn=self._get_param("RoleARN"),
            parameters=self._get_param("Parameters", []),
            # Over the wire, no tags and an empty list of tags are the same: both leave the tags alone.
            tags={tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])} or None,
            client_request_token=self._get_param("ClientRequestToken"),
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
        """As moto's, with the template's text checked."""
        if not self._get_bool_param("UsePreviousTemplate", if_none=False):
            self._template_body()
        return super().create_change_set()

    def _validate_different_update(self, *_: Any) -> None:
        """Left to the backend: a change set without changes is recorded as such, it is no error."""

    def validate_template(self) -> ActionResult:
        """Moto runs cfn-lint, which takes a second and refuses one of AWS's own samples."""
        template = sound_template(self._template_body())
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
        """Moto knows `localhost` and `amazonaws.com`, not our own address; change sets come this way."""
        return read_template_url(template_url, self.current_account, self.partition)

    def _template_body(self) -> str:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
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


url_paths = {"{0}/$": LocalCloudFormationResponse.dispatch}

__all__ = ["LocalCloudFormationResponse", "url_bases", "url_paths"]
