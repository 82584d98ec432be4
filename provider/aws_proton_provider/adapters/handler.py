"""What a dynamic provider answers Pulumi: its values in, the resource's method, its values out.

Imported by the first call in Pulumi's dynamic server and never by a program: what takes long to import is
behind it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from aws_proton_provider.adapters import engine
from aws_proton_provider.aws.configuration import Configuration
from aws_proton_provider.core.values import UNKNOWN, State, Value, normalised
from aws_proton_provider.resources.lifecycle import CustomResource, repeating_a_secret
from aws_proton_provider.resources.provider import RESOURCE_OF, Provider


class Handler:
    """The methods of a dynamic provider, for one resource.

    Args:
        resource: The resource's name ("Environment").
        config: The whole stack's configuration; only this way a misspelt key (`allowedAcountIds`) is refused.

    Raises:
        InvalidInput: the configuration is not valid.

    """

    def __init__(self, resource: str, config: Mapping[str, str]) -> None:
        self.resource: type[CustomResource] = RESOURCE_OF[resource]
        self._provider = _provider_of(frozenset(config.items()))

    def check(self, olds: State, news: State) -> dynamic.CheckResult:
        """The inputs in normal form, and what is wrong with them."""
        checked = self._provider.check(self.resource, _received(olds), _received(news))
        for warning in checked.warnings:
            engine.warn(warning)
        # A failure that names its property makes Pulumi print the property's whole value, secrets included.
        failures = [dynamic.CheckFailure("", item.sentence) for item in checked.failures]
        return dynamic.CheckResult(_sent_state(self.resource, checked.inputs), failures)

    def diff(self, olds: State, news: State) -> dynamic.DiffResult:
        """The difference between the state and the inputs."""
        found = self._provider.diff(self.resource, _received(olds), _received(news))
        return dynamic.DiffResult(
            changes=found.changed,
            replaces=list(found.replaces),
            delete_before_replace=found.delete_before_replace,
        )

    def create(self, props: State) -> dynamic.CreateResult:
        """Makes the object."""
        inputs = _received(props)
        made = self._provider.create(self.resource, inputs, self._provider.operation("create", inputs))
        for warning in made.warnings:
            engine.warn(warning)
        return dynamic.CreateResult(made.identifier, _sent_state(self.resource, made.state))

    def read(self, id_: str, props: State) -> dynamic.ReadResult:
        """The object as AWS has it; without an id where it does not exist."""
        known = _received(props)
        found = self._provider.read(self.resource, id_, known, self._provider.operation("read", known))
        if found is None:
            return dynamic.ReadResult(None, {})
        return dynamic.ReadResult(id_, *(_sent_state(self.resource, each) for each in found))

    def update(self, id_: str, olds: State, news: State) -> dynamic.UpdateResult:
        """Makes the object as `news` want it."""
        state, inputs = _received(olds), _received(news)
        operation = self._provider.operation("update", inputs)
        made = self._provider.update(self.resource, id_, state, inputs, operation)
        return dynamic.UpdateResult(_sent_state(self.resource, made))

    def delete(self, id_: str, props: State) -> None:
        """Removes the object."""
        state = _received(props)
        operation = self._provider.operation("delete", state)
        for warning in self._provider.delete(self.resource, id_, state, operation):
            engine.warn(warning)


@functools.cache
def _provider_of(config: frozenset[tuple[str, str]]) -> Provider:
    """The provider of a configuration: one for all resources of a command, since it remembers listings."""
    return Provider(Configuration.of_stack(dict(config)))


def _received(value: Value) -> Any:
    """Pulumi's value as the core has it."""
    return normalised(_with_unknowns(value))


def _with_unknowns(value: Value) -> Value:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        # Pulumi's own keys (`__provider`) stay with Pulumi, which adds them to every answer itself.
        return {key: _with_unknowns(item) for key, item in value.items() if key != "__provider"}
    return [_with_unknowns(item) for item in value] if isinstance(value, list) else value


def _sent(value: Value) -> Any:
    """The core's value as Pulumi's serialiser takes it."""
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, dict):
        return {key: _sent(item) for key, item in value.items()}
    return [_sent(item) for item in value] if isinstance(value, list) else value


def _sent_state(resource: type[CustomResource], state: State) -> State:
    """A state or inputs, with what may repeat a secret marked as one; the engine marks the secret itself."""
    sent: State = _sent(state)
    repeating = repeating_a_secret(resource, state)
    return sent | {wire: rpc.wrap_rpc_secret(sent[wire]) for wire in repeating if wire in sent}
