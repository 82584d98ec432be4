"""One resource of a stack, whatever stands behind it: moto's model, a nested stack, or a placeholder.

Here it is decided which of the three; each is made and changed in its own file. A type that moto does not
model is logged as a placeholder: nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from moto.cloudformation.utils import random_suffix

from proton_server.local.cloudformation import moto_models
from proton_server.local.cloudformation.errors import ResourceError
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.moto_models import log_difference, model_of
from proton_server.local.cloudformation.names import generated_name
from proton_server.local.cloudformation.nested import NestedStacks
from proton_server.local.cloudformation.placeholders import Placeholder
from proton_server.local.cloudformation.schemas import schema_of

NESTED_STACK = "AWS::CloudFormation::Stack"
# moto runs a custom resource's Lambda in a container that must call back; here its answer is a placeholder's.
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
# Resources that are only a relation, which moto cannot change: they are made anew, and keep their id as AWS's
# do.
_RELATIONS = {"AWS::EC2::Route", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::VPCGatewayAttachment"}

_Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """A resource that exists, with the properties it was last given.

    Attributes:
        model: moto's instance, a NestedStack, or a Placeholder.
        definition: the resource's entry in the template.

    """

    logical_id: str
    type: str
    properties: _Properties
    model: Any
    definition: Mapping[str, Any]
    location: Location

    @property
    def physical_id(self) -> str:
        """What Ref yields."""
        if self.type == NESTED_STACK:
            return str(self.model.stack_id)
        known = None if self.is_placeholder else moto_models.physical_id(self.model)
        return known or self._stand_in.physical_id(self.properties)

    def attribute(self, name: str) -> Any:
        """What Fn::GetAtt yields: moto's value, else the property of that name, else a plausible one."""
        if self.type == NESTED_STACK:
            return self.model.output(name.removeprefix("Outputs."))
        value = None if self.is_placeholder else moto_models.attribute(self.model, name)
        if value is not None:
            return value
        schema = schema_of(self.type)
        if schema is not None and schema.identifier == (name,) and not self.is_placeholder:
            return self.physical_id
        return self._stand_in.attribute(name, self.properties)

    def invents(self, name: str | None) -> bool:
        """Whether Ref (no name) or an attribute yields a value that stands for nothing."""
        if self.type == NESTED_STACK:
            return False
        if self.is_placeholder or name is None:
            return self.is_placeholder
        schema = schema_of(self.type)
        known = moto_models.attribute(self.model, name) is not None or name in self.properties
        return not known and (schema is None or schema.identifier != (name,))

    @property
    def is_placeholder(self) -> bool:
        """Whether nothing stands behind it."""
        return isinstance(self.model, Placeholder)

    @property
    def generation(self) -> int:
        """How many times this logical id was replaced, as far as a placeholder needs to know."""
        return self.model.generation if isinstance(self.model, Placeholder) else 0

    @property
    def _stand_in(self) -> Placeholder:
        """The placeholder itself, or one for the ids and attributes that moto's model does not have."""
        if isinstance(self.model, Placeholder):
            return self.model
        return Placeholder(self.type, self.logical_id, self.location, schema_of(self.type))


def is_known(type_: str) -> bool:
    """Whether AWS would recognise the type. Outside ``AWS::`` any type may be registered in an account."""
    return not type_.startswith("AWS::") or schema_of(type_) is not None or model_of(type_) is not None


def has_attribute(type_: str, name: str) -> bool:
    """Whether Fn::GetAtt can ask a resource of this type for `name`."""
    schema, model = schema_of(type_), model_of(type_)
    if schema is None or type_.startswith(_CUSTOM) or type_ == NESTED_STACK:
        return True
    return schema.attribute(name) is not None or (model is not None and model.has_cfn_attr(name) is True)


def checked(logical_id: str, definition: Mapping[str, Any], properties: _Properties) -> _Properties:
    """A definition's evaluated properties in their declared types.

    Raises:
        ResourceError: they break the type's schema.

    """
    schema = schema_of(definition["Type"])
    if schema is None or definition["Type"].startswith(_CUSTOM):
        return properties
    properties = schema.coerce(properties)
    if violation := schema.violation(properties, definition.get("Properties", {})):
        raise ResourceError(
            f"Properties validation failed for resource {logical_id} with message:\n{violation}"
        )
    return properties


def create(  # noqa: PLR0913 - the four say what, the two say beside what
    logical_id: str,
    definition: Mapping[str, Any],
    properties: _Properties,
    location: Location,
    nested: NestedStacks,
    *,
    generation: int = 0,
    beside_placeholder: bool = False,
) -> Resource:
    """Create a resource.

    Args:
        logical_id: its name in the template.
        definition: its entry in the template.
        properties: evaluated and checked.
        location: where.
        nested: makes the stack, if it is a nested one.
        generation: how many physical resources the logical id had before.
        beside_placeholder: whether it depends on a placeholder, or on an attribute that moto does not know.
            Then a refusal says nothing of the template: moto may just miss what that stands for.

    Raises:
        ResourceError: the service refuses the properties.

    """
    type_ = definition["Type"]
    made: Any = None
    if type_ == NESTED_STACK:
        name = generated_name(type_, None, location.stack_name, logical_id, random_suffix())
        made = nested.create(name, properties, location.stack_id)
    elif model_of(type_) is None or type_.startswith(_CUSTOM):
        log_difference(logical_id, type_, location, "is a placeholder: moto does not model the type")
    else:
        try:
            made = moto_models.create(logical_id, type_, properties, location)
        except ResourceError as error:
            if not beside_placeholder:
                raise
            log_difference(
                logical_id, type_, location, f"is a placeholder, as is what it depends on: {error}"
            )
    if made is None:
        made = Placeholder(type_, logical_id, location, schema_of(type_), generation)
    return Resource(logical_id, type_, properties, made, definition, location)


def keep(old: Resource, definition: Mapping[str, Any], location: Location) -> Resource:
    """A resource whose properties stay; its policies and the stack's tags may be new."""
    new = replace(old, definition=definition, location=location)
    if location.tags != old.location.tags and not old.is_placeholder:
        moto_models.settle(new.model, new.logical_id, new.type, new.properties, location)
    return new


def update(
    old: Resource, definition: Mapping[str, Any], properties: _Properties, location: Location
) -> Resource:
    """Give a resource new properties in place.

    Raises:
        ResourceError: the service refuses the properties.

    """
    new = replace(old, properties=properties, definition=definition, location=location)
    if old.is_placeholder:
        return new
    if old.type == NESTED_STACK:
        old.model.update(properties)
        return new
    if old.type in _RELATIONS:
        delete(old)
        made = moto_models.create(old.logical_id, old.type, properties, location)
        return replace(
            new, model=made or Placeholder(old.type, old.logical_id, location, schema_of(old.type))
        )
    return replace(
        new,
        model=moto_models.update(old.model, old.logical_id, old.type, old.properties, properties, location),
    )


def delete(resource: Resource) -> None:
    """Delete a resource; one that is gone already is no error.

    Raises:
        ResourceError: the service refuses, for instance because something depends on it.

    """
    if resource.type == NESTED_STACK:
        resource.model.delete()
    elif not resource.is_placeholder:
        moto_models.delete(
            resource.model, resource.logical_id, resource.type, resource.properties, resource.location
        )
