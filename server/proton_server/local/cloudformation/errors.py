"""What can go wrong with a stack. The text of each is the sentence a user reads.

StackError
├── TemplateError      the template or its parameters are invalid        refused at the call
├── ResourceError      a service refuses a resource                      the stack rolls back
└── DeploymentFailed   a stack's creation, update or deletion stopped
    └── Cancelled      an update stopped because somebody cancelled it
"""

from __future__ import annotations


class StackError(Exception):
    """The common base; never raised itself."""


class TemplateError(StackError):
    """A template that cannot be deployed, in CloudFormation's words."""


class ResourceError(StackError):
    """A resource that could not be created, updated or deleted, in its service's words."""


class DeploymentFailed(StackError):
    """A deployment stopped at a resource, or at an output when there are no `logical_ids`.

    Attributes:
        verb: what failed: ``create``, ``update`` or ``delete``.
        logical_ids: the resources it failed for.

    """

    def __init__(self, reason: str, verb: str = "create", logical_ids: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.verb = verb
        self.logical_ids = logical_ids

    def summary(self) -> str:
        """The stack's status reason, as CloudFormation words it."""
        if not self.logical_ids:
            return str(self)
        return f"The following resource(s) failed to {self.verb}: [{', '.join(self.logical_ids)}]."


class Cancelled(DeploymentFailed):
    """An update that was cancelled."""

    def __init__(self) -> None:
        super().__init__("User Initiated", "update")
