"""A function: declared like a resource, from the properties of one; it only reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import pydantic

from aws_proton_provider.aws.responses import LEFT_OUT
from aws_proton_provider.core.checking import check_inputs
from aws_proton_provider.core.declaration import Kind, Model, Property, Resource, bare, setting
from aws_proton_provider.core.errors import InvalidInput
from aws_proton_provider.core.values import State

if TYPE_CHECKING:
    from aws_proton_provider.aws.client import Proton


READ_FROM = setting(doc="Where the calls go, instead of where the stack's configuration says.")
"""`account` of every function."""


class Function(Resource):
    """The base of a function. Its inputs are the properties that a program gives, the others are returned.

    A subclass declares its properties, most of them those of a resource, and gives `answer`.
    """

    wire: ClassVar[str] = ""
    """The name in Pulumi's schema: `getEnvironment` for the class `GetEnvironment`."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.wire = cls.__name__[0].lower() + cls.__name__[1:]

    @classmethod
    def invoke(cls, inputs: State, proton: Proton) -> State:
        """What the function returns for these inputs, by wire name.

        Raises:
            ProtonError: an input is not valid, or what to read does not exist or cannot be read.

        """
        checked = check_inputs(cls, inputs, {})
        if checked.failures:
            reasons = "; ".join(failure.sentence for failure in checked.failures)
            raise InvalidInput(f"{cls.wire}: {reasons}")
        returned = {declared.wire for declared in cls.of_kind(Kind.OUTPUT)}
        found = cls.answer(checked.inputs, proton)
        return {wire: value for wire, value in found.items() if wire in returned}

    @classmethod
    def answer(cls, inputs: State, proton: Proton) -> State:
        """What AWS has, for inputs that are valid."""
        raise NotImplementedError


def as_outputs(properties: Iterable[Property]) -> tuple[Property, ...]:
    """Properties of a resource, as a function returns them.

    A state always has some that AWS may leave out; a function has what AWS has. Of their docs the first
    sentence is meant: the rest says what giving or changing one does.
    """
    return tuple(
        dataclasses.replace(
            declared,
            doc=f"{declared.doc.partition('. ')[0].rstrip('.')}.",
            kind=Kind.OUTPUT,
            type=declared.type | None if declared.wire in LEFT_OUT else declared.type,
            keep=declared.keep and declared.wire not in LEFT_OUT,
            default=None,
            required=False,
            replace=False,
            autonamed=False,
        )
        for declared in properties
    )


def required(declared: Property) -> Property:
    """A property of a resource, as a function's input that has to be given."""
    return dataclasses.replace(declared, required=True, replace=False, autonamed=False)


def summary_of(resource: type[Resource], *more: Property) -> Callable[[type[Model]], type[Model]]:
    """Adds to a nested object what a listing has of such a resource (`Property.listed`), and `more`."""
    listed = (item for item in resource.properties if item.kind is not Kind.SETTING and item.listed)
    fields: dict[str, Any] = {
        item.name: (bare(item.type)[0], pydantic.Field(description=item.doc))
        if item.always
        else (item.type, pydantic.Field(default=None, description=item.doc))
        for item in as_outputs((*more, *listed))
    }
    return lambda model: pydantic.create_model(
        model.__name__, __base__=model, __doc__=model.__doc__, **fields
    )
