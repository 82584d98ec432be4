"""What the status of a CloudFormation stack says of the deployment that began last, and of the next one.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from enum import Enum

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
    "REVIEW_IN_PROGRESS": State.FAILED,  # only somebody's change set is there
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


class Before(Enum):
    """What has to be done before CloudFormation accepts an update of a stack."""

    NOTHING = "it can be updated"
    WAIT = "somebody's operation has to end"
    DELETE = "it can only be deleted: then it is created anew"
    CONTINUE_ROLLBACK = "the rollback that failed has to be continued"
    ROLL_BACK = "an update that failed and was left as it was has to be rolled back"
    HELP = "a person has to look at it in CloudFormation"


BEFORE_AN_UPDATE = {
    "CREATE_COMPLETE": Before.NOTHING,
    "UPDATE_COMPLETE": Before.NOTHING,
    "UPDATE_ROLLBACK_COMPLETE": Before.NOTHING,
    "IMPORT_COMPLETE": Before.NOTHING,
    "IMPORT_ROLLBACK_COMPLETE": Before.NOTHING,
    "CREATE_FAILED": Before.DELETE,
    "ROLLBACK_COMPLETE": Before.DELETE,
    "ROLLBACK_FAILED": Before.DELETE,
    "DELETE_FAILED": Before.DELETE,
    "REVIEW_IN_PROGRESS": Before.DELETE,
    "UPDATE_ROLLBACK_FAILED": Before.CONTINUE_ROLLBACK,
    "UPDATE_FAILED": Before.ROLL_BACK,
    "IMPORT_ROLLBACK_FAILED": Before.HELP,
    **dict.fromkeys(IN_PROGRESS, Before.WAIT),
}
"""Status of a stack → what comes before an update of it. Decision 0020 has the reasons."""

NOT_DELETABLE = frozenset(status for status in IN_PROGRESS if status.startswith(("UPDATE_", "IMPORT_")))
"""CloudFormation refuses to delete a stack in one of these; one that is being created it deletes."""
