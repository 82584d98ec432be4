"""What AWS has of an object (its record), as properties of a state. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from aws_proton_provider.core.declaration import Kind, Property, Resource
from aws_proton_provider.core.tags import tags_of_create
from aws_proton_provider.core.values import State


def from_record(resource: type[Resource], record: State) -> State:
    """The declared properties in a record, as a program has them."""
    return {
        declared.wire: declared.decoded(record[declared.wire])
        for declared in resource.properties
        if declared.wire in record
    }


def to_request(properties: Iterable[Property], values: State) -> State:
    """The members of a request: those of the properties that have a value, as AWS receives them."""
    return {
        declared.member or declared.wire: declared.encoded(values[declared.wire])
        for declared in properties
        if declared.wire in values
    }


def to_create_request(resource: type[Resource], inputs: State, incarnation: str) -> State:
    """The members of the request that creates an object with tags: those of this create among them."""
    sent = (item for item in resource.properties if item.kind is Kind.INPUT or item.member)
    return to_request(sent, inputs | {"tagsAll": tags_of_create(inputs["tagsAll"], incarnation)})


def without_record(resource: type[Resource], state: State) -> State:
    """The part of a state that is in no record: the provider's own settings and facts."""
    in_record = {declared.wire for declared in resource.of_kind(Kind.INPUT, Kind.OUTPUT)}
    return {wire: value for wire, value in state.items() if wire not in in_record}


def state_begun(resource: type[Resource], state: State, inputs: State) -> State:
    """The state once AWS has accepted an update: the settings that it deploys are in no record to be read."""
    deployed = {declared.wire for declared in resource.of_kind(Kind.SETTING) if declared.deploy is not None}
    kept = {wire: value for wire, value in state.items() if wire not in deployed}
    return kept | {wire: inputs[wire] for wire in deployed & inputs.keys()}


def state_after(resource: type[Resource], inputs: State, found: State) -> State:
    """The whole state after a create or update: inputs as the program has them, the rest as AWS has it."""
    given = {
        declared.wire for declared in resource.properties if declared.from_program and declared.wire in inputs
    }
    return inputs | {wire: value for wire, value in found.items() if wire not in given}
