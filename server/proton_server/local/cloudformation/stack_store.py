"""The stacks of one account and region: made, found, shown. What changes them is in `backend.py`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping

from moto.cloudformation import models
from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError, ValidationError
from moto.cloudformation.utils import generate_stack_id
from moto.core.exceptions import ServiceException
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.sns.models import sns_backends
from moto.ssm.models import ssm_backends

from proton_server.local.cloudformation.change_sets import ChangeSet
from proton_server.local.cloudformation.deployment import Deployment, Environment
from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.exports import Exports
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.nested import NestedStacks
from proton_server.local.cloudformation.stack_policy import denial
from proton_server.local.cloudformation.stacks import Stack, StackResource
from proton_server.local.cloudformation.targets import Target, read_target
from proton_server.local.cloudformation.template import Template, read_template
from proton_server.local.cloudformation.tokens import Tokens

_log = logging.getLogger("proton_server.local")

# CloudFormation's first quota of stacks ("AWS CloudFormation quotas" in the User Guide), which an account can
# have raised; here it is that of one stack with all that are nested in it.
_MAX_NESTED = 200
# AWS names no depth. Every level takes some thirty Python frames, and a template may nest itself.
_MAX_DEPTH = 10


# Parameters that AWS publishes, most of them for the images of a system: "Working with public parameters".
_PUBLIC = "/aws/service/"


class ChangeSetNotFound(CloudFormationError):
    """There is no such change set."""

    code = "ChangeSetNotFound"


class StackStore(models.CloudFormationBackend):
    """moto's CloudFormation, holding our stacks. Reads take copies, for they run beside changes."""

    # moto's types are its own Stack's and ChangeSet's; its wire only reads attributes, which ours have.
    stacks: dict[str, Stack]  # type: ignore[assignment]
    deleted_stacks: dict[str, Stack]  # type: ignore[assignment]
    change_sets: dict[str, ChangeSet]  # type: ignore[assignment]
    nested: NestedStacks

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.exchange = Exports(self.exports, self.stacks)
        self.tokens = Tokens()

    def new_stack(
        self,
        name: str,
        tags: dict[str, str] | None = None,
        notification_arns: list[str] | None = None,
        role_arn: str | None = None,
        *,
        parent_id: str | None = None,
    ) -> Stack:
        """A stack that is not in the store yet.

        Raises:
            AlreadyExistsException: the name is taken.
            ValidationError: it would be one nested stack too many, or nested too deeply.

        """
        if self.find(name):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        location = Location(
            self.account_id,
            self.region_name,
            name,
            generate_stack_id(name, self.region_name, self.account_id),
            dict(tags or {}),
        )
        parent = self.stacks[parent_id] if parent_id else None
        stack = Stack(location, notification_arns or [], self._notify, role_arn, parent)
        self._check_nesting(stack)
        environment = Environment(
            self.exchange.value, _zones, self.nested, lambda *asked: denial(stack.policy, *asked)
        )
        stack.deployment = Deployment(location, stack.record, environment)
        return stack

    def _check_nesting(self, stack: Stack) -> None:
        if stack.parent is None:
            return
        if stack.depth > _MAX_DEPTH:
            raise ValidationError(
                message=f"Limit exceeded: stacks can be nested at most {_MAX_DEPTH} levels deep"
            )
        if sum(other.root_id == stack.root_id for other in list(self.stacks.values())) >= _MAX_NESTED:
            raise ValidationError(
                message=f"Limit exceeded: a stack can have at most {_MAX_NESTED} nested stacks in all"
            )

    def target(self, stack: Stack, template: Template, given: Mapping[str, str]) -> Target:
        """A template and its parameters, checked for a stack.

        Raises:
            ValidationError: they are invalid.

        """
        try:
            return read_target(template, given, self._read_ssm, stack.deployment)
        except TemplateError as error:
            raise ValidationError(message=str(error)) from None

    def _read_ssm(self, name: str) -> str:
        parameter = ssm_backends[self.account_id][self.region_name].get_parameter(name)
        if parameter is not None:
            return str(parameter.value)
        if name.startswith(_PUBLIC):
            _log.warning("the public parameter %s, which moto does not have, gets a value of its own", name)
            return f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
        raise TemplateError(f"Unable to fetch parameters [{name}] from parameter store for this account.")

    def _notify(self, topic_arn: str, text: str) -> None:
        """Publish an event; a topic that is gone is no reason to stop a stack."""
        try:
            sns_backends[self.account_id][self.region_name].publish(
                text, arn=topic_arn, subject="AWS CloudFormation Notification"
            )
        except ServiceException as error:
            _log.warning("a stack event could not be published to %s: %s", topic_arn, error.message)

    def find(self, name_or_stack_id: str) -> Stack | None:
        """A stack by name or id, if it exists and is not deleted."""
        return next(
            (s for s in list(self.stacks.values()) if name_or_stack_id in (s.stack_id, s.stack_name)), None
        )

    def existing(self, name: str) -> Stack:
        """A stack by name or id.

        Raises:
            ValidationError: there is none, or it is deleted.

        """
        stack = self.find(name)
        if stack is None:
            raise ValidationError(message=f"Stack [{name}] does not exist")
        return stack

    def change_set(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """A change set by its id, or by its name and its stack's name or id.

        Raises:
            ChangeSetNotFound: there is none.

        """
        for found in self.list_change_sets(stack_name):
            if name_or_id in found.change_set_id_or_name:
                return found
        raise ChangeSetNotFound(f"ChangeSet [{name_or_id}] does not exist")

    def list_change_sets(self, stack_name: str | None = None) -> list[ChangeSet]:  # type: ignore[override]
        """The change sets of a stack, or all."""
        return [
            change_set
            for change_set in list(self.change_sets.values())
            if stack_name in (None, change_set.stack_name, change_set.stack_id)
        ]

    def archive(self, stack: Stack) -> None:
        """Move a stack that is deleted to where only its id finds it; its change sets go with it."""
        if stack.stack_status == "DELETE_COMPLETE":
            self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)
            for change_set in self.list_change_sets(stack.stack_id):
                del self.change_sets[change_set.change_set_id]

    def describe_stacks(self, name_or_stack_id: str) -> list[Stack]:  # type: ignore[override]
        """The named stack (by id also a deleted one), or all that exist."""
        return [self.get_stack(name_or_stack_id)] if name_or_stack_id else list(self.stacks.values())

    def get_stack(self, name_or_stack_id: str) -> Stack:  # type: ignore[override]
        """A stack by name or id, or a deleted one by id.

        Raises:
            ValidationError: there is none.

        """
        stack = self.find(name_or_stack_id) or self.deleted_stacks.get(name_or_stack_id)
        if stack is None:
            raise ValidationError(name_or_stack_id)
        return stack

    def list_stack_resources(  # type: ignore[override]
        self, stack_name_or_id: str
    ) -> tuple[Stack, list[StackResource]]:
        """A stack and the latest state of its resources."""
        stack = self.get_stack(stack_name_or_id)
        return stack, stack.stack_resources


def valid_template(body: str) -> Template:
    """The template that a text is. It needs no lock, and may take a second.

    Raises:
        ValidationError: it is invalid.

    """
    try:
        return read_template(body)
    except TemplateError as error:
        raise ValidationError(message=str(error)) from None


def _zones(region: str) -> list[str]:
    try:
        return [zone.name for zone in RegionsAndZonesBackend.zones[region]]
    except KeyError:
        raise TemplateError(f"Template validation error: Region {region} does not exist") from None
