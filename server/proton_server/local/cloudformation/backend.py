"""The local CloudFormation, in place of moto's: what each call refuses, and what it starts.

What moto does well is inherited: the wire, stack sets, the list of exports. One lock serialises all changes,
because moto's services are not made for threads; reads take copies. With `deploy_seconds`, a deployment shows
as in progress for that long and its work is done at the end, so that waiting, cancelling and crashing can be
tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.utils import generate_changeset_id, validate_create_change_set
from moto.core.utils import utcnow

from proton_server.local.cloudformation import lifecycle
from proton_server.local.cloudformation.change_sets import ChangeSet, changes
from proton_server.local.cloudformation.nested_stacks import StacksInStacks
from proton_server.local.cloudformation.stack_store import StackStore, valid_template
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import Target, given_parameters

_LOCK = threading.RLock()


class LocalCloudFormation(StackStore):
    """One account's CloudFormation in one region."""

    deploy_seconds = 0.0
    """How long each operation shows as in progress."""
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
            *(enable_termination_protection, timeout_in_mins, stack_policy_body),
        )
        valid = valid_template(template)
        with _LOCK:
            made = self.tokens.stack_of(client_request_token, *call)
            if made is not None and made.stack_id in self.stacks:
                return made
            stack = self.new_stack(name, tags, notification_arns, role_arn)
            stack.enable_termination_protection = bool(enable_termination_protection)
            stack.timeout_in_minutes = timeout_in_mins
            stack.policy = stack_policy_body or ""
            target = self.target(stack, valid, parameters)
            self.stacks[stack.stack_id] = stack
            self.tokens.accept(client_request_token, stack, *call)
            self._create(stack, target)
            return stack

    def update_stack(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - moto's signature
        self,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
        client_request_token: str | None = None,
    ) -> Stack:
        """Begin to update a stack, or answer with the one that the same call with its token has updated.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such stack, it cannot be updated now, the template or the parameters
                are invalid, or nothing would change.

        """
        call = ("UpdateStack", name, template, role_arn, parameters, tags)
        valid = valid_template(template)
        with _LOCK:
            if (updated := self.tokens.stack_of(client_request_token, *call)) is not None:
                return updated
            stack = self.existing(name)
            given = given_parameters(parameters, _updatable(stack).texts())
            target = self.target(stack, valid, given)
            if target.deploys_as(_updatable(stack)) and tags in (None, stack.tags):
                raise ValidationError(message="No updates are to be performed.")
            self.tokens.accept(client_request_token, stack, *call)
            stack.role_arn = role_arn or stack.role_arn
            self._update(stack, target, tags)
            return stack

    def cancel_update_stack(self, name: str, client_request_token: str | None = None) -> None:
        """Cancel an update that is still in progress: the stack stays as it was.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: there is no such stack, or no update to cancel.

        """
        call = ("CancelUpdateStack", name)
        with _LOCK:
            if self.tokens.stack_of(client_request_token, *call) is not None:
                return
            stack = self.existing(name)
            if stack.stack_status != "UPDATE_IN_PROGRESS":
                raise ValidationError(message="CancelUpdateStack cannot be called from current stack status")
            self.tokens.accept(client_request_token, stack, *call)
            stack.drop_pending()
            lifecycle.cancel_update(stack)

    def delete_stack(
        self, name_or_stack_id: str, retain: list[str] | None = None, client_request_token: str | None = None
    ) -> None:
        """Begin to delete a stack; one that is gone already is no error.

        Raises:
            TokenAlreadyExists: the token belongs to another call.
            ValidationError: the stack is protected, or being updated.

        """
        call = ("DeleteStack", name_or_stack_id, retain)
        with _LOCK:
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
            if stack.stack_status == "UPDATE_IN_PROGRESS":
                raise ValidationError(
                    message=f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.stack_status}"
                )
            stack.drop_pending()
            self.tokens.accept(client_request_token, stack, *call)
            self._begin(stack, "DELETE_IN_PROGRESS", lambda: self._delete(stack, frozenset(retain or ())))

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
        with _LOCK:
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
        with _LOCK:
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
                _updatable(stack)
            change_set.execution_status = "EXECUTE_COMPLETE"
            self.tokens.accept(client_request_token, stack, *call)
            if is_new:
                self._create(stack, change_set.target)
            else:
                self._update(stack, change_set.target, change_set.tags)

    def _create(self, stack: Stack, target: Target) -> None:
        stack.target = target
        self._begin(stack, "CREATE_IN_PROGRESS", lambda: lifecycle.create(stack, target, self.exchange))

    def _update(self, stack: Stack, target: Target, tags: dict[str, str] | None) -> None:
        wanted = stack.tags if tags is None else tags
        stack.last_updated_time = utcnow()
        self._begin(
            stack, "UPDATE_IN_PROGRESS", lambda: lifecycle.update(stack, target, self.exchange, wanted)
        )

    def _delete(self, stack: Stack, retain: frozenset[str]) -> None:
        lifecycle.delete(stack, retain, self.exchange)
        self.archive(stack)

    def _begin(self, stack: Stack, status: str, work: Callable[[], None]) -> None:
        stack.enter(status, "User Initiated")
        if self.deploy_seconds <= 0:
            work()
            return

        def due() -> None:
            with _LOCK:
                if stack.pending is timer:
                    stack.pending = None
                    work()

        stack.pending = timer = threading.Timer(self.deploy_seconds, due)
        timer.daemon = True
        timer.start()


def _updatable(stack: Stack) -> Target:
    """What a stack is deployed from, unless its state forbids to update it."""
    if stack.current is None or not stack.stack_status.endswith("_COMPLETE"):
        raise ValidationError(
            message=f"Stack:{stack.stack_id} is in {stack.stack_status} state and can not be updated."
        )
    return stack.current
