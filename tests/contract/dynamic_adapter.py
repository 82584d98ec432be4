"""The dynamic provider, with its values carried as Pulumi's dynamic server carries them.

That server (`pulumi.dynamic.__main__`) cannot be imported: the import serves, and never returns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from google.protobuf import struct_pb2
from pulumi import dynamic
from pulumi.dynamic.config import Config
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.settings import Settings, configure

from aws_proton_provider.adapters import dynamic as providers
from aws_proton_provider.adapters.handler import _provider_of
from aws_proton_provider.adapters.messages import connect
from aws_proton_provider.core.errors import ProtonError
from aws_proton_provider.core.facts import SECRETS
from tests.contract.adapters import Adapter, Diff, Found, OperationFailed, Properties
from tests.contract.values import from_wire, keep_secrets, revealed, secret_paths, to_wire

_PULUMIS = "__provider"


class DynamicAdapter(Adapter):
    """Pulumi's dynamic server with the provider of one resource; `config` is the stack's."""

    def __init__(self, kind: str, name: str, config: Properties) -> None:
        self.urn = f"urn:pulumi:test::project::pulumi-python:dynamic/aws-proton:{kind}::{name}"
        self.config = config
        self._name = name
        self._class: type[dynamic.ResourceProvider] = getattr(providers, f"{kind}Provider")

    def start(self) -> None:
        _provider_of.cache_clear()
        connect.cache_clear()
        config = {f"aws-proton:{key}": value for key, value in revealed(self.config).items()}
        self._provider = self._class()
        self._text = serialize_provider(self._provider)
        with _refusals():
            self._provider.configure(dynamic.ConfigureRequest(Config(config, "project")))

    def stop(self) -> None:
        """It runs in this process."""

    def check(self, olds: Properties, news: Properties, **_: Any) -> tuple[Properties, list[str]]:
        news = news | self._program_facts(news)
        with _refusals():
            found = self._provider.check(_received(olds, unknowns=True), _received(news, unknowns=True))
        inputs = keep_secrets(self._sent(found.inputs), news)
        return inputs, [item.reason for item in found.failures]

    def diff(self, identifier: str, old_inputs: Properties, olds: Properties, news: Properties) -> Diff:
        del old_inputs
        with _refusals():
            found = self._provider.diff(
                identifier, _received(olds, unknowns=True), _received(news, unknowns=True)
            )
        return Diff(bool(found.changes), found.replaces or [], bool(found.delete_before_replace))

    def create(self, inputs: Properties, **_: Any) -> tuple[str, Properties]:
        with _refusals():
            made = self._provider.create(_received(inputs))
        return made.id, keep_secrets(self._sent(made.outs), inputs)

    def read(self, identifier: str, inputs: Properties, state: Properties) -> Found:
        with _refusals():
            found = self._provider.read(identifier, _received(state))
        return Found(
            found.id or "",
            keep_secrets(self._sent(found.outs), state),
            keep_secrets(self._sent(found.inputs or {}), inputs),
        )

    def update(
        self, identifier: str, old_inputs: Properties, olds: Properties, news: Properties, **_: Any
    ) -> Properties:
        del old_inputs
        with _refusals():
            made = self._provider.update(identifier, _received(olds), _received(news))
        return keep_secrets(self._sent(made.outs), news)

    def delete(self, identifier: str, inputs: Properties, state: Properties, **_: Any) -> None:
        del inputs
        with _refusals():
            self._provider.delete(identifier, _received(state))

    def _program_facts(self, news: Properties) -> Properties:
        """What the SDK's classes add in the program, and Pulumi's own key."""
        configure(Settings(project="project", stack="test"))
        secrets = {SECRETS: list(secret_paths(news))}
        return {**providers.facts(self._name, None, {}), **secrets, _PULUMIS: self._text}

    def _sent(self, outs: Properties) -> Properties:
        struct: struct_pb2.Struct = asyncio.run(
            rpc.serialize_properties({**outs, _PULUMIS: self._text}, {})  # type: ignore[arg-type]
        )
        return from_wire(struct)


def _received(value: Properties, *, unknowns: bool = False) -> Properties:
    found: Properties = rpc.deserialize_properties(to_wire(value, secrets=False), unknowns)
    return found


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What Pulumi shows of an error; anything but ours is a traceback there, and fails the test here."""
    try:
        yield
    except ProtonError as error:
        raise OperationFailed(str(error)) from None
