"""The service at which a provider reaches Pulumi's engine; of it, what providers use: Log."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


@dataclasses.dataclass(frozen=True)
class Message:
    """What a provider wants shown; an ephemeral one is the line on the resource's row until the next."""

    severity: str
    text: str
    urn: str
    ephemeral: bool


class EngineLog(engine_pb2_grpc.EngineServicer):
    """Keeps what providers want shown, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.warnings: list[str] = []
        self.address = ""

    def Log(self, request: Any, _: Any) -> Any:  # noqa: N802 - gRPC's name
        severity = engine_pb2.LogSeverity.Name(request.severity)
        self.messages.append(Message(severity, request.message, request.urn, request.ephemeral))
        if severity == "WARNING":
            self.warnings.append(request.message)
        return empty_pb2.Empty()

    def clear(self) -> None:
        """Forgets what was shown."""
        self.messages.clear()
        self.warnings.clear()


@contextmanager
def listening() -> Iterator[EngineLog]:
    """The service, on a port of its own."""
    log, server = EngineLog(), grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(log, server)
    log.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield log
    server.stop(None).wait()
