"""A nested stack as a resource of its parent; `nested.py` is the same seen from the nested stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.cloudformation.parsing import generate_resource_name
from moto.core.exceptions import ServiceException

from proton_server.local.cloudformation.deleters import backend_of
from proton_server.local.cloudformation.errors import ResourceError
from proton_server.local.cloudformation.location import Location


def create(logical_id: str, properties: Mapping[str, Any], location: Location) -> Any:
    """Create the stack.

    Raises:
        ResourceError: it was refused, or did not reach CREATE_COMPLETE.

    """
    name = generate_resource_name("AWS::CloudFormation::Stack", location.stack_name, logical_id)
    try:
        stack = _cloudformation(location).create_nested(name, properties)
    except ServiceException as error:
        raise ResourceError(error.message) from error
    _judge(stack, "CREATE_COMPLETE", "created")
    return stack


def update(stack: Any, properties: Mapping[str, Any], location: Location) -> None:
    """Update the stack.

    Raises:
        ResourceError: it was refused, or did not reach UPDATE_COMPLETE.

    """
    try:
        _cloudformation(location).update_nested(stack, properties)
    except ServiceException as error:
        raise ResourceError(error.message) from error
    _judge(stack, "UPDATE_COMPLETE", "updated")


def delete(stack: Any, location: Location) -> None:
    """Delete the stack.

    Raises:
        ResourceError: it did not reach DELETE_COMPLETE.

    """
    if stack.stack_status != "DELETE_COMPLETE":
        _cloudformation(location).delete_nested(stack)
    _judge(stack, "DELETE_COMPLETE", "deleted")


def output(stack: Any, key: str) -> Any:
    """One of the stack's outputs.

    Raises:
        ResourceError: it has none of that name.

    """
    for found in stack.outputs:
        if found["OutputKey"] == key:
            return found["OutputValue"]
    raise ResourceError(f"Template error: nested stack {stack.stack_name} has no output {key}")


def _judge(stack: Any, status: str, done: str) -> None:
    if stack.stack_status != status:
        raise ResourceError(
            f"Embedded stack {stack.stack_id} was not successfully {done}: {stack.stack_status_reason}"
        )


def _cloudformation(location: Location) -> Any:
    """What deploys the parent, asked of moto: importing it here would go in a circle."""
    return backend_of("cloudformation", location.account, location.region)
