"""What a dynamic provider answers Pulumi: its values in, the resource's method, its values out.

Imported by the first call in Pulumi's dynamic server and never by a program: what takes long to import is
behind it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from aws_proton_provider.adapters import engine
from aws_proton_provider.aws.client import Proton, connect
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.core.errors import InvalidInput, NotFound, ProtonError
from aws_proton_provider.core.facts import secret_paths
from aws_proton_provider.core.redaction import redacted
from aws_proton_provider.core.values import UNKNOWN, State, Value, has_unknown, normalised
from aws_proton_provider.resources import RESOURCES
from aws_proton_provider.resources.check_context import CheckContext, Service
from aws_proton_provider.resources.lifecycle import CustomResource, inputs_in
from aws_proton_provider.resources.service import service_of

_RESOURCES = {resource.__name__: resource for resource in RESOURCES}


class Handler:
    """The methods of a dynamic provider, for one resource.

    Args:
        resource: The resource's name ("Environment").
        config: The whole stack's configuration; only this way a misspelt key (`allowedAcountIds`) is refused.

    Raises:
        InvalidInput: the configuration is not valid.

    """

    def __init__(self, resource: str, config: Mapping[str, Any]) -> None:
        self.resource: type[CustomResource] = _RESOURCES[resource]
        self._configuration = Configuration.of_stack(config)

    def check(self, olds: State, news: State) -> dynamic.CheckResult:
        """The inputs in normal form, and what is wrong with them."""
        old, new = _received(olds), _received(news)
        context = CheckContext(
            default_tags=self._configuration.default_tags.tags,
            max_deployment_type=self._configuration.max_deployment_type,
            service=self._service_if_known(new),
        )
        checked = self.resource.check(old, new, context)
        for warning in checked.warnings:
            engine.warn(redacted(warning, old, new))
        # A failure that names its property makes Pulumi print the property's whole value, secrets included.
        reasons = (redacted(item.sentence, old, new) for item in checked.failures)
        failures = [dynamic.CheckFailure("", reason) for reason in reasons]
        return dynamic.CheckResult(_sent_state(self.resource, checked.inputs), failures)

    def diff(self, olds: State, news: State) -> dynamic.DiffResult:
        """The difference between the state and the inputs."""
        found = self.resource.diff(_received(olds), _received(news))
        return dynamic.DiffResult(
            changes=found.changed,
            replaces=list(found.replaces),
            delete_before_replace=found.delete_before_replace,
        )

    def create(self, props: State) -> dynamic.CreateResult:
        """Makes the object."""
        inputs = _received(props)
        with _redacted(inputs):
            made = self.resource.create(inputs, self._proton(inputs))
        for warning in made.warnings:
            engine.warn(redacted(warning, inputs))
        return dynamic.CreateResult(made.identifier, _sent_state(self.resource, made.state))

    def read(self, id_: str, props: State) -> dynamic.ReadResult:
        """The object as AWS has it; without an id where it does not exist."""
        known = _received(props)
        with _redacted(known):
            state = self.resource.read(id_, known, self._proton(known))
            if state is None and "arn" not in known:
                # `.get()` of something that is not there: an empty answer would pass for an existing, empty
                # object.
                raise NotFound(f"{self.resource.__name__} {id_} does not exist")
        if state is None:
            return dynamic.ReadResult(None, {})
        inputs = inputs_in(self.resource, state)
        return dynamic.ReadResult(id_, *(_sent_state(self.resource, each) for each in (state, inputs)))

    def update(self, id_: str, olds: State, news: State) -> dynamic.UpdateResult:
        """Makes the object as `news` want it."""
        state, inputs = _received(olds), _received(news)
        with _redacted(state, inputs):
            made = self.resource.update(id_, state, inputs, self._proton(inputs))
        return dynamic.UpdateResult(_sent_state(self.resource, made))

    def delete(self, id_: str, props: State) -> None:
        """Removes the object."""
        state = _received(props)
        with _redacted(state):
            warnings = self.resource.delete(id_, state, self._proton(state))
        for warning in warnings:
            engine.warn(redacted(warning, state))

    def _proton(self, properties: State) -> Proton:
        return connect(target(self._configuration, properties.get("account")))

    def _service_if_known(self, inputs: State) -> Service | None:
        """None while `account` refers to something that is still to be made, or is none: check says so."""
        if has_unknown(inputs.get("account")):
            return None
        with contextlib.suppress(InvalidInput):
            return service_of(self._proton(inputs))
        return None


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
    secret = {path[0] for path in secret_paths(state)}
    repeating = (item.wire for item in resource.properties if item.repeats in secret)
    return sent | {wire: rpc.wrap_rpc_secret(sent[wire]) for wire in repeating if wire in sent}


@contextlib.contextmanager
def _redacted(*states: State) -> Iterator[None]:
    """Keeps secret values out of AWS's messages (a stack's failure quotes the template)."""
    try:
        yield
    except ProtonError as error:
        message = redacted(str(error), *states)
        if message == str(error):
            raise
        raise type(error)(message) from None
