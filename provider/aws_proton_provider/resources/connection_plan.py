"""What a create or update does with a request for an environment account connection. Pure."""

from __future__ import annotations

import hashlib

from aws_proton_provider.core import facts
from aws_proton_provider.core.changes import changes
from aws_proton_provider.core.declaration import Kind, Resource
from aws_proton_provider.core.facts import owners_in
from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.records import from_record, to_create_request, to_request, without_record
from aws_proton_provider.core.tags import differing_tags, tag_changes
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.adoption import Existing
from aws_proton_provider.resources.calls import Call
from aws_proton_provider.resources.tags import tag_calls


def connection_title(connection: State) -> str:
    """How messages name a connection."""
    return (
        f"environment account connection {connection['id']} for environment {connection['environmentName']}"
    )


def same_request(resource: type[Resource], one: State, other: State) -> bool:
    """Whether two requests are for the same environment of the same management account."""
    identity = (item.wire for item in resource.properties if item.replace)
    return all(one.get(wire) == other.get(wire) for wire in identity)


def open_request(resource: type[Resource], listed: list[State], inputs: State) -> State | None:
    """The request for what `inputs` want that exists already and was not rejected."""
    wanted = (item for item in listed if same_request(resource, item, inputs))
    return next((item for item in wanted if item["status"] != "REJECTED"), None)


def existing_connection(resource: type[Resource], live: State, tags: Tags, inputs: State) -> Existing:
    """A connection that exists already, beside the one that a create wants."""
    present = without_record(resource, inputs) | from_record(resource, live)
    differing = tuple(
        item.declared.wire
        for item in changes(resource, present, inputs)
        if item.declared.kind is Kind.INPUT and not item.removed
    )
    differing += differing_tags(tags, inputs["tagsAll"])
    return Existing(connection_title(live), tags, differing, inputs, owners_in(inputs))


def create_call(resource: type[Resource], listed: list[State], inputs: State, incarnation: str) -> Call:
    """The call that makes a request where all that are `listed` for the same were rejected."""
    rejected = [item["id"] for item in listed if same_request(resource, item, inputs)]
    token = client_token(resource, inputs, rejected)
    sent = to_create_request(resource, inputs, incarnation)
    return Call("create_environment_account_connection", {**sent, "clientToken": token})


def update_calls(
    resource: type[Resource], live: State, tags: Tags, inputs: State, incarnation: str | None = None
) -> tuple[Call, ...]:
    """The calls that give a connection the wanted roles and tags; with `incarnation` a create adopts it."""
    roles = [item for item in resource.of_kind(Kind.INPUT) if not item.replace]
    changed = [item for item in roles if inputs.get(item.wire, live.get(item.wire)) != live.get(item.wire)]
    update = Call("update_environment_account_connection", {"id": live["id"], **to_request(changed, inputs)})
    tagging = tag_calls(live["arn"], tag_changes(tags, inputs["tagsAll"], incarnation))
    return (*((update,) if changed else ()), *tagging)


def client_token(resource: type[Resource], inputs: State, rejected: list[str]) -> str:
    """The client token: AWS answers a repeated one with the first one's request, for 8 hours.

    So it is the same for a repeated create, and another once a request was rejected: that one must not be
    returned again.
    """
    wanted = [inputs[item.wire] for item in resource.properties if item.replace]
    identity = [inputs.get(facts.OWNER, ""), *wanted, *sorted(rejected)]
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()
