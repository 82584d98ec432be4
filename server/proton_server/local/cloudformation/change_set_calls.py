"""CreateChangeSet and ExecuteChangeSet: what each refuses, and what it starts."""

from __future__ import annotations

from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.utils import generate_changeset_id, validate_create_change_set

from proton_server.local.cloudformation.change_sets import ChangeSet, changes
from proton_server.local.cloudformation.stack_operations import LOCK, StackOperations
from proton_server.local.cloudformation.stack_store import valid_template
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import Target, given_parameters


class ChangeSetCalls(StackOperations):
    """The calls of CloudFormation that are about change sets."""

    def create_change_set(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - moto's signature
        self,
        stack_name: str,
        change_set_name: str,
        template: str,
        parameters: list[dict[str, Any]],
        description: str | None,
        change_set_type: str,
        notification_arns: list[str] | None = None,
        tags: dict[str, str] | None = None,
        role_arn: str | None = None,
    ) -> tuple[str, str]:
        """Record what creating or updating a stack so would do; the ids of the change set and the stack.

        Raises:
            ValidationError: as for the creation or update itself.

        """
        valid = valid_template(template)
        with LOCK:
            validate_create_change_set(change_set_name)
            if change_set_type == "CREATE":
                stack = self._under_review(stack_name, change_set_name, tags, notification_arns, role_arn)
            else:
                stack = self.existing(stack_name)
            previous = stack.current.texts() if stack.current else {}
            target = self.target(stack, valid, given_parameters(parameters, previous))
            self.stacks[stack.stack_id] = stack
            change_set = ChangeSet(
                change_set_id=generate_changeset_id(change_set_name, self.region_name, self.account_id),
                change_set_name=change_set_name,
                change_set_type=change_set_type,
                stack_id=stack.stack_id,
                stack_name=stack.stack_name,
                target=target,
                changes=changes(stack.current, target),
                tags=tags or stack.tags,
                description=description,
                notification_arns=notification_arns or [],
                role_arn=role_arn,
            )
            if stack.current and target.deploys_as(stack.current) and change_set.tags == stack.tags:
                change_set.refuse()
            self.change_sets[change_set.change_set_id] = change_set
            return change_set.change_set_id, stack.stack_id

    def _under_review(self, stack_name: str, change_set_name: str, *of_stack: Any) -> Stack:
        """The stack that a change set is to create: a new one, or one that only change sets know."""
        stack = self.find(stack_name)
        if stack is None:
            stack = self.new_stack(stack_name, *of_stack)
            stack.enter("REVIEW_IN_PROGRESS", "User Initiated")
        elif stack.stack_status != "REVIEW_IN_PROGRESS":
            raise ValidationError(
                message=f"Stack [{stack_name}] already exists and cannot be created again with the "
                f"changeSet [{change_set_name}]."
            )
        return stack

    def execute_change_set(
        self,
        change_set_name: str,
        stack_name: str | None = None,
        client_request_token: str | None = None,
    ) -> None:
        """Begin the creation or update that a change set describes.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such change set, or it cannot be executed.

        """
        call = ("ExecuteChangeSet", change_set_name, stack_name)
        with LOCK:
            if self.tokens.stack_of(client_request_token, *call) is not None:
                return
            change_set = self.change_set(change_set_name, stack_name)
            if change_set.execution_status != "AVAILABLE":
                raise ValidationError(
                    message=f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current "
                    f"status of [{change_set.status}]"
                )
            stack = self.existing(change_set.stack_id)
            is_new = stack.stack_status == "REVIEW_IN_PROGRESS"
            if not is_new:
                updatable(stack)
            change_set.execution_status = "EXECUTE_COMPLETE"
            self.tokens.accept(client_request_token, stack, *call)
            if is_new:
                self.begin_creation(stack, change_set.target)
            else:
                self.begin_update(stack, change_set.target, change_set.tags)


def updatable(stack: Stack, *, disable_rollback: bool = False) -> Target:
    """What a stack is deployed from, unless its state forbids to update it.

    Raises ValidationError.
    """
    if stack.stack_status == "REVIEW_IN_PROGRESS":
        raise ValidationError(message=f"Stack [{stack.stack_name}] does not exist")
    if stack.stack_status in ("CREATE_FAILED", "UPDATE_FAILED") and not disable_rollback:
        raise ValidationError(
            message=f"This stack is currently in a non-terminal [{stack.stack_status}] state. To update the "
            "stack from this state, please use the disable-rollback parameter with update-stack API. To "
            "rollback to the last known good state, use the rollback-stack API"
        )
    if stack.stack_status == "UPDATE_FAILED" and stack.current is not None:
        return stack.current
    if stack.current is None or not stack.stack_status.endswith("_COMPLETE"):
        raise ValidationError(
            message=f"Stack:{stack.stack_id} is in {stack.stack_status} state and can not be updated."
        )
    return stack.current
