"""What leads a stack out of every status in which CloudFormation accepts no update of it, or no deletion.

Each measure is begun with a client token of its own that follows from the deployment, so that one that was
begun before is recognised, and not repeated when it has failed. Nothing is skipped or retained that the user
did not name: a message says which resources are in the way, and the commands that leave them behind.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from proton_server.provisioning import Progress, State
from proton_server.provisioning.aws_errors import temporary_error
from proton_server.provisioning.cloudformation.environment_stacks import is_replaced
from proton_server.provisioning.cloudformation.events import Operation, last_operations, named, newest_events
from proton_server.provisioning.cloudformation.progress import progress_text
from proton_server.provisioning.cloudformation.status import BEFORE_AN_UPDATE, Before
from proton_server.provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_server.provisioning import Work

    Measure = Callable[[Work, Any, Mapping[str, Any]], Progress | None]

_PROTECTED = (
    "The stack {name} has termination protection, which somebody enabled on it. To delete it, run `aws "
    "cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name}`, "
    "and then repeat what was asked for."
)
_NEEDS_HELP = (
    "The stack {name} is IMPORT_ROLLBACK_FAILED: somebody's import of resources failed, and CloudFormation "
    "accepts only a deletion now. Repair it with CloudFormation, or delete the environment, which deletes "
    "the stack with all that is in it."
)
_REPLACED = (
    "The stack {name} is not the environment's: the environment's own was deleted, and somebody created this "
    "one with its name. Delete it, or delete the environment, which leaves this stack alone."
)
LEFT_ALONE = (
    "The stack {name} was left alone: somebody created it in place of the environment's own, which is gone."
)


def prepare_update(work: Work, client: Any, stack: Mapping[str, Any]) -> Progress | None:
    """Begins what has to be done before a stack that is not in progress can be updated; None if it can be.

    After PREPARING it is called again. Raises ProvisioningError.
    """
    if is_replaced(work, stack):
        return Progress(State.FAILED, _REPLACED.format(name=stack["StackName"]))
    return _MEASURES[BEFORE_AN_UPDATE[stack["StackStatus"]]](work, client, stack)


def delete(client: Any, stack: Mapping[str, Any], token: str) -> None:
    """Begins the deletion of a stack. Raises ProvisioningError if it is protected."""
    try:
        client.delete_stack(StackName=stack["StackId"], ClientRequestToken=token)
    except ClientError as error:
        if "TerminationProtection" in error.response["Error"]["Message"]:
            raise ProvisioningError(_PROTECTED.format(name=stack["StackName"])) from None
        if temporary_error(error) or newest_events(client, stack).token != token:
            raise


def deletion_failure(client: Any, stack: Mapping[str, Any]) -> str:
    """Why a stack could not be deleted, and what to do: more if it failed at the same resources before."""
    operations = last_operations(client, stack)
    failures = next(operations, Operation(None)).failures()
    if not failures:
        return str(stack.get("StackStatusReason") or "The stack is DELETE_FAILED.")
    before = next(operations, Operation(None))
    again = before.failures().keys() == failures.keys() and _was_deletion(before)
    command = f"`aws cloudformation delete-stack --stack-name {stack['StackName']} --retain-resources"
    return (
        f"CloudFormation could not delete {named(failures)} "
        + ("It is the same as at the deletion before. " if again else "")
        + "Remove what is in the way, and delete the environment again; or, to leave "
        f"{_them(failures)} behind, run {command} {' '.join(failures)}` first."
    )


def failure_of_rollback(client: Any, stack: Mapping[str, Any], of_update: str) -> str:
    """The message of an update that failed, for the given reasons, and could not be rolled back either."""
    operation = next(last_operations(client, stack), Operation(None))
    failures = Operation(None, operation.since_rollback).failures()
    return (
        f"{of_update} It could not be rolled back either: {_at(failures, stack)} {_remedy(failures, stack)}"
    )


def what_is_awaited(operation: Operation, stack: Mapping[str, Any]) -> str:
    """That the operation in progress on the stack has to end first: whose, since when, and where it is."""
    since = f" since {operation.began_at:%H:%M:%S} UTC" if operation.began_at else ""
    token = f", begun with the client token {operation.token}" if operation.token else ""
    return (
        f"Waiting for the environment's CloudFormation stack, which is {stack['StackStatus']}{since}{token}. "
        f"{progress_text(operation, stack['StackStatus'])}"
    )


def _delete_first(work: Work, client: Any, stack: Mapping[str, Any]) -> Progress:
    token = f"{work.deployment_id}-delete"
    last = newest_events(client, stack)
    if last.token != token:
        delete(client, stack, token)
    elif last.has_ended:
        message = "What is left of the environment's stack has to be deleted before it is created anew. "
        return Progress(State.FAILED, message + deletion_failure(client, stack))
    return Progress(
        State.PREPARING,
        f"The environment's CloudFormation stack is {stack['StackStatus']}: it is deleted, and then created "
        "anew.",
    )


def _continue_rollback(work: Work, client: Any, stack: Mapping[str, Any]) -> Progress:
    return _roll_back_first(work, client, stack, client.continue_update_rollback)


def _roll_back(work: Work, client: Any, stack: Mapping[str, Any]) -> Progress:
    return _roll_back_first(work, client, stack, client.rollback_stack)


def _roll_back_first(
    work: Work, client: Any, stack: Mapping[str, Any], call: Callable[..., object]
) -> Progress:
    token = f"{work.deployment_id}-rollback"
    last = newest_events(client, stack)
    if last.token == token and last.has_ended:
        failures = next(last_operations(client, stack), Operation(None)).failures()
        message = "An earlier update has to be rolled back first, and could not be: "
        return Progress(State.FAILED, f"{message}{_at(failures, stack)} {_remedy(failures, stack)}")
    if last.token != token:
        call(StackName=stack["StackId"], ClientRequestToken=token)
    return Progress(
        State.PREPARING,
        f"The environment's CloudFormation stack is {stack['StackStatus']}: an earlier update is rolled "
        "back, and then this one begins.",
    )


def _help(_work: Work, _client: Any, stack: Mapping[str, Any]) -> Progress:
    return Progress(State.FAILED, _NEEDS_HELP.format(name=stack["StackName"]))


def _remedy(failures: Mapping[str, str], stack: Mapping[str, Any]) -> str:
    text = "Correct that, and update the environment again: the rollback is then continued first."
    if not failures:
        return text
    command = f"`aws cloudformation continue-update-rollback --stack-name {stack['StackName']}"
    skip = f"{command} --resources-to-skip {' '.join(failures)}`"
    return f"{text} Or, to leave {_them(failures)} as it is, run {skip} before."


def _at(failures: Mapping[str, str], stack: Mapping[str, Any]) -> str:
    return named(failures) if failures else str(stack.get("StackStatusReason") or "no reason is given.")


def _them(failures: Mapping[str, str]) -> str:
    return "it" if len(failures) == 1 else "them"


def _was_deletion(operation: Operation) -> bool:
    first = operation.events[-1] if operation.events else {}
    return first.get("ResourceStatus") == "DELETE_IN_PROGRESS"


_MEASURES: Mapping[Before, Measure] = {
    Before.NOTHING: lambda _work, _client, _stack: None,
    Before.DELETE: _delete_first,
    Before.CONTINUE_ROLLBACK: _continue_rollback,
    Before.ROLL_BACK: _roll_back,
    Before.HELP: _help,
}
