"""Messages from the dynamic server to Pulumi's engine.

They name no resource, since the server is never told its URN.
"""

from __future__ import annotations

import contextlib
import functools
import sys

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


@functools.cache
def warn(message: str) -> None:
    """Shows a warning once in this command.

    Without an engine to be reached it is left out: it is never the error.
    """
    with contextlib.suppress(grpc.RpcError, ValueError):
        _engine().Log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message))


@functools.cache
def _engine() -> engine_pb2_grpc.EngineStub:
    """The engine, whose address is the server's last argument."""
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[-1]))
