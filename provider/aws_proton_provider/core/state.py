"""AWS's record of an object, as properties of a state. Pure."""

from __future__ import annotations

import datetime as dt

from aws_proton_provider.core.declaration import Kind, Resource
from aws_proton_provider.core.values import State, Value


def properties(resource: type[Resource], record: State) -> State:
    """The declared properties that a record tells: times as ISO 8601, of objects the declared members."""
    return {
        declared.wire: declared.model.known(record[declared.wire])
        if declared.model
        else _plain(record[declared.wire])
        for declared in resource.properties
        if declared.wire in record
    }


def kept(resource: type[Resource], state: State) -> State:
    """What of a state no record tells: the provider's own settings and facts."""
    told = {declared.wire for declared in resource.of_kind(Kind.INPUT, Kind.OUTPUT)}
    return {wire: value for wire, value in state.items() if wire not in told}


def after(resource: type[Resource], inputs: State, answer: State) -> State:
    """The whole state after a create or update: what the program says as it says it, the rest as AWS."""
    said = {
        declared.wire for declared in resource.properties if declared.from_program and declared.wire in inputs
    }
    return inputs | {wire: value for wire, value in answer.items() if wire not in said}


def _plain(value: Value) -> Value:
    return value.isoformat() if isinstance(value, dt.datetime) else value
