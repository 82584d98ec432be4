"""One stack's resources, brought to what a template says: created, updated, replaced, removed, or put back.

Each step is decided by comparing *evaluated* properties, so a change behind a parameter or a mapping is seen,
and an unchanged resource is not touched. The old resource of a replacement lives until the whole update has
succeeded, as in CloudFormation; that is what makes `undo` possible. No moto here, and no stack states: those
are the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from proton_server.local.cloudformation import resources
from proton_server.local.cloudformation.errors import (
    Cancelled,
    DeploymentFailed,
    ResourceError,
    TemplateError,
)
from proton_server.local.cloudformation.intrinsics import as_text, conditions, evaluate
from proton_server.local.cloudformation.inventory import DesiredResource, Inventory
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.nested import NestedStacks
from proton_server.local.cloudformation.outcome import Output, Recorder, ResourceEvent
from proton_server.local.cloudformation.pace import Abandoned, Pace
from proton_server.local.cloudformation.plan import Action, decide
from proton_server.local.cloudformation.resources import Resource
from proton_server.local.cloudformation.scope import Scope
from proton_server.local.cloudformation.template import Template

_log = logging.getLogger("proton_server.local")

_POLICY_ACTIONS: Mapping[Action, str] = {
    "update": "Update:Modify",
    "replace": "Update:Replace",
    "swap": "Update:Replace",
}
"""What a stack policy calls it."""


@dataclass(frozen=True)
class Environment:
    """What a deployment needs of its account and region.

    Attributes:
        import_value: name of an export -> its value.
        zones: region -> its availability zones.
        nested: makes the stacks within the stack.
        denial: action, logical id and type of a resource -> why the stack's policy forbids that.

    """

    import_value: Callable[[str], Any]
    zones: Callable[[str], list[str]]
    nested: NestedStacks
    denial: Callable[[str, str, str], str | None] = lambda *_: None


@dataclass
class Deployment:
    """The resources of one stack.

    Args:
        location: account, region and stack.
        record: takes the resource events.
        environment: the account and region around it.

    """

    location: Location
    record: Recorder
    environment: Environment
    imported: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._inventory = Inventory(self.location, self.record, self.environment.nested)
        self._dropped: list[Resource] = []

    @property
    def live(self) -> Mapping[str, Resource]:
        """The resources that exist, by logical id."""
        return self._inventory.live

    def move(self, location: Location) -> None:
        """Take other tags of the stack; its resources get them with the next `apply`."""
        self.location = self._inventory.location = location

    def apply(self, template: Template, parameters: Mapping[str, Any], pace: Pace) -> list[Output]:
        """Create and update until the resources are as `template` says; the rest awaits `clean_up`.

        Raises:
            DeploymentFailed: at the first resource or output that fails; `undo` then puts things back.

        """
        self._inventory.forget_changes()
        self._dropped, self.imported = [], set()
        scope, condition_values = self.scope(template, parameters)
        order = template.order(condition_values)
        pace.share(len(order))
        if not order:
            pace.wait()
        for logical_id in order:
            self._apply_one(logical_id, template.resources[logical_id], scope, pace)
        self._dropped = [self.live[name] for name in reversed(self._inventory.live) if name not in order]
        self._check_dropped()
        return self._outputs(template, scope, condition_values)

    def scope(self, template: Template, parameters: Mapping[str, Any]) -> tuple[Scope, dict[str, bool]]:
        """What the template's expressions see, and the value of each of its conditions."""
        condition_values: dict[str, bool] = {}
        scope = Scope(
            values={**parameters, **self.location.pseudo_parameters()},
            mappings=template.mappings,
            reference=lambda name: self._existing(name).physical_id,
            attribute=lambda name, attribute: self._existing(name).attribute(attribute),
            import_value=self._import,
            zones=self.environment.zones,
            condition=lambda name: _known(condition_values, name),
        )
        condition_values |= conditions(template.conditions, scope)
        return scope, condition_values

    @property
    def stuck_at(self) -> str | None:
        """The logical id of what the last `undo` failed at."""
        return self._inventory.stuck_at

    def undo(self, pace: Pace, skip: Collection[str] = ()) -> None:
        """Put back what the last `apply` changed, newest first, but for what an earlier `undo` failed at.

        Args:
            pace: of the rollback.
            skip: logical ids of resources that an earlier `undo` failed at, to be left as they are.

        Raises:
            DeploymentFailed: something could not be put back.

        """
        self._inventory.undo(pace, skip)
        self._dropped = []

    def clean_up(self, pace: Pace) -> None:
        """Delete what the last `apply` replaced or no longer has.

        A failure is recorded and does not fail the stack: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS … the update
        is done".
        """
        replaced, dropped = self._inventory.replaced, self._dropped
        to_delete = [resource for resource in replaced if not _retained(resource, "UpdateReplacePolicy")]
        to_delete += [resource for resource in dropped if not _retained(resource, "DeletionPolicy")]
        for resource in self._inventory.delete(to_delete, pace):
            _log.warning("%s of stack %s could not be deleted", resource.logical_id, self.location.stack_name)
        for resource in dropped:
            self._inventory.live.pop(resource.logical_id)
        self._inventory.forget_changes()
        self._dropped = []

    def remove(self, pace: Pace, retain: frozenset[str] = frozenset(), *, creating: bool = False) -> None:
        """Delete every resource, except those of `retain` and those whose DeletionPolicy keeps them.

        Args:
            pace: of the deletion.
            retain: logical ids to leave alone.
            creating: whether this undoes a stack's creation, which RetainExceptOnCreate does not survive.

        Raises:
            DeploymentFailed: some could not be deleted; they stay.

        """
        to_delete = [
            resource
            for name, resource in reversed(self._inventory.live.items())
            if name not in retain and not _retained(resource, "DeletionPolicy", creating=creating)
        ]
        if not to_delete:
            pace.share(1)
            pace.wait()
        kept = self._inventory.delete(to_delete, pace)
        self._inventory.live = {resource.logical_id: resource for resource in reversed(kept)}
        if kept:
            raise DeploymentFailed("", "delete", tuple(resource.logical_id for resource in kept))

    def _apply_one(self, logical_id: str, definition: Mapping[str, Any], scope: Scope, pace: Pace) -> None:
        old = self.live.get(logical_id)
        verb = "update" if old else "create"
        physical_id = old.physical_id if old else ""

        def record(status: str, reason: str | None = None) -> None:
            self.record(
                ResourceEvent(logical_id, physical_id, definition["Type"], f"{verb.upper()}_{status}", reason)
            )

        try:
            evaluated = evaluate(definition.get("Properties", {}), scope)
            properties = resources.checked(logical_id, definition, evaluated)
            action: Action = decide(old.type, old.properties, properties) if old else "create"
            if action != "keep":
                record("IN_PROGRESS")
            self._check_policy(_POLICY_ACTIONS.get(action), logical_id, definition["Type"])
            pace.wait()
            new = self._inventory.change(action, DesiredResource(logical_id, definition, properties, old))
        except (ResourceError, TemplateError) as error:
            record("FAILED", str(error))
            raise DeploymentFailed(str(error), verb, (logical_id,)) from error
        except (Cancelled, Abandoned):
            if action != "keep":
                record("FAILED", f"Resource {'update' if old else 'creation'} cancelled")
            raise
        except Exception as bug:
            _log.exception("%s of stack %s failed", logical_id, self.location.stack_name)
            record("FAILED", "Internal Failure")
            raise DeploymentFailed("Internal Failure", verb, (logical_id,)) from bug
        physical_id = new.physical_id
        if action != "keep":
            record("COMPLETE")

    def _check_dropped(self) -> None:
        """Raises DeploymentFailed if the stack's policy keeps what the template no longer has."""
        for resource in self._dropped:
            name, type_ = resource.logical_id, resource.type
            try:
                self._check_policy("Update:Delete", name, type_)
            except ResourceError as error:
                self.record(ResourceEvent(name, resource.physical_id, type_, "UPDATE_FAILED", str(error)))
                raise DeploymentFailed(str(error), "update", (name,)) from error

    def _check_policy(self, action: str | None, logical_id: str, type_: str) -> None:
        reason = self.environment.denial(action, logical_id, type_) if action else None
        if reason is not None:
            raise ResourceError(reason)

    def _outputs(
        self, template: Template, scope: Scope, condition_values: Mapping[str, bool]
    ) -> list[Output]:
        outputs = []
        for key, output in template.outputs.items():
            if "Condition" in output and not condition_values[output["Condition"]]:
                continue
            try:
                value = as_text(evaluate(output["Value"], scope))
                export = as_text(evaluate(output["Export"]["Name"], scope)) if "Export" in output else None
            except (TemplateError, ResourceError) as error:
                raise DeploymentFailed(f"Output {key}: {error}") from error
            except Exception as bug:
                _log.exception("output %s of stack %s failed", key, self.location.stack_name)
                raise DeploymentFailed(f"Output {key}: Internal Failure") from bug
            outputs.append(Output(key, value, output.get("Description"), export))
        return outputs

    def _import(self, name: str) -> Any:
        self.imported.add(name)
        return self.environment.import_value(name)

    def _existing(self, name: str) -> Resource:
        if name not in self.live:
            raise TemplateError(
                f"Unresolved resource dependencies [{name}] in the Resources block of the template"
            )
        return self.live[name]


def _retained(resource: Resource, policy: str, *, creating: bool = False) -> bool:
    chosen = resource.definition.get(policy)
    return chosen == "Retain" or (chosen == "RetainExceptOnCreate" and not creating)


def _known(condition_values: Mapping[str, bool], name: str) -> bool:
    if name not in condition_values:
        raise TemplateError(f"Template error: unresolved condition dependency {name} in Fn::If")
    return condition_values[name]
