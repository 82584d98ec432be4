"""The resources as Pulumi *dynamic* resources, run from the user's own Python: nothing to install.

The dotted path of each provider class below is in every user's state for ever: `destroy` and `refresh` import
it from there. Never rename or move one. The classes keep nothing of a program, so each pickles to one
constant text.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from typing import Any, ClassVar

import pulumi
from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from .._client import Proton, connect
from .._configuration import Configuration, target
from .._errors import NotFound, ProtonError
from .._lifecycle import OWNER, CustomResource, Service, Surroundings, inputs_in
from .._service import service_of
from .._values import UNKNOWN, State, Value, has_unknown, normalised
from ..account_settings import AccountSettings
from ..environment import Environment
from ..environment_account_connection import EnvironmentAccountConnection
from ..environment_account_connection_accepter import EnvironmentAccountConnectionAccepter
from . import _engine

SECRET_SPEC = "__secretSpec"  # noqa: S105 - a name
"""The fact that the program's spec holds a secret. The dynamic server gets secrets in plain text and cannot
tell."""

_DERIVED_FROM_SPEC = ("outputs", "deploymentStatusMessage")
"""Outputs that may repeat a value of the spec. The engine marks `spec` itself, since input and output share
its name."""


class _DynamicProvider(dynamic.ResourceProvider):
    """What Pulumi's dynamic server calls, for one resource."""

    serialize_as_secret_always = False
    resource: ClassVar[type[CustomResource]]
    _configuration = Configuration()

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        _say_errors_in_one_line()
        # The whole stack's configuration; only this way a misspelt key (`allowedAcountIds`) is seen and
        # refused.
        self._configuration = Configuration.of_stack(vars(req.config)["_props"])

    def check(self, olds: State, news: State) -> dynamic.CheckResult:
        old, new = _received(olds), _received(news)
        surroundings = Surroundings(
            default_tags=self._configuration.default_tags.tags,
            max_deployment_type=self._configuration.max_deployment_type,
            service=self._service_if_known(new),
        )
        checked = self.resource.check(old, new, surroundings)
        for warning in checked.warnings:
            _engine.warn(warning)
        failures = [dynamic.CheckFailure(item.wire, item.reason) for item in checked.failures]
        return dynamic.CheckResult(_sent(checked.inputs), failures)

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
            identifier, state = self.resource.create(inputs, self._proton(inputs))
        return dynamic.CreateResult(identifier, _sent_state(state))

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
        return dynamic.ReadResult(id_, _sent_state(state), _sent(inputs_in(self.resource, state)))

    def update(self, id_: str, olds: State, news: State) -> dynamic.UpdateResult:
        inputs = _received(news)
        with _redacted(inputs):
            state = self.resource.update(id_, _received(olds), inputs, self._proton(inputs))
        return dynamic.UpdateResult(_sent_state(state))

    def delete(self, id_: str, props: State) -> None:
        state = _received(props)
        with _redacted(state):
            warnings = self.resource.delete(id_, state, self._proton(state))
        for warning in warnings:
            _engine.warn(warning)

    def _proton(self, properties: State) -> Proton:
        return connect(target(self._configuration, properties.get("account")))

    def _service_if_known(self, inputs: State) -> Service | None:
        """None while `account` refers to something that is still to be made."""
        return None if has_unknown(inputs.get("account")) else service_of(self._proton(inputs))


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


def facts(resource_name: str, spec: Any = None) -> dict[str, Any]:
    """What only the program knows, for the SDK's classes to pass along; in keys that Pulumi does not show."""
    owner = f"{pulumi.get_project()}/{pulumi.get_stack()}/{resource_name}"
    secret = {} if spec is None else {SECRET_SPEC: pulumi.Output.from_input(spec).is_secret()}
    return {OWNER: owner, **secret}


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
    sent: State = _sent(state)
    if state.get(SECRET_SPEC):
        sent |= {wire: rpc.wrap_rpc_secret(sent[wire]) for wire in _DERIVED_FROM_SPEC if wire in sent}
    return sent


@contextlib.contextmanager
def _redacted(properties: State) -> Iterator[None]:
    """Keeps the values of a secret spec out of what AWS said (a stack's failure quotes the template)."""
    try:
        yield
    except ProtonError as error:
        if not properties.get(SECRET_SPEC):
            raise
        message = str(error)
        for text in sorted(set(_texts(properties.get("spec"))), key=len, reverse=True):
            message = message.replace(text, "[secret]")
        raise type(error)(message) from None


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif not isinstance(value, bool) and value not in ("", None):
        yield str(value)


class _OneLine:
    """Stands in for `traceback` in Pulumi's dynamic server, which answers any exception with one."""

    @staticmethod
    def format_exc() -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ProtonError) else traceback.format_exc()


def _say_errors_in_one_line() -> None:
    """Where the server is not as expected (another SDK version), errors are only uglier."""
    server = sys.modules.get("__main__")
    name = getattr(getattr(server, "__spec__", None), "name", "")
    if name == "pulumi.dynamic.__main__" and hasattr(server, "traceback"):
        server.traceback = _OneLine  # type: ignore[union-attr]
