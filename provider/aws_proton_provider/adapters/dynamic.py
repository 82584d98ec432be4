"""The resources as Pulumi *dynamic* resources, run from the user's own Python: nothing to install.

The dotted path of each provider class below is in every user's state for ever: `destroy` and `refresh` import
it from there. Never rename or move one. The classes keep nothing of a program, so each pickles to one
constant text.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pulumi
from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc
from pulumi.runtime.config import is_config_secret
from pulumi.runtime.settings import get_root_resource

from aws_proton_provider.adapters import engine
from aws_proton_provider.adapters.service import service_of
from aws_proton_provider.aws.client import Proton, connect
from aws_proton_provider.aws.configuration import NAMESPACE, Configuration, target
from aws_proton_provider.core import facts as _facts
from aws_proton_provider.core.errors import InvalidInput, NotFound, ProtonError
from aws_proton_provider.core.ownership import owner, parents_in
from aws_proton_provider.core.redaction import redacted
from aws_proton_provider.core.values import UNKNOWN, State, Value, has_unknown, normalised
from aws_proton_provider.resources.account_settings import AccountSettings
from aws_proton_provider.resources.environment.resource import Environment
from aws_proton_provider.resources.environment_account_connection import EnvironmentAccountConnection
from aws_proton_provider.resources.environment_account_connection_accepter import (
    EnvironmentAccountConnectionAccepter,
)
from aws_proton_provider.resources.lifecycle import CheckContext, CustomResource, Service, inputs_in

_DERIVED_FROM = {"spec": ("outputs", "deploymentStatusMessage"), "tags": ("tagsAll",)}
"""Properties that may repeat a value of an input. The engine itself marks those of the input's own name."""


class _DynamicProvider(dynamic.ResourceProvider):
    """What Pulumi's dynamic server calls, for one resource."""

    serialize_as_secret_always = False
    resource: ClassVar[type[CustomResource]]
    _configuration = Configuration()

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        _settle_into_pulumis_server()
        # The whole stack's configuration; only this way a misspelt key (`allowedAcountIds`) is seen and
        # refused.
        self._configuration = Configuration.of_stack(vars(req.config)["_props"])

    def check(self, olds: State, news: State) -> dynamic.CheckResult:
        old, new = _received(olds), _received(news)
        surroundings = CheckContext(
            default_tags=self._configuration.default_tags.tags,
            max_deployment_type=self._configuration.max_deployment_type,
            service=self._service_if_known(new),
        )
        checked = self.resource.check(old, new, surroundings)
        for warning in checked.warnings:
            engine.warn(redacted(warning, old, new))
        # A failure that names its property makes Pulumi print the property's whole value, secrets included.
        reasons = (redacted(item.sentence, old, new) for item in checked.failures)
        failures = [dynamic.CheckFailure("", reason) for reason in reasons]
        return dynamic.CheckResult(_sent_state(checked.inputs), failures)

    def diff(self, id_: str, olds: State, news: State) -> dynamic.DiffResult:  # noqa: ARG002 - Pulumi's signature
        found = self.resource.diff(_received(olds), _received(news))
        return dynamic.DiffResult(
            changes=found.changed,
            replaces=list(found.replaces),
            delete_before_replace=found.delete_before_replace,
        )

    def create(self, props: State) -> dynamic.CreateResult:
        inputs = _received(props)
        with _redacted(inputs):
            made = self.resource.create(inputs, self._proton(inputs))
        for warning in made.warnings:
            engine.warn(redacted(warning, inputs))
        return dynamic.CreateResult(made.identifier, _sent_state(made.state))

    def read(self, id_: str, props: State) -> dynamic.ReadResult:
        known = _received(props)
        with _redacted(known):
            state = self.resource.read(id_, known, self._proton(known))
            if state is None and "arn" not in known:
                # `.get()` of something that is not there: an empty answer would pass for an existing, empty
                # object.
                raise NotFound(f"{self.resource.__name__} {id_} does not exist")
        if state is None:
            return dynamic.ReadResult(None, {})
        return dynamic.ReadResult(id_, _sent_state(state), _sent_state(inputs_in(self.resource, state)))

    def update(self, id_: str, olds: State, news: State) -> dynamic.UpdateResult:
        state, inputs = _received(olds), _received(news)
        with _redacted(state, inputs):
            made = self.resource.update(id_, state, inputs, self._proton(inputs))
        return dynamic.UpdateResult(_sent_state(made))

    def delete(self, id_: str, props: State) -> None:
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


class EnvironmentProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:Environment`."""

    resource = Environment


class EnvironmentAccountConnectionProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:EnvironmentAccountConnection`."""

    resource = EnvironmentAccountConnection


class EnvironmentAccountConnectionAccepterProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:EnvironmentAccountConnectionAccepter`."""

    resource = EnvironmentAccountConnectionAccepter


class AccountSettingsProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:AccountSettings`."""

    resource = AccountSettings


def facts(
    resource_name: str, opts: pulumi.ResourceOptions | None, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """What only the program knows, for the SDK's classes to pass along; in keys that Pulumi does not show."""
    given = opts or pulumi.ResourceOptions()
    stack = f"{pulumi.get_project()}/{pulumi.get_stack()}"
    nested = given.parent is not None and given.parent is not get_root_resource()
    known = {
        _facts.NAME: resource_name,
        _facts.OWNER: _owner(given.parent if nested else None, resource_name),
        # Below different parents two resources could have the same.
        _facts.FORMER_OWNER: None if nested else f"{stack}/{resource_name}",
        _facts.SECRETS: _secret_paths(properties),
        _facts.CREATE_FIRST: True if given.delete_before_replace is False else None,
    }
    return {fact: value for fact, value in known.items() if value is not None}


def options(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """`opts`, and delete before replace unless they say otherwise.

    The names are fixed, so a new object could only be the old one; and for a forced replacement Pulumi asks
    no provider which comes first.
    """
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts)


async def _owner(parent: pulumi.Resource | None, resource_name: str) -> str:
    """The owner that a resource is.

    A future and not an Output: that would make the resource wait for its parent, and a component waits for
    its children.
    """
    parents = [] if parent is None else parents_in(str(await parent.urn.future()))
    return owner(pulumi.get_project(), pulumi.get_stack(), parents, resource_name)


async def _secret_paths(properties: Mapping[str, Any]) -> list[list[str]]:
    """Where in the properties there is a secret."""
    paths = [path for wire, value in properties.items() for path in await _secrets_in(value, [wire])]
    if is_config_secret(f"{NAMESPACE}:defaultTags"):
        paths.append(["tags"])
    return paths


async def _secrets_in(value: Any, path: list[str]) -> list[list[str]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in await _secrets_in(item, [*path, str(key)])]
    if isinstance(value, list | tuple):
        return [
            found
            for index, item in enumerate(value)
            for found in await _secrets_in(item, [*path, str(index)])
        ]
    if value is None or isinstance(value, str | int | float):
        return []
    return [path] if await pulumi.Output.from_input(value).is_secret() else []


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


def _sent_state(state: State) -> State:
    """A state or inputs, with what may repeat a secret marked as one."""
    sent: State = _sent(state)
    secret = {path[0] for path in _facts.secret_paths(state)}
    derived = [wire for given in secret for wire in _DERIVED_FROM.get(given, ())]
    return sent | {wire: rpc.wrap_rpc_secret(sent[wire]) for wire in derived if wire in sent}


@contextlib.contextmanager
def _redacted(*states: State) -> Iterator[None]:
    """Keeps secret values out of what AWS said (a stack's failure quotes the template)."""
    try:
        yield
    except ProtonError as error:
        message = redacted(str(error), *states)
        if message == str(error):
            raise
        raise type(error)(message) from None


class _OneLine:
    """Stands in for `traceback` in Pulumi's dynamic server, which answers any exception with one."""

    @staticmethod
    def format_exc() -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ProtonError) else traceback.format_exc()


def _settle_into_pulumis_server() -> None:
    """Says errors in one line, and ends with the engine.

    Where the server is not as expected (another SDK version), errors are only uglier.
    """
    server = sys.modules.get("__main__")
    name = getattr(getattr(server, "__spec__", None), "name", "")
    if name != "pulumi.dynamic.__main__":
        return
    engine.end_with_it()
    if hasattr(server, "traceback"):
        server.traceback = _OneLine  # type: ignore[union-attr]
