"""The local CloudFormation, in place of moto's: what each call refuses, and what it starts.

What moto does well is inherited: the wire, stack sets, the list of exports.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

from moto.cloudformation.exceptions import ValidationError

from proton_server.local.cloudformation.change_set_calls import ChangeSetCalls, updatable
from proton_server.local.cloudformation.errors import Cancelled
from proton_server.local.cloudformation.nested_stacks import StacksInStacks
from proton_server.local.cloudformation.stack_operations import LOCK
from proton_server.local.cloudformation.stack_store import valid_template
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import given_parameters

_NOT_DELETABLE = frozenset(
    {
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    }
)


class LocalCloudFormation(ChangeSetCalls):
    """One account's CloudFormation in one region."""

    wire: ModuleType
    """The handlers of requests. moto would look for them beside this class."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.nested = StacksInStacks(self)

    @property
    def _url_module(self) -> Any:
        return self.wire

    def create_stack(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - moto's signature
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str],
        notification_arns: list[str] | None = None,
        tags: dict[str, str] | None = None,
        role_arn: str | None = None,
        enable_termination_protection: bool | None = None,  # noqa: FBT001
        timeout_in_mins: int | None = None,
        stack_policy_body: str | None = None,
        client_request_token: str | None = None,
        *,
        disable_rollback: bool = False,
    ) -> Stack:
        """Begin to create a stack, or answer with the one that the same call with its token has begun.

        Raises:
            AlreadyExistsException: the name is taken.
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: the template or the parameters are invalid; nothing was created.

        """
        call = (
            "CreateStack",
            *(name, template, parameters, notification_arns, tags, role_arn),
            *(enable_termination_protection, timeout_in_mins, stack_policy_body, disable_rollback),
        )
        valid = valid_template(template)
        with LOCK:
            made = self.tokens.stack_of(client_request_token, *call)
            if made is not None and made.stack_id in self.stacks:
                return made
            stack = self.new_stack(name, tags, notification_arns, role_arn)
            stack.enable_termination_protection = bool(enable_termination_protection)
            stack.timeout_in_minutes = timeout_in_mins
            stack.policy = stack_policy_body or ""
            stack.disable_rollback = disable_rollback
            target = self.target(stack, valid, parameters)
            self.stacks[stack.stack_id] = stack
            self.tokens.accept(client_request_token, stack, *call)
            self.begin_creation(stack, target)
            return stack

    def update_stack(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - moto's signature
        self,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
        client_request_token: str | None = None,
        *,
        disable_rollback: bool = False,
    ) -> Stack:
        """Begin to update a stack, or answer with the one that the same call with its token has updated.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such stack, it cannot be updated now, the template or the parameters
                are invalid, or nothing would change.

        """
        call = ("UpdateStack", name, template, role_arn, parameters, tags, disable_rollback)
        valid = valid_template(template)
        with LOCK:
            if (updated := self.tokens.stack_of(client_request_token, *call)) is not None:
                return updated
            stack = self.existing(name)
            current = updatable(stack, disable_rollback=disable_rollback)
            target = self.target(stack, valid, given_parameters(parameters, current.texts()))
            is_at_rest = stack.stack_status.endswith("_COMPLETE")
            if is_at_rest and target.deploys_as(current) and tags in (None, stack.tags):
                raise ValidationError(message="No updates are to be performed.")
            self.tokens.accept(client_request_token, stack, *call)
            stack.role_arn = role_arn or stack.role_arn
            stack.disable_rollback = disable_rollback
            self.begin_update(stack, target, tags)
            return stack

    def cancel_update_stack(self, name: str, client_request_token: str | None = None) -> None:
        """Cancel an update that is still in progress: what it has done is rolled back.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such stack, or no update to cancel.

        """
        call = ("CancelUpdateStack", name)
        with LOCK:
            if self.tokens.stack_of(client_request_token, *call) is not None:
                return
            stack = self.existing(name)
            if stack.stack_status != "UPDATE_IN_PROGRESS" or stack.pace is None:
                raise ValidationError(message="CancelUpdateStack cannot be called from current stack status")
            self.tokens.accept(client_request_token, stack, *call)
            stack.pace.interrupt(Cancelled())

    def delete_stack(
        self, name_or_stack_id: str, retain: list[str] | None = None, client_request_token: str | None = None
    ) -> None:
        """Begin to delete a stack; one that is gone already is no error.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: the stack is protected, or being updated.

        """
        call = ("DeleteStack", name_or_stack_id, retain)
        with LOCK:
            if self.tokens.stack_of(client_request_token, *call) is not None:
                return
            stack = self.find(name_or_stack_id)
            if stack is None or stack.stack_status == "DELETE_IN_PROGRESS":
                return
            if stack.enable_termination_protection:
                raise ValidationError(
                    message=f"Stack [{stack.stack_name}] cannot be deleted while TerminationProtection "
                    "is enabled"
                )
            if stack.stack_status in _NOT_DELETABLE:
                raise ValidationError(
                    message=f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.stack_status}"
                )
            self.tokens.accept(client_request_token, stack, *call)
            self.begin_deletion(stack, frozenset(retain or ()))

    def continue_update_rollback(
        self, name: str, skip: Collection[str] = (), client_request_token: str | None = None
    ) -> None:
        """Begin to go on with a rollback that failed.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such stack, no rollback of its has failed, or a resource to skip is
                not what it failed at.

        """
        call = ("ContinueUpdateRollback", name, skip)
        with LOCK:
            if self.tokens.stack_of(client_request_token, *call) is not None:
                return
            stack = self.existing(name)
            if stack.stack_status != "UPDATE_ROLLBACK_FAILED":
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in {stack.stack_status} state and can not continue "
                    "rolling back an update."
                )
            for logical_id in skip:
                if logical_id != stack.deployment.stuck_at:
                    raise ValidationError(
                        message=f"Resource [{logical_id}] cannot be skipped: only resources whose rollback "
                        "has failed can be."
                    )
            self.tokens.accept(client_request_token, stack, *call)
            self.begin_rollback(stack, skip)

    def rollback_stack(self, name: str, client_request_token: str | None = None) -> Stack:
        """Begin to roll back an update or a creation that failed and was left as it was.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such stack, or it is in another state.

        """
        call = ("RollbackStack", name)
        with LOCK:
            if (rolled_back := self.tokens.stack_of(client_request_token, *call)) is not None:
                return rolled_back
            stack = self.existing(name)
            if stack.stack_status not in ("CREATE_FAILED", "UPDATE_FAILED"):
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in {stack.stack_status} state and can not be rolled "
                    "back."
                )
            self.tokens.accept(client_request_token, stack, *call)
            self.begin_rollback(stack)
            return stack
