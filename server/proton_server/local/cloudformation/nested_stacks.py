"""Stacks within stacks: AWS::CloudFormation::Stack, deployed at once while its parent is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException

from proton_server.local.cloudformation import lifecycle
from proton_server.local.cloudformation.errors import ResourceError
from proton_server.local.cloudformation.intrinsics import as_text
from proton_server.local.cloudformation.pace import AT_ONCE
from proton_server.local.cloudformation.stack_store import StackStore, valid_template
from proton_server.local.cloudformation.stacks import Stack
from proton_server.local.cloudformation.targets import Target
from proton_server.local.cloudformation.template_url import read_template_url

_Properties = Mapping[str, Any]


class StacksInStacks:
    """Makes the nested stacks of one account and region, in its store."""

    def __init__(self, store: StackStore) -> None:
        self._store = store

    def create(self, name: str, properties: _Properties, parent_id: str) -> StackInStack:
        """Create a nested stack. See `nested.NestedStacks`."""
        try:
            stack = self._store.new_stack(name, _tags(properties), parent_id=parent_id)
            target = _target(self._store, stack, properties)
        except ServiceException as error:
            raise ResourceError(error.message) from error
        stack.target = target
        self._store.stacks[stack.stack_id] = stack
        stack.enter("CREATE_IN_PROGRESS")
        lifecycle.create(stack, target, self._store.exchange, AT_ONCE)
        made = StackInStack(self._store, stack)
        try:
            _require(stack, "CREATE_COMPLETE", "created")
        except ResourceError:
            made.delete()
            raise
        return made


@dataclass(frozen=True)
class StackInStack:
    """A nested stack. See `nested.NestedStack`."""

    _store: StackStore
    _stack: Stack

    @property
    def stack_id(self) -> str:
        """The ARN."""
        return self._stack.stack_id

    def output(self, key: str) -> Any:
        """One of its outputs."""
        for found in self._stack.outputs or ():
            if found["OutputKey"] == key:
                return found["OutputValue"]
        raise ResourceError(f"Template error: nested stack {self._stack.stack_name} has no output {key}")

    def update(self, properties: _Properties) -> None:
        """Update it, whether or not anything changes."""
        try:
            target = _target(self._store, self._stack, properties)
        except ServiceException as error:
            raise ResourceError(error.message) from error
        self._stack.enter("UPDATE_IN_PROGRESS")
        lifecycle.update(self._stack, target, self._store.exchange, _tags(properties), AT_ONCE)
        _require(self._stack, "UPDATE_COMPLETE", "updated")

    def delete(self) -> None:
        """Delete it, unless it is deleted already."""
        if self._stack.stack_status != "DELETE_COMPLETE":
            self._stack.enter("DELETE_IN_PROGRESS")
            lifecycle.delete(self._stack, frozenset(), self._store.exchange, AT_ONCE)
            self._store.archive(self._stack)
        _require(self._stack, "DELETE_COMPLETE", "deleted")


def _target(store: StackStore, stack: Stack, properties: _Properties) -> Target:
    """What the properties ask for. Raises moto's ValidationError if that is invalid."""
    template = valid_template(read_template_url(properties["TemplateURL"], store.account_id, store.partition))
    parameters = {name: as_text(value) for name, value in properties.get("Parameters", {}).items()}
    return store.target(stack, template, parameters)


def _require(stack: Stack, status: str, done: str) -> None:
    if stack.stack_status != status:
        raise ResourceError(
            f"Embedded stack {stack.stack_id} was not successfully {done}: {stack.stack_status_reason}"
        )


def _tags(properties: _Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
