"""What the modules of this package raise for their callers."""

from __future__ import annotations


class ProvisioningError(Exception):
    """An environment cannot be provisioned; the message is a sentence for its owner.

    Raised by the verbs of a `Provisioner` for what fails again when it is repeated.
    """


class ObjectUnreadable(Exception):
    """An object in S3 cannot be read; the message is a sentence for its owner."""


class AwsUnavailable(Exception):
    """AWS cannot be called now; the message is a sentence that says why."""


class StackNotFound(Exception):
    """There is no such CloudFormation stack; the message is a sentence for its owner."""


class StackUnreadable(Exception):
    """A CloudFormation stack cannot be read; the message is a sentence for its owner."""
