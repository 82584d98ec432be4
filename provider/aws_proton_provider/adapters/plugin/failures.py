"""An error as the plugin answers it: one sentence, and what the operation left in AWS, if anything.

The code decides what Pulumi makes of it: after INTERNAL or UNKNOWN it takes its own state for possibly wrong.
"""

from __future__ import annotations

import contextlib
import dataclasses
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf import any_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import status_pb2

from aws_proton_provider.adapters.messages import Engine
from aws_proton_provider.core.errors import ProtonError

Kept = tuple[str, struct_pb2.Struct]
"""The id and the state of an object."""


@dataclasses.dataclass
class Answer:
    """The answer to a call that is being carried out: `kept` says what an error leaves in AWS."""

    kept: Callable[[Exception], Kept | None] = lambda _: None


@contextlib.contextmanager
def answering(context: grpc.ServicerContext, engine: Engine, urn: str) -> Iterator[Answer]:
    """Answers errors of the core for the resource `urn`; anything else is a defect of the provider."""
    answer = Answer()
    try:
        yield answer
        return
    except ProtonError as error:
        caught: Exception = error
        code, message = grpc.StatusCode.FAILED_PRECONDITION, str(error)
    except Exception as error:  # noqa: BLE001 - whatever a defect raises
        caught = error
        engine.debug(urn, traceback.format_exc())
        code, message = grpc.StatusCode.INTERNAL, _defect(error)
    kept = answer.kept(caught)
    if kept is not None:
        context.set_trailing_metadata((("grpc-status-details-bin", _init_failed(code, message, kept)),))
    context.abort(code, message)


def _defect(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a defect of the provider: {type(error).__name__} in {frame.name} ({frame.lineno}): report it "
        "with the log that `pulumi up --logtostderr -v=9` shows (it may hold values of the program)"
    )


def _init_failed(code: grpc.StatusCode, message: str, kept: Kept) -> bytes:
    """What tells Pulumi that the object exists, so that it keeps it, and goes on with it the next time."""
    identifier, properties = kept
    detail = any_pb2.Any()
    detail.Pack(messages.ErrorResourceInitFailed(id=identifier, properties=properties, reasons=[message]))
    number: Any = code.value[0]
    status: bytes = status_pb2.Status(code=number, message=message, details=[detail]).SerializeToString()
    return status
