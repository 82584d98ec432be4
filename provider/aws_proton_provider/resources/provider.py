"""The resources under one configuration: what the adapters call, with values as the core has them.

Whatever leaves it for a person (errors, warnings, failures of a check) is without secret values.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from aws_proton_provider.aws.client import Proton, connect
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.aws.operation import Operation, Verb, nobody
from aws_proton_provider.core.changes import PathChange, path_changes
from aws_proton_provider.core.checking import Checked
from aws_proton_provider.core.errors import Interrupted, InvalidInput, NotFound, ProtonError, Unreachable
from aws_proton_provider.core.facts import OWNER, imported, require_readable, version_fact
from aws_proton_provider.core.ownership import REPLACED_FIRST
from aws_proton_provider.core.redaction import redacted
from aws_proton_provider.core.values import State, has_unknown
from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.lifecycle import Created, CustomResource, Diff, inputs_in
from aws_proton_provider.resources.service import ProtonService

RESOURCE_OF = {resource.__name__: resource for resource in RESOURCES}
"""The resources by name ("Environment")."""

_FUNCTION_OF = {function.wire: function for function in FUNCTIONS}


class Provider:
    """The resources under one configuration.

    Args:
        configuration: Where calls go, and the limits on what may be changed.
        complete: Whether all of it is known. Where a part is an output of something that is still to be made,
            nothing is asked of AWS Proton.

    """

    def __init__(self, configuration: Configuration, *, complete: bool = True) -> None:
        self._configuration = configuration
        self._complete = complete
        self._services: dict[Proton, ProtonService] = {}
        self._created: set[tuple[str, str, str | None]] = set()

    def check(self, resource: type[CustomResource], olds: State, news: State) -> Checked:
        """The inputs in normal form, what is wrong with them, and what a reviewer should know."""
        with _redacted(olds, news):
            require_readable(_title(resource, news), olds)
            context = CheckContext(
                default_tags=self._configuration.default_tags.tags,
                max_deployment_type=self._configuration.max_deployment_type,
                service=self._service_if_known(news),
            )
            checked = resource.check(olds, news, context)
        failures = [
            dataclasses.replace(item, reason=redacted(item.reason, olds, news)) for item in checked.failures
        ]
        warnings = [redacted(warning, olds, news) for warning in checked.warnings]
        return Checked(checked.inputs | version_fact(), failures, warnings)

    def diff(self, resource: type[CustomResource], state: State, inputs: State) -> Diff:
        """The difference between the state and the wanted inputs."""
        require_readable(_title(resource, inputs), state)
        return resource.diff(state, inputs)

    def paths(
        self, resource: type[CustomResource], state: State, inputs: State, found: Diff
    ) -> tuple[PathChange, ...]:
        """Where the wanted inputs differ from the state; none where `found` is no change."""
        return tuple(path_changes(resource, state, inputs, found.replaces)) if found.changed else ()

    def operation(
        self, verb: Verb, properties: State, *, status: Callable[[str], None] = nobody, **heard: Any
    ) -> Operation:
        """An operation on the resource with these properties; `heard` is what else an `Operation` has.

        Raises:
            InvalidInput: `account` is not valid.

        """
        proton = self._proton(properties)
        return Operation(
            proton,
            verb,
            refresh_tags=self._configuration.refresh_tags,
            answers=self._service(proton).answers,
            status=lambda message: status(redacted(message, properties)),
            **heard,
        )

    def create(self, resource: type[CustomResource], inputs: State, operation: Operation) -> Created:
        """Makes the object."""
        with _redacted(inputs):
            made = resource.create(inputs, operation)
        self._created.add(_object(resource, made.identifier, inputs))
        warnings = tuple(redacted(warning, inputs) for warning in made.warnings)
        return dataclasses.replace(made, warnings=warnings)

    def read(
        self, resource: type[CustomResource], identifier: str, state: State, operation: Operation
    ) -> tuple[State, State] | None:
        """The object as AWS has it, as state and as inputs; None where it does not exist any more.

        Raises:
            NotFound: no state holds it yet (an import, or `.get`), and it does not exist.

        """
        require_readable(_title(resource, state), state)
        with _redacted(state):
            found = resource.read(identifier, state, operation)
            if found is None and "arn" not in state:
                raise NotFound(f"{resource.__name__} {identifier} does not exist")
        if found is None:
            return None
        found = found if state else imported(found)
        return found, inputs_in(resource, found)

    def update(
        self,
        resource: type[CustomResource],
        identifier: str,
        state: State,
        inputs: State,
        operation: Operation,
    ) -> State:
        """Makes the object as `inputs` want it, and returns its whole state."""
        require_readable(_title(resource, state), state)
        with _redacted(state, inputs):
            return resource.update(identifier, state, inputs, operation)

    def delete(
        self, resource: type[CustomResource], identifier: str, state: State, operation: Operation
    ) -> tuple[str, ...]:
        """Removes the object; returns what the user should be warned of.

        Of what has no tags, only this command knows that a replacement has just made it: without
        deleteBeforeReplace the new object is the old one, and removing the old one would undo the new one.
        """
        require_readable(_title(resource, state), state)
        if not resource.has_tags() and _object(resource, identifier, state) in self._created:
            return (f"{resource.__name__} {identifier} was not deleted: {REPLACED_FIRST}",)
        with _redacted(state):
            warnings = resource.delete(identifier, state, operation)
        return tuple(redacted(warning, state) for warning in warnings)

    def invoke(self, function: str, inputs: State) -> State:
        """What a function ("getEnvironment") returns.

        Raises:
            InvalidInput: there is no such function, or an input is not valid.

        """
        if function not in _FUNCTION_OF:
            raise InvalidInput(f"there is no function {function}: there are {', '.join(_FUNCTION_OF)}")
        return _FUNCTION_OF[function].invoke(inputs, self._proton(inputs))

    def kept(
        self, resource: type[CustomResource], error: Exception, operation: Operation
    ) -> tuple[str, State] | None:
        """The id and state of the object that an operation left in AWS before it failed with `error`.

        The state is read once more, unless the user waits for Pulumi to stop or nothing answers.
        """
        if operation.kept is None or isinstance(error, Interrupted | Unreachable):
            return operation.kept
        identifier, state = operation.kept
        with contextlib.suppress(ProtonError):
            found = resource.read(identifier, state, operation)
            return None if found is None else (identifier, found)
        return operation.kept

    def _proton(self, properties: State) -> Proton:
        return connect(target(self._configuration, properties.get("account")))

    def _service_if_known(self, inputs: State) -> ProtonService | None:
        """None while `account` refers to something that is still to be made, or is none: check says so."""
        if not self._complete or has_unknown(inputs.get("account")):
            return None
        with contextlib.suppress(InvalidInput):
            return self._service(self._proton(inputs))
        return None

    def _service(self, proton: Proton) -> ProtonService:
        return self._services.setdefault(proton, ProtonService(proton))


def _object(resource: type[CustomResource], identifier: str, state: State) -> tuple[str, str, str | None]:
    """What tells an object of one resource of the program from all others."""
    return resource.__name__, identifier, state.get(OWNER)


def _title(resource: type[CustomResource], properties: State) -> str:
    name = properties.get("name")
    return f"{resource.__name__} {name}" if isinstance(name, str) else resource.__name__


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
