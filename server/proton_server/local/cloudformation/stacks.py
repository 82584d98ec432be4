"""The records of a stack. Their attributes are those that moto's serialiser reads: AWS's, in snake case."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from moto.core.utils import iso_8601_datetime_with_milliseconds, utcnow

from proton_server.local.cloudformation.deployment import Deployment
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.outcome import Output, ResourceEvent
from proton_server.local.cloudformation.pace import Pace
from proton_server.local.cloudformation.parameters import shown_parameters
from proton_server.local.cloudformation.targets import Target

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass
class StackEvent:
    """One line of a stack's history."""

    stack_id: str
    stack_name: str
    logical_resource_id: str
    physical_resource_id: str
    resource_type: str
    resource_status: str
    resource_status_reason: str | None
    client_request_token: str | None
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: datetime = field(default_factory=utcnow)

    def notification(self) -> str:
        """The event as the stack's notification topics get it: a line for each member."""
        members = {
            "StackId": self.stack_id,
            "Timestamp": iso_8601_datetime_with_milliseconds(self.timestamp),
            "EventId": self.event_id,
            "LogicalResourceId": self.logical_resource_id,
            "Namespace": self.stack_id.split(":")[4],
            "PhysicalResourceId": self.physical_resource_id,
            "ResourceStatus": self.resource_status,
            "ResourceStatusReason": self.resource_status_reason or "",
            "ResourceType": self.resource_type,
            "StackName": self.stack_name,
            "ClientRequestToken": self.client_request_token or "",
        }
        return "".join(f"{name}='{value}'\n" for name, value in members.items())


@dataclass
class StackResource:
    """The latest state of one resource, deleted ones included."""

    stack_id: str
    stack_name: str
    logical_resource_id: str
    physical_resource_id: str
    resource_type: str
    resource_status: str
    resource_status_reason: str | None
    timestamp: datetime

    @property
    def last_updated_timestamp(self) -> datetime:
        """The name that some of the answers have for it."""
        return self.timestamp


@dataclass
class Stack:
    """A stack. `current` is what its resources come from, and is empty until its first success."""

    location: Location
    notification_arns: list[str]
    notify: Callable[[str, str], None] = field(repr=False)
    role_arn: str | None = None
    parent: Stack | None = field(default=None, repr=False)
    enable_termination_protection: bool = False
    timeout_in_minutes: int | None = None
    policy: str = ""
    stack_status: str = "REVIEW_IN_PROGRESS"
    stack_status_reason: str | None = None
    target: Target | None = None
    current: Target | None = None
    imports: set[str] = field(default_factory=set)
    outputs: list[dict[str, Any]] | None = None
    events: list[StackEvent] = field(default_factory=list)
    creation_time: datetime = field(default_factory=utcnow)
    last_updated_time: datetime | None = None
    deletion_time: datetime | None = None
    disable_rollback: bool = False
    client_request_token: str | None = None
    pace: Pace | None = field(default=None, repr=False)
    """Of the last operation that began by itself, and not within another stack's."""
    former_tags: dict[str, str] = field(default_factory=dict)
    """From before the last update."""
    _resources: dict[str, StackResource] = field(default_factory=dict)
    deployment: Deployment = field(init=False, repr=False)

    @property
    def stack_id(self) -> str:
        """The stack's ARN."""
        return self.location.stack_id

    @property
    def stack_name(self) -> str:
        """The name; it can be used again once the stack is deleted."""
        return self.location.stack_name

    @property
    def parent_id(self) -> str | None:
        """The stack that this one is a resource of."""
        return self.parent.stack_id if self.parent else None

    @property
    def root_id(self) -> str | None:
        """The stack at the top, for a nested one."""
        return (self.parent.root_id or self.parent.stack_id) if self.parent else None

    @property
    def depth(self) -> int:
        """How many stacks it is nested in."""
        return self.parent.depth + 1 if self.parent else 0

    @property
    def tags(self) -> dict[str, str]:
        """The stack's tags, which its EC2 resources get too."""
        return dict(self.location.tags)

    @property
    def name(self) -> str:
        """Moto's name for `stack_name`."""
        return self.stack_name

    @property
    def status(self) -> str:
        """Moto's name for `stack_status`."""
        return self.stack_status

    @property
    def template(self) -> str:
        """The template's text, as GetTemplate gives it back."""
        shown = self.current or self.target
        return shown.template.body if shown else ""

    @property
    def description(self) -> str | None:
        """The template's Description."""
        shown = self.current or self.target
        return shown.template.description if shown else None

    template_description = description

    @property
    def parameters(self) -> list[dict[str, str]]:
        """The parameters as DescribeStacks shows them."""
        shown = self.current or self.target
        return shown_parameters(shown.template.parameters, shown.values) if shown else []

    @property
    def stack_parameters(self) -> Mapping[str, str]:
        """The parameters as given; moto's change sets read them for UsePreviousValue."""
        return self.current.given if self.current else {}

    @property
    def stack_resources(self) -> list[StackResource]:
        """The latest state of every resource the stack has."""
        return [
            resource
            for resource in list(self._resources.values())
            if resource.resource_status != "DELETE_COMPLETE"
        ]

    def enter(self, status: str, reason: str | None = None) -> None:
        """Move to a state and write it into the history; the reason stays visible on the stack."""
        self.stack_status = status
        self.stack_status_reason = reason
        self._write(ResourceEvent(self.stack_name, self.stack_id, STACK_TYPE, status, reason))

    def tag(self, tags: Mapping[str, str]) -> None:
        """Change the stack's tags; its resources get them with the next deployment."""
        self.location = replace(self.location, tags=dict(tags))
        self.deployment.move(self.location)

    def record(self, event: ResourceEvent) -> None:
        """Write a resource's state into the history."""
        self._write(event)
        known = self._resources.get(event.logical_id)
        if event.status == "DELETE_COMPLETE" and known and known.physical_resource_id != event.physical_id:
            return  # the former physical resource of a replaced one
        self._resources[event.logical_id] = StackResource(self.stack_id, self.stack_name, *event, utcnow())

    def show(self, outputs: list[Output]) -> None:
        """Make outputs visible. A stack without any has no Outputs at all, in CloudFormation's answers."""
        self.outputs = [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            }
            for output in outputs
        ] or None

    def _write(self, event: ResourceEvent) -> None:
        written = StackEvent(self.stack_id, self.stack_name, *event, self.client_request_token)
        self.events.append(written)
        for topic in self.notification_arns:
            self.notify(topic, written.notification())
