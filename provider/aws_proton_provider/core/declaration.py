"""The vocabulary of a declaration: a resource names each property once, here is what it can say about it.

Pure. Everything derived from a declaration (check, diff, deploymentType, the SDK, the schema, the docs'
tables) reads `Resource.properties`; nothing else lists properties by hand.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from typing import Any, ClassVar

import pydantic
from pydantic.alias_generators import to_camel

from aws_proton_provider.core.levels import Level


class Kind(enum.Enum):
    """Who decides a property's value, and whether AWS hears of it."""

    INPUT = "input"
    """The program says it; it is sent to AWS under its wire name."""
    SETTING = "setting"
    """The program says it; it steers the provider and is never sent."""
    COMPUTED = "computed"
    """`check` works it out from the inputs, so that a preview shows it."""
    OUTPUT = "output"
    """AWS says it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Property:
    """One declared property, everything said of it in one place.

    Args:
        doc: What it is, for the docs, the SDK and the schema.
        kind: Who decides its value.
        replace: A change makes a new resource.
        deploy: A change is an UpdateEnvironment of (at least) this deploymentType.
        default: The value `check` fills in.
        cleared: What is sent to AWS when the program removes the property (description: an empty text).
        keep: Removing the property from the program leaves AWS's value in place, without a diff.
        follows: Its value is a consequence of other changes, never a change of its own.
        autonamed: Left out, it stays what it is, and at first it is the resource's name in the program.
        remedy: Removing it is refused, since the API cannot unset it; this says what to do instead.
        name: snake_case, as in Python.
        wire: camelCase, as in botocore's model, Pulumi's state and the docs.
        type: The annotation.
        required: Whether the program must give it.

    """

    doc: str
    kind: Kind = Kind.INPUT
    replace: bool = False
    deploy: Level | None = None
    default: Any = None
    cleared: Any = None
    keep: bool = False
    follows: bool = False
    autonamed: bool = False
    remedy: str | None = None
    name: str = ""
    wire: str = ""
    type: Any = None
    required: bool = False

    @property
    def from_program(self) -> bool:
        """Whether the program may give it."""
        return self.kind in (Kind.INPUT, Kind.SETTING)

    def validated(self, value: Any) -> Any:
        """`value` as the property's type has it, camelCase below.

        Raises:
            pydantic.ValidationError: it does not fit the type.

        """
        adapter = _adapter(self.type)
        valid = adapter.validate_python(value)
        return adapter.dump_python(valid, by_alias=True, exclude_none=True, mode="json")

    @property
    def model(self) -> type[Model] | None:
        """The nested object that the property's values are, if they are one."""
        return nested_object(self.type)

    def named(self, name: str, hint: Any) -> Property:
        """The property as the annotated attribute `name: hint` of a class declares it."""
        _, optional = bare(hint)
        required = self.from_program and self.default is None and not optional and not self.autonamed
        return dataclasses.replace(self, name=name, wire=to_camel(name), type=hint, required=required)


def prop(*, doc: str, **traits: Any) -> Any:
    """Declares a property that the program gives and AWS is sent; `Property` says what the traits mean."""
    return Property(doc=doc, **traits)


def setting(*, doc: str, **traits: Any) -> Any:
    """Declares a property that steers the provider and is never sent."""
    return Property(doc=doc, kind=Kind.SETTING, **traits)


def computed(*, doc: str, **traits: Any) -> Any:
    """Declares a property that `check` works out."""
    return Property(doc=doc, kind=Kind.COMPUTED, **traits)


def output(*, doc: str) -> Any:
    """Declares a property that AWS decides."""
    return Property(doc=doc, kind=Kind.OUTPUT)


def bare(hint: Any) -> tuple[Any, bool]:
    """A type without its `None`, and whether it had one."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint):
        (inner,) = (item for item in typing.get_args(hint) if item is not type(None))
        return inner, True
    return hint, False


def nested_object(hint: Any) -> type[Model] | None:
    """The nested object that a type is, if it is one."""
    inner, _ = bare(hint)
    return inner if inspect.isclass(inner) and issubclass(inner, Model) else None


class Model(pydantic.BaseModel):
    """A nested object of a declaration: camelCase on the wire, no member but the declared ones."""

    model_config = pydantic.ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    @classmethod
    def known(cls, record: dict[str, Any]) -> dict[str, Any]:
        """The declared members of an object as AWS has it (to a linked repository it adds an ARN)."""
        aliases = [field.alias for field in cls.model_fields.values()]
        return {wire: record[wire] for wire in aliases if wire is not None and wire in record}


def complaint(fault: Any) -> str:
    """What pydantic found, in a person's words."""
    if fault["type"] == "extra_forbidden":
        return "no such key"
    return str(fault["msg"]).removeprefix("Value error, ")


class Resource:
    """The base of a declaration. A subclass's annotated `prop(…)` attributes become `properties`."""

    properties: ClassVar[tuple[Property, ...]] = ()
    identified_by: ClassVar[str] = "its id"
    """What its id is, for the docs."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        hints = typing.get_type_hints(cls, include_extras=True)
        own = [(name, value) for name, value in vars(cls).items() if isinstance(value, Property)]
        cls.properties += tuple(declared.named(name, hints[name]) for name, declared in own)

    @classmethod
    def property_of(cls, wire: str) -> Property:
        """The property with this wire name."""
        return next(declared for declared in cls.properties if declared.wire == wire)

    @classmethod
    def of_kind(cls, *kinds: Kind) -> tuple[Property, ...]:
        """The properties of these kinds, in the order of declaration."""
        return tuple(declared for declared in cls.properties if declared.kind in kinds)


ACCOUNT = setting(
    doc="Where this resource's calls go, instead of where the stack's configuration says. A change never "
    "replaces."
)
TAGS = setting(doc="Tags of the object, besides the stack's `aws-proton:defaultTags`.")
TAGS_ALL = computed(doc="All tags: yours, the stack's default ones and `pulumi:owner`.")
ADOPT = setting(
    follows=True,
    doc="Whether create takes over an object of this name that exists already, whoever made it, and brings "
    "it to the program. It never deletes or replaces one, and means nothing once the resource is in the "
    "state.",
)
"""Declarations that several resources share."""

_adapters: dict[Any, pydantic.TypeAdapter[Any]] = {}


def _adapter(hint: Any) -> pydantic.TypeAdapter[Any]:
    key = repr(hint)
    if key not in _adapters:
        _adapters[key] = pydantic.TypeAdapter(hint)
    return _adapters[key]
