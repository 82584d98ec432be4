"""The resources as Pulumi *dynamic* resources, run from the user's own Python: nothing to install.

The dotted path of each provider class below is in every user's state for ever: `destroy` and `refresh` import
it from there. Never rename or move one. The classes keep nothing of a program, so each pickles to one
constant text.

A program imports this module, and only makes resources: what their methods need (botocore, pydantic, PyYAML,
jsonschema) is imported in Pulumi's dynamic server, when it calls the first one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from pulumi import dynamic
from pulumi.runtime.config import is_config_secret
from pulumi.runtime.settings import get_root_resource

from aws_proton_provider.core.facts import CREATE_FIRST, FORMER_OWNER, NAME, OWNER, SECRETS
from aws_proton_provider.core.ownership import owner, parents_in
from aws_proton_provider.core.package import NAMESPACE

if TYPE_CHECKING:
    from aws_proton_provider.adapters.handler import Handler
    from aws_proton_provider.core.values import State


class _DynamicProvider(dynamic.ResourceProvider):
    """What Pulumi's dynamic server calls, for one resource: its `Handler` answers."""

    serialize_as_secret_always = False
    resource: ClassVar[str]
    _handler: Handler

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        self._handler = _imported_handler()(self.resource, vars(req.config)["_props"])

    def check(self, olds: State, news: State) -> dynamic.CheckResult:
        return self._handler.check(olds, news)

    def diff(self, id_: str, olds: State, news: State) -> dynamic.DiffResult:  # noqa: ARG002 - Pulumi's signature
        return self._handler.diff(olds, news)

    def create(self, props: State) -> dynamic.CreateResult:
        return self._handler.create(props)

    def read(self, id_: str, props: State) -> dynamic.ReadResult:
        return self._handler.read(id_, props)

    def update(self, id_: str, olds: State, news: State) -> dynamic.UpdateResult:
        return self._handler.update(id_, olds, news)

    def delete(self, id_: str, props: State) -> None:
        self._handler.delete(id_, props)


def _imported_handler() -> type[Handler]:
    """The class `Handler`, whose import takes long."""
    from aws_proton_provider.adapters.engine import adapt_server  # noqa: PLC0415 - no program needs them
    from aws_proton_provider.adapters.processes import without_collector  # noqa: PLC0415

    adapt_server()
    with without_collector():
        from aws_proton_provider.adapters.handler import Handler  # noqa: PLC0415
    return Handler


class EnvironmentProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:Environment`."""

    resource = "Environment"


class EnvironmentAccountConnectionProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:EnvironmentAccountConnection`."""

    resource = "EnvironmentAccountConnection"


class EnvironmentAccountConnectionAccepterProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:EnvironmentAccountConnectionAccepter`."""

    resource = "EnvironmentAccountConnectionAccepter"


class AccountSettingsProvider(_DynamicProvider):
    """`pulumi-python:dynamic/aws-proton:AccountSettings`."""

    resource = "AccountSettings"


def facts(
    resource_name: str, opts: pulumi.ResourceOptions | None, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """What only the program knows, for the SDK's classes to pass along; in keys that Pulumi does not show."""
    given = opts or pulumi.ResourceOptions()
    project, stack = pulumi.get_project(), pulumi.get_stack()
    parent = None if given.parent is get_root_resource() else given.parent
    known = {
        NAME: resource_name,
        OWNER: owner(project, stack, [], resource_name)
        if parent is None
        else _owner_below(parent, resource_name),
        # Below different parents two resources could have the same.
        FORMER_OWNER: f"{project}/{stack}/{resource_name}" if parent is None else None,
        SECRETS: _secret_paths(properties),
        CREATE_FIRST: True if given.delete_before_replace is False else None,
    }
    return {fact: value for fact, value in known.items() if value is not None}


def options(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """`opts`, and delete before replace unless they say otherwise.

    The names are fixed, so a new object could only be the old one; and for a forced replacement Pulumi asks
    no provider which comes first.
    """
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts)


async def _owner_below(parent: pulumi.Resource, resource_name: str) -> str:
    """The owner that a resource below another one is.

    A future and not an Output: that would make the resource wait for its parent, and a component waits for
    its children.
    """
    parents = parents_in(str(await parent.urn.future()))
    return owner(pulumi.get_project(), pulumi.get_stack(), parents, resource_name)


def _secret_paths(properties: Mapping[str, Any]) -> list[list[str]] | Awaitable[list[list[str]]]:
    """Where in the properties there is a secret; known at once where no value is an Output."""
    known = [["tags"]] if is_config_secret(f"{NAMESPACE}:defaultTags") else []
    uncertain = list(_uncertain_in(properties, []))
    return _with_secrets(known, uncertain) if uncertain else known


async def _with_secrets(known: list[list[str]], uncertain: list[tuple[list[str], Any]]) -> list[list[str]]:
    return [path for path, value in uncertain if await pulumi.Output.from_input(value).is_secret()] + known


def _uncertain_in(value: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    """The values below a value that are no plain ones, with their paths."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _uncertain_in(item, [*path, str(key)])
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _uncertain_in(item, [*path, str(index)])
    elif value is not None and not isinstance(value, str | int | float):
        yield path, value
