"""The native plugin over a gRPC channel, as resource/plugin/provider_plugin.go calls it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from aws_proton_provider.adapters.messages import connect
from aws_proton_provider.adapters.plugin.servicer import Servicer
from tests.contract.adapters import Adapter, Diff, Found, InitFailed, OperationFailed, Properties
from tests.contract.values import from_wire, to_wire

_Kind = messages.PropertyDiff.Kind


class PluginAdapter(Adapter):
    """The plugin for one provider resource, whose inputs are `config`."""

    def __init__(self, kind: str, name: str, config: Properties, engine_address: str) -> None:
        self.type = f"aws-proton:index:{kind}"
        self.urn = f"urn:pulumi:test::project::{self.type}::{name}"
        self.config, self._engine_address = config, engine_address
        self._server: grpc.Server | None = None
        self._channel: grpc.Channel | None = None

    def start(self) -> None:
        self.launch()
        urn = "urn:pulumi:test::project::pulumi:providers:aws-proton::default"
        checked = self.stub.CheckConfig(messages.CheckRequest(urn=urn, news=to_wire(self.config)))
        if checked.failures:
            raise OperationFailed("\n".join(item.reason for item in checked.failures))
        with _refusals():
            self.stub.Configure(
                messages.ConfigureRequest(
                    urn=urn, args=checked.inputs, acceptSecrets=True, sends_old_inputs=True
                )
            )

    def launch(self) -> None:
        """Starts the process and greets it, without a configuration."""
        self.stop()
        connect.cache_clear()
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(self._engine_address), self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self.stub.Handshake(messages.ProviderHandshakeRequest(engine_address=self._engine_address))

    def stop(self) -> None:
        if self._server is not None and self._channel is not None:
            self._channel.close()
            self._server.stop(None).wait()
            self._server = self._channel = None

    def cancel(self) -> None:
        """The user has interrupted Pulumi."""
        self.stub.Cancel(empty_pb2.Empty())

    def check(self, olds: Properties, news: Properties, **more: Any) -> tuple[Properties, list[str]]:
        with _refusals():
            answer = self.stub.Check(
                messages.CheckRequest(**self._named(), olds=to_wire(olds), news=to_wire(news), **more)
            )
        return from_wire(answer.inputs), [item.reason for item in answer.failures]

    def diff(self, identifier: str, old_inputs: Properties, olds: Properties, news: Properties) -> Diff:
        with _refusals():
            answer = self.stub.Diff(
                messages.DiffRequest(
                    id=identifier,
                    **self._named(),
                    old_inputs=to_wire(old_inputs),
                    olds=to_wire(olds),
                    news=to_wire(news),
                )
            )
        return Diff(
            answer.changes == messages.DiffResponse.DIFF_SOME,
            list(answer.replaces),
            answer.deleteBeforeReplace,
            {path: _Kind.Name(item.kind) for path, item in answer.detailedDiff.items()},
            list(answer.diffs),
            list(answer.stables),
        )

    def create(self, inputs: Properties, **more: Any) -> tuple[str, Properties]:
        with _refusals():
            answer = self.stub.Create(
                messages.CreateRequest(**self._named(), properties=to_wire(inputs), **more)
            )
        return answer.id, from_wire(answer.properties)

    def read(self, identifier: str, inputs: Properties, state: Properties) -> Found:
        with _refusals():
            answer = self.stub.Read(
                messages.ReadRequest(
                    id=identifier, **self._named(), inputs=to_wire(inputs), properties=to_wire(state)
                )
            )
        return Found(answer.id, from_wire(answer.properties), from_wire(answer.inputs))

    def update(
        self, identifier: str, old_inputs: Properties, olds: Properties, news: Properties, **more: Any
    ) -> Properties:
        with _refusals():
            answer = self.stub.Update(
                messages.UpdateRequest(
                    id=identifier,
                    **self._named(),
                    old_inputs=to_wire(old_inputs),
                    olds=to_wire(olds),
                    news=to_wire(news),
                    **more,
                )
            )
        return from_wire(answer.properties)

    def delete(self, identifier: str, inputs: Properties, state: Properties, **more: Any) -> None:
        with _refusals():
            self.stub.Delete(
                messages.DeleteRequest(
                    id=identifier,
                    **self._named(),
                    old_inputs=to_wire(inputs),
                    properties=to_wire(state),
                    **more,
                )
            )

    def _named(self) -> dict[str, str]:
        return {"urn": self.urn, "name": self.urn.rpartition("::")[2], "type": self.type}


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """The plugin's error as the engine has it (parseError in provider_plugin.go)."""
    try:
        yield
    except grpc.RpcError as error:
        raise failure_of(error) from None


def failure_of(error: Any) -> OperationFailed:
    """What the engine reads in the error of a call."""
    code: str = error.code().name
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                failed = messages.ErrorResourceInitFailed()
                if detail.Unpack(failed):
                    return InitFailed(code, failed.id, from_wire(failed.properties), list(failed.reasons))
    refused = OperationFailed(error.details())
    refused.code = code
    return refused
