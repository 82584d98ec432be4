"""AWS-managed provisioning: one CloudFormation stack for an environment, made with its Proton service role.

The stack's name follows from the environment alone and the client token of a call is the deployment's id, so
every verb can be called again after a crash: what CloudFormation has accepted is recognised and not repeated.
The stack of an environment that was adopted has a random name of AWS Proton's: its id is stored.
https://docs.aws.amazon.com/proton/latest/userguide/ag-works-prov-methods.html
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from proton_server.provisioning import Progress, State
from proton_server.provisioning.aws_errors import errors_as_progress, temporary_error
from proton_server.provisioning.cloudformation.environment_stacks import find_stack, is_replaced, stack_name
from proton_server.provisioning.cloudformation.events import Operation, newest_events, reasons
from proton_server.provisioning.cloudformation.progress import brief_text, progress_text
from proton_server.provisioning.cloudformation.recovery import (
    LEFT_ALONE,
    delete,
    deletion_failure,
    failure_of_rollback,
    prepare_update,
    what_is_awaited,
)
from proton_server.provisioning.cloudformation.resumption import refusal_to_resume, refusal_to_resume_removal
from proton_server.provisioning.cloudformation.stacks import outputs_of, provisioned_resource
from proton_server.provisioning.cloudformation.status import IN_PROGRESS, NOT_DELETABLE, STATE_OF
from proton_server.provisioning.cloudformation.template_buckets import TemplateBuckets
from proton_server.provisioning.cloudformation.templates import template_of_work
from proton_server.provisioning.tags import stack_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_server.provisioning import Work
    from proton_server.provisioning.aws import Aws
    from proton_server.provisioning.cloudformation.watch import StackWatch

_log = logging.getLogger(__name__)

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]

_VANISHED = (
    "The environment's CloudFormation stack no longer exists. If this is a local server: the local AWS keeps "
    "its resources in memory, so a restart of `proton-server local` loses them; update or create again."
)
_CREATED_ANEW = (
    "The environment's CloudFormation stack had been deleted: it was created anew, and what the former "
    "resources contained is not in the new ones."
)
_NOTHING_TO_DO = "No updates are to be performed."


def _role_denied(work: Work, reason: str) -> str:
    account = work.environment.get("environmentAccountId")
    way_out = (
        f"give its environment account connection another one, with UpdateEnvironmentAccountConnection in "
        f"account {account}"
        if account
        else "give UpdateEnvironment another protonServiceRoleArn (deploymentType NONE deploys nothing)"
    )
    return (
        f"The Proton service role {work.role} could not be assumed: {reason.rstrip('.')}. Let this server "
        f"assume it, or {way_out}; then repeat what was asked for."
    )


_errors_as_progress = errors_as_progress(_role_denied)


class CloudFormation:
    """The verbs of `Provisioner`, with a stack behind them."""

    def __init__(
        self, aws: Aws, watch: StackWatch | None = None, buckets: TemplateBuckets | None = None
    ) -> None:
        self._aws, self._watch = aws, watch
        self._buckets = buckets or TemplateBuckets(aws)

    @_errors_as_progress
    def start(self, work: Work) -> Progress:
        """Creates or updates the stack, once it has been led out of a status that forbids it."""
        client = self._client(work)
        stack = find_stack(work, client) if work.exists else None
        if stack is not None and newest_events(client, stack).token == work.deployment_id:
            return self.observe(work)
        if stack is not None and stack["StackStatus"] in IN_PROGRESS:
            return self._wait_for(work, client, stack)
        template = template_of_work(work)
        self._buckets.check_size(template, work.region)
        if stack is not None and (first := prepare_update(work, client, stack)) is not None:
            return first
        tags = stack_tags(work, stack, template)
        work.will_provision()
        try:
            with self._buckets.arguments(work, template) as template_arguments:
                begun = (client.update_stack if stack else client.create_stack)(
                    StackName=stack["StackId"] if stack else stack_name(work),
                    **template_arguments,
                    Capabilities=_CAPABILITIES,
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                    ClientRequestToken=work.deployment_id,
                )
        except ClientError as error:
            if temporary_error(error):
                raise
            if error.operation_name == "AssumeRole" and not work.exists:
                return Progress(State.REFUSED, _role_denied(work, error.response["Error"]["Message"]))
            return self._after_refusal(work, client, error, is_creation=stack is None)
        return self._begun(work, begun["StackId"], "UPDATE_IN_PROGRESS" if stack else "CREATE_IN_PROGRESS")

    def observe(self, work: Work) -> Progress:
        """The state of the stack; with success its outputs, with failure CloudFormation's reasons."""
        return self._in_turn(work, self._observe(work))

    @_errors_as_progress
    def _observe(self, work: Work) -> Progress:
        client = self._client(work)
        stack = self._look(work, client)
        if stack is None or is_replaced(work, stack):
            return Progress(State.FAILED, _VANISHED)
        state = STATE_OF[stack["StackStatus"]]
        if state is State.RUNNING:
            return self._running(work, client, stack)
        if state is State.SUCCEEDED:
            return _succeeded(work, stack)
        message = reasons(client, stack)
        if stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
            message = failure_of_rollback(client, stack, message)
        return Progress(state, message)

    @_errors_as_progress
    def cancel(self, work: Work) -> Progress:
        """Cancels the stack's update. If it cannot be cancelled (any more), what is observed holds."""
        client = self._client(work)
        stack = find_stack(work, client)
        if stack is None:
            return Progress(State.FAILED, _VANISHED)
        try:
            client.cancel_update_stack(StackName=stack["StackId"])
        except ClientError as error:
            if temporary_error(error):
                raise
            _log.info("deployment %s can no longer be cancelled", work.deployment_id)
        return self.observe(work)

    @_errors_as_progress
    def resume(self, work: Work) -> Progress:
        """Goes on, unless the stack shows that another change came after the deployment."""
        client = self._client(work)
        stack = find_stack(work, client)
        return refusal_to_resume(client, stack, stack_name(work), work) or self.start(work)

    @_errors_as_progress
    def remove(self, work: Work) -> Progress:
        """Deletes the stack."""
        client = self._client(work)
        stack = find_stack(work, client)
        if stack is None:
            return Progress(State.SUCCEEDED)
        if is_replaced(work, stack):
            return Progress(State.SUCCEEDED, LEFT_ALONE.format(name=stack["StackName"]))
        if stack["StackStatus"] in NOT_DELETABLE:
            return self._wait_for(work, client, stack)
        delete(client, stack, work.deployment_id)
        return self._begun(work, stack["StackId"], "DELETE_IN_PROGRESS")

    def observe_removal(self, work: Work) -> Progress:
        """Whether the stack is deleted."""
        return self._in_turn(work, self._observe_removal(work))

    @_errors_as_progress
    def _observe_removal(self, work: Work) -> Progress:
        client = self._client(work)
        stack = self._look(work, client)
        if stack is None:
            return Progress(State.SUCCEEDED)
        if stack["StackStatus"] == "DELETE_FAILED":
            return Progress(State.FAILED, deletion_failure(client, stack))
        if stack["StackStatus"] == "DELETE_IN_PROGRESS":
            return self._running(work, client, stack)
        return self.remove(work)

    @_errors_as_progress
    def resume_removal(self, work: Work) -> Progress:
        """Goes on, unless the stack shows that another change came after the deletion was asked for."""
        client = self._client(work)
        return refusal_to_resume_removal(client, find_stack(work, client), work) or self.remove(work)

    def _look(self, work: Work, client: Any) -> dict[str, Any] | None:
        """The stack, watched from now on if it is in progress, and no longer if it is not."""
        seen = self._watch.seen(work) if self._watch is not None else None
        if seen is None or (seen.stack is None and work.adopted):
            # After an adopted stack there may be one with the environment's own name.
            stack = find_stack(work, client)
        else:
            stack = seen.stack
        if stack is not None and stack["StackStatus"] in IN_PROGRESS:
            self._follow(work, stack)
        elif self._watch is not None:
            self._watch.remove(work)
        return stack

    def _begun(self, work: Work, stack_id: str, status: str) -> Progress:
        """That CloudFormation has accepted an operation of the deployment's own."""
        if self._watch is None:
            return Progress(State.RUNNING)
        self._watch.remove(work)  # what was seen of an earlier operation
        self._watch.add(work, stack_id, status)
        return Progress(State.WATCHED, brief_text({"StackStatus": status}))

    def _in_turn(self, work: Work, progress: Progress) -> Progress:
        """Leaves it to the watch, if there is one, when to look again at what cannot be seen now."""
        is_watched = self._watch is not None and self._watch.watches(work)
        if progress.state is State.OUT_OF_REACH and is_watched:
            return replace(progress, state=State.OUT_OF_SIGHT)
        return progress

    def _follow(self, work: Work, stack: Mapping[str, Any]) -> None:
        if self._watch is not None:
            self._watch.add(work, stack["StackId"], stack["StackStatus"])

    def _wait_for(self, work: Work, client: Any, stack: Mapping[str, Any]) -> Progress:
        """Waits for the operation on the stack that has to end before the deployment's own."""
        self._follow(work, stack)
        state = State.PREPARING if self._watch is None else State.BLOCKED
        message = self._shown(work, lambda: what_is_awaited(newest_events(client, stack), stack))
        return Progress(state, message or what_is_awaited(Operation(None), stack))

    def _after_refusal(self, work: Work, client: Any, error: ClientError, *, is_creation: bool) -> Progress:
        """What it means that CloudFormation refused a creation or an update.

        The same call may have been accepted before, and its response been lost: botocore repeats it then. Or
        somebody was faster.
        """
        reason, stack = error.response["Error"]["Message"], find_stack(work, client)
        if stack is None:
            return Progress(State.REFUSED, reason)
        if newest_events(client, stack).token == work.deployment_id:
            return Progress(State.RUNNING)
        if is_creation:
            return Progress(State.PREPARING)  # events may lag behind the stack
        if _NOTHING_TO_DO in reason:
            return _succeeded(work, stack)
        if stack["StackStatus"] in IN_PROGRESS:
            return self._wait_for(work, client, stack)
        raise error

    def _running(self, work: Work, client: Any, stack: Mapping[str, Any]) -> Progress:
        state = State.RUNNING if self._watch is None else State.WATCHED
        status = stack["StackStatus"]
        message = self._shown(work, lambda: progress_text(newest_events(client, stack), status))
        return Progress(state, message or brief_text(stack))

    def _shown(self, work: Work, look: Callable[[], str]) -> str:
        """What is shown of the stack in progress; empty as long as nobody has looked at its events.

        An error is no reason to fail or to wait: the role may not be allowed to see them.
        """
        try:
            return look() if self._watch is None else self._watch.progress(work, look)
        except (ClientError, BotoCoreError) as error:
            _log.info("deployment %s: its progress is unknown: %s", work.deployment_id, type(error).__name__)
            return ""

    def _client(self, work: Work) -> Any:
        return self._aws.client("cloudformation", work.account_id, work.region, work.role)


def _succeeded(work: Work, stack: Mapping[str, Any]) -> Progress:
    outputs, invalid = outputs_of(stack)
    known = {resource["identifier"] for resource in work.provisioned}
    messages = []
    if known and stack["StackId"] not in known:
        messages.append(_CREATED_ANEW)
    if invalid:
        messages.append(f"Outputs not of 1 to 1,024 characters are left out: {', '.join(invalid)}.")
    resource = provisioned_resource(stack["StackName"], stack["StackId"])
    return Progress(State.SUCCEEDED, " ".join(messages), outputs, [resource])
