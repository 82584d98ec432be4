"""What a declaration can say of a property. A resource names each property once, in its declaration.

Pure. Everything derived from a declaration (check, diff, deploymentType, the SDK, the schema, the docs'
tables) reads `Resource.properties`; nothing else lists properties by hand.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, ClassVar

import pydantic
from pydantic.alias_generators import to_camel

from aws_proton_provider.core.levels import Level
from aws_proton_provider.core.provisioning import Provisioner


class Kind(enum.Enum):
    """Where a property's value comes from, and whether it is sent to AWS."""

    INPUT = "input"
    """The program gives it; it is sent to AWS under its wire name."""
    SETTING = "setting"
    """The program gives it; it controls the provider and is never sent."""
    COMPUTED = "computed"
    """`check` computes it from the inputs, so that a preview shows it."""
    OUTPUT = "output"
    """AWS returns it."""


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How AWS sends and receives values of a type, where that is not how a program has them.

    It is an annotation of the type. `decode` raises ValueError for what is not valid.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Property:
    """One declared property, with everything that the provider knows of it.

    Args:
        doc: What it is, for the docs, the SDK and the schema.
        kind: Where its value comes from.
        replace: A change makes a new resource.
        deploy: A change is an UpdateEnvironment of (at least) this deploymentType.
        provisioner: Giving it selects who provisions the environment.
        excluded_by: The provisioners beside which it cannot be given.
        notifies: Who provisions with it may report outputs at any time, also after a deployment.
        default: The value `check` fills in.
        cleared: What is sent to AWS when the program removes the property (description: an empty text).
        cleared_by: The member that is sent as true, instead of the property, when the program removes it.
        keep: Removing the property from the program leaves AWS's value in place, without a diff.
        follows: Its value is a consequence of other changes, never a change of its own.
        stable: An update never changes it.
        repeats: The property whose values it may contain: where that is secret, it is, too.
        autonamed: Left out, it keeps its value; at creation it is the resource's name in the program.
        remedy: Removing it is refused, since the API cannot unset it; this says what to do instead.
        member: The member of a create's request, where that is not the wire name.
        listed: The summary in the API's listing of such objects has it, too.
        name: snake_case, as in Python.
        wire: camelCase, as in botocore's model, Pulumi's state and the docs.
        type: The annotation.
        required: Whether the program must give it.

    """

    doc: str
    kind: Kind = Kind.INPUT
    replace: bool = False
    deploy: Level | None = None
    provisioner: Provisioner | None = None
    excluded_by: tuple[Provisioner, ...] = ()
    notifies: bool = False
    default: Any = None
    cleared: Any = None
    cleared_by: str | None = None
    keep: bool = False
    follows: bool = False
    stable: bool = False
    repeats: str | None = None
    autonamed: bool = False
    remedy: str | None = None
    member: str | None = None
    listed: bool = True
    name: str = ""
    wire: str = ""
    type: Any = None
    required: bool = False

    @property
    def from_program(self) -> bool:
        """Whether the program may give it."""
        return self.kind in (Kind.INPUT, Kind.SETTING)

    @property
    def always(self) -> bool:
        """Whether a state always has a value of it.

        What AWS decides where the program leaves it out has one. A setting has none after an import or `get`:
        no record of AWS's has it.
        """
        return self.kind is not Kind.SETTING and (self.keep or not bare(self.type)[1])

    def validated(self, value: Any) -> Any:
        """`value` as the property's type has it, with camelCase keys.

        Raises:
            pydantic.ValidationError: it does not fit the type.

        """
        valid = self._adapter.validate_python(value)
        return self._adapter.dump_python(valid, by_alias=True, exclude_none=True, mode="json")

    def encoded(self, value: Any) -> Any:
        """A valid value as AWS receives it."""
        encoding = self._encoding
        return encoding.encode(value) if encoding else value

    def decoded(self, value: Any) -> Any:
        """A value of AWS's as a program has it: a time as ISO 8601, of an object the declared members.

        One that is not valid stays as it is: it differs from any that a program gives.
        """
        if isinstance(value, dt.datetime):
            return value.isoformat()
        if self.model:
            return self.model.known(value)
        encoding = self._encoding
        try:
            return encoding.decode(value) if encoding else value
        except ValueError:
            return value

    @functools.cached_property
    def _adapter(self) -> pydantic.TypeAdapter[Any]:
        return pydantic.TypeAdapter(self.type)

    @property
    def _encoding(self) -> Encoding | None:
        annotations = getattr(bare(self.type)[0], "__metadata__", ())
        return next((item for item in annotations if isinstance(item, Encoding)), None)

    @property
    def model(self) -> type[Model] | None:
        """The class of the property's values where they are nested objects."""
        return nested_object(self.type)

    def named(self, name: str, hint: Any) -> Property:
        """The property as the annotated attribute `name: hint` of a class declares it."""
        _, optional = bare(hint)
        required = self.from_program and self.default is None and not optional and not self.autonamed
        return dataclasses.replace(self, name=name, wire=to_camel(name), type=hint, required=required)


def prop(*, doc: str, **traits: Any) -> Any:
    """Declares a property that the program gives and that is sent to AWS; `Property` explains the traits."""
    return Property(doc=doc, **traits)


def setting(*, doc: str, **traits: Any) -> Any:
    """Declares a property that controls the provider and is never sent."""
    return Property(doc=doc, kind=Kind.SETTING, **traits)


def computed(*, doc: str, **traits: Any) -> Any:
    """Declares a property that `check` computes."""
    return Property(doc=doc, kind=Kind.COMPUTED, **traits)


def output(*, doc: str, **traits: Any) -> Any:
    """Declares a property that AWS returns."""
    return Property(doc=doc, kind=Kind.OUTPUT, **traits)


def bare(hint: Any) -> tuple[Any, bool]:
    """A type without its `None`, and whether it had one."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint):
        (inner,) = (item for item in typing.get_args(hint) if item is not type(None))
        return inner, True
    return hint, False


def nested_object(hint: Any) -> type[Model] | None:
    """The class of nested objects that a type is, if it is one."""
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


def validation_reason(error: Any) -> str:
    """What is wrong with a value, from one of pydantic's errors."""
    if error["type"] == "extra_forbidden":
        return "no such key"
    return str(error["msg"]).removeprefix("Value error, ")


class Resource:
    """The base of a declaration. A subclass's annotated `prop(…)` attributes become `properties`."""

    properties: ClassVar[tuple[Property, ...]] = ()
    identified_by: ClassVar[str] = "its id"
    """What identifies it, for the docs of `get`."""

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
    @functools.cache
    def of_kind(cls, *kinds: Kind) -> tuple[Property, ...]:
        """The properties of these kinds, in the order of declaration."""
        return tuple(declared for declared in cls.properties if declared.kind in kinds)


ACCOUNT = setting(
    doc="Where this resource's calls go, instead of where the stack's configuration says. A change never "
    "replaces the resource."
)
TAGS = setting(doc="The object's tags, besides the stack's `aws-proton:defaultTags`.")
TAGS_ALL = computed(
    member="tags",
    listed=False,
    repeats="tags",
    doc="All tags: those in `tags`, the stack's default tags and `pulumi:owner`.",
)
ADOPT = setting(
    follows=True,
    doc="Whether create adopts an object of this name that exists already, whoever made it, and "
    "updates it to the program. It never deletes or replaces one, and has no effect once the resource is in "
    "the state.",
)
"""Declarations that several resources share."""
