"""What an adapter says to Pulumi's engine: warnings and status lines, on the row of a known resource."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine at an address. What cannot be delivered is left out: it is never the error."""

    def __init__(self, address: str) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
        self._warned: set[tuple[str, str]] = set()

    def warn(self, urn: str, message: str) -> None:
        """Shows a warning, once in a command: a replacement is checked twice."""
        if (urn, message) not in self._warned:
            self._warned.add((urn, message))
            self._log(urn, engine_pb2.WARNING, message)

    def status(self, urn: str, message: str) -> None:
        """Shows a line on the resource's row until the next one."""
        self._log(urn, engine_pb2.INFO, message, ephemeral=True)

    def debug(self, urn: str, message: str) -> None:
        """Adds to the log that `pulumi --logtostderr -v=9` shows."""
        self._log(urn, engine_pb2.DEBUG, message)

    def _log(self, urn: str, severity: Any, message: str, *, ephemeral: bool = False) -> None:
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError, ValueError):
            self._stub.Log(request, timeout=10)


connect = functools.cache(Engine)
"""The engine at an address; one connection for each."""
