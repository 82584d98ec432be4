"""What a deployment needs to have stacks within its stack: the port that `nested_stacks.py` implements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class NestedStack(Protocol):
    """A stack that is a resource of another one."""

    @property
    def stack_id(self) -> str:
        """Its ARN, which is what Ref yields."""

    def output(self, key: str) -> Any:
        """One of its outputs.

        Raises:
            ResourceError: it has none of that name.

        """

    def update(self, properties: Mapping[str, Any]) -> None:
        """Bring it to other properties.

        Raises:
            ResourceError: that was refused, or it did not reach UPDATE_COMPLETE.

        """

    def delete(self) -> None:
        """Delete it.

        Raises:
            ResourceError: it did not reach DELETE_COMPLETE.

        """


class NestedStacks(Protocol):
    """Makes nested stacks in one account and region."""

    def create(self, name: str, properties: Mapping[str, Any], parent_id: str) -> NestedStack:
        """Create a stack from the properties of an AWS::CloudFormation::Stack.

        Args:
            name: the nested stack's.
            properties: evaluated and checked.
            parent_id: the ARN of the stack that it is a resource of.

        Raises:
            ResourceError: it was refused, or did not reach CREATE_COMPLETE.

        """
