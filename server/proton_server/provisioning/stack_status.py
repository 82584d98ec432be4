"""What the status of a CloudFormation stack says of the deployment that began last.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from proton_server.provisioning import State

STATE_OF = {
    "CREATE_IN_PROGRESS": State.RUNNING,
    "CREATE_COMPLETE": State.SUCCEEDED,
    "CREATE_FAILED": State.FAILED,
    "ROLLBACK_IN_PROGRESS": State.RUNNING,
    "ROLLBACK_COMPLETE": State.FAILED,
    "ROLLBACK_FAILED": State.FAILED,
    "UPDATE_IN_PROGRESS": State.RUNNING,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": State.RUNNING,
    "UPDATE_COMPLETE": State.SUCCEEDED,
    "UPDATE_FAILED": State.FAILED,
    "UPDATE_ROLLBACK_IN_PROGRESS": State.RUNNING,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": State.RUNNING,
    "UPDATE_ROLLBACK_COMPLETE": State.ROLLED_BACK,
    "UPDATE_ROLLBACK_FAILED": State.FAILED,
    "DELETE_IN_PROGRESS": State.RUNNING,
    "DELETE_FAILED": State.FAILED,
    # People can import resources into a stack.
    "IMPORT_IN_PROGRESS": State.RUNNING,
    "IMPORT_COMPLETE": State.SUCCEEDED,
    "IMPORT_ROLLBACK_IN_PROGRESS": State.RUNNING,
    "IMPORT_ROLLBACK_COMPLETE": State.ROLLED_BACK,
    "IMPORT_ROLLBACK_FAILED": State.FAILED,
}
"""Status of a stack → state of the deployment that began last."""

IN_PROGRESS = frozenset(status for status, state in STATE_OF.items() if state is State.RUNNING)
"""Statuses of a stack that will change by themselves."""
