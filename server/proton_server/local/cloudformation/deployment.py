"""One stack's resources, brought to what a template says: created, updated, replaced, removed, or put back.

Each step is decided by comparing *evaluated* properties, so a change behind a parameter or a mapping is seen,
and an unchanged resource is not touched. The old resource of a replacement lives until the whole update has
succeeded, as in CloudFormation; that is what makes `undo` possible. No moto here, and no stack states: those
are the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proton_server.local.cloudformation import resources
from proton_server.local.cloudformation.errors import DeploymentFailed, ResourceError, TemplateError
from proton_server.local.cloudformation.intrinsics import as_text, conditions, evaluate
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.outcome import Output, Recorder, ResourceEvent
from proton_server.local.cloudformation.plan import decide
from proton_server.local.cloudformation.references import references
from proton_server.local.cloudformation.resources import Resource
from proton_server.local.cloudformation.scope import Scope
from proton_server.local.cloudformation.template import Template, depends_on

_log = logging.getLogger("proton_server.local")


@dataclass(frozen=True)
class Wanted:
    """What one resource shall be: its definition, its evaluated properties, and what it is now."""

    logical_id: str
    definition: Mapping[str, Any]
    properties: Mapping[str, Any]
    old: Resource | None

    @property
    def former(self) -> Resource:
        """What it is now, where there is such a thing."""
        if self.old is None:
            raise LookupError(f"{self.logical_id} does not exist yet")
        return self.old


@dataclass
class Deployment:
    """The resources of one stack.

    Args:
        location: account, region and stack.
        record: takes the resource events.
        import_value: name of an export -> its value.
        zones: region -> its availability zones.

    """

    location: Location
    record: Recorder
    import_value: Callable[[str], Any]
    zones: Callable[[str], list[str]]
    live: dict[str, Resource] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _leftover: list[Resource] = field(default_factory=list)

    def apply(self, template: Template, parameters: Mapping[str, Any]) -> list[Output]:
        """Create and update until the resources are as `template` says; the rest awaits `clean_up`.

        Raises:
            DeploymentFailed: at the first resource or output that fails; `undo` then puts things back.

        """
        self._undo, self._leftover, self.imported = [], [], set()
        scope, truths = self.scope(template, parameters)
        order = template.order(truths)
        for logical_id in order:
            self._apply_one(logical_id, template.resources[logical_id], scope)
        self._leftover += [self.live[name] for name in reversed(self.live) if name not in order]
        return self._outputs(template, scope, truths)

    def scope(self, template: Template, parameters: Mapping[str, Any]) -> tuple[Scope, dict[str, bool]]:
        """What the template's expressions see, and the value of each of its conditions."""
        truths: dict[str, bool] = {}
        scope = Scope(
            values={**parameters, **self.location.pseudo_parameters()},
            mappings=template.mappings,
            reference=lambda name: self._existing(name).physical_id,
            attribute=lambda name, attribute: self._existing(name).attribute(attribute),
            import_value=self._import,
            zones=self.zones,
            condition=lambda name: _known(truths, name),
        )
        truths |= conditions(template.conditions, scope)
        return scope, truths

    def undo(self) -> None:
        """Put back what the last `apply` changed, newest first.

        Raises:
            DeploymentFailed: something could not be put back.

        """
        while self._undo:
            step = self._undo.pop()
            try:
                step()
            except ResourceError as fault:
                raise DeploymentFailed(str(fault), "update") from fault
        self._leftover = []

    def clean_up(self) -> None:
        """Delete what the last `apply` replaced or no longer has.

        A failure is recorded and does not fail the stack: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS … the update
        is done".
        """
        removed = [resource for resource in self._leftover if self.live.get(resource.logical_id) is resource]
        kept = self._delete(
            [
                r
                for r in self._leftover
                if not _retained(r, "DeletionPolicy" if r in removed else "UpdateReplacePolicy")
            ]
        )
        for resource in removed:
            self.live.pop(resource.logical_id)
        self._undo, self._leftover = [], []
        for resource in kept:
            _log.warning("%s of stack %s could not be deleted", resource.logical_id, self.location.stack_name)

    def remove(self, retain: frozenset[str] = frozenset(), *, creating: bool = False) -> None:
        """Delete every resource, except those of `retain` and those whose DeletionPolicy keeps them.

        Args:
            retain: logical ids to leave alone.
            creating: whether this undoes a stack's creation, which RetainExceptOnCreate does not survive.

        Raises:
            DeploymentFailed: some could not be deleted; they stay.

        """
        to_delete = [
            resource
            for name, resource in reversed(self.live.items())
            if name not in retain and not _retained(resource, "DeletionPolicy", creating=creating)
        ]
        kept = self._delete(to_delete)
        self.live = {resource.logical_id: resource for resource in reversed(kept)}
        if kept:
            raise DeploymentFailed("", "delete", tuple(resource.logical_id for resource in kept))

    def _apply_one(self, logical_id: str, definition: Mapping[str, Any], scope: Scope) -> None:
        old = self.live.get(logical_id)
        verb = "create" if old is None else "update"
        physical_id = old.physical_id if old else ""

        def tell(status: str, reason: str | None = None) -> None:
            self.record(
                ResourceEvent(logical_id, physical_id, definition["Type"], f"{verb.upper()}_{status}", reason)
            )

        try:
            evaluated = evaluate(definition.get("Properties", {}), scope)
            properties = resources.checked(logical_id, definition, evaluated)
            action = "create" if old is None else decide(old.type, old.properties, properties)
            if action != "keep":
                tell("IN_PROGRESS")
            new = self._ACTIONS[action](self, Wanted(logical_id, definition, properties, old))
        except (ResourceError, TemplateError) as fault:
            tell("FAILED", str(fault))
            raise DeploymentFailed(str(fault), verb, (logical_id,)) from fault
        except Exception as bug:
            _log.exception("%s of stack %s failed", logical_id, self.location.stack_name)
            tell("FAILED", "Internal Failure")
            raise DeploymentFailed("Internal Failure", verb, (logical_id,)) from bug
        self.live[logical_id], physical_id = new, new.physical_id
        if action != "keep":
            tell("COMPLETE")

    def _create(self, wanted: Wanted) -> Resource:
        new = self._make(wanted)
        self._undo.append(lambda: self._put_back(new, wanted.old))
        return new

    def _keep(self, wanted: Wanted) -> Resource:
        """Only policies and the stack's tags can differ; the newest count."""
        old = wanted.former

        def revert() -> None:
            self.live[old.logical_id] = resources.keep(old, old.definition, self.location)

        self._undo.append(revert)
        return resources.keep(old, wanted.definition, self.location)

    def _update(self, wanted: Wanted) -> Resource:
        old = wanted.former
        new = resources.update(old, wanted.definition, wanted.properties, self.location)

        def revert() -> None:
            self.live[old.logical_id] = resources.update(new, old.definition, old.properties, self.location)

        self._undo.append(revert)
        return new

    def _replace(self, wanted: Wanted) -> Resource:
        new = self._create(wanted)
        self._leftover.insert(0, wanted.former)
        return new

    def _swap(self, wanted: Wanted) -> Resource:
        """For an old and a new that cannot exist side by side."""
        old = wanted.former
        _log.warning("%s is deleted before it is replaced; AWS would refuse this update", old.logical_id)
        resources.delete(old)

        def recreate() -> None:
            self.live[old.logical_id] = resources.create(
                old.logical_id, old.definition, old.properties, self.location, generation=old.generation
            )

        self._undo.append(recreate)
        new = self._make(wanted)
        self._undo.append(lambda: resources.delete(new))
        return new

    def _refuse(self, wanted: Wanted) -> Resource:
        raise ResourceError(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {wanted.former.physical_id} and update the stack again."
        )

    _ACTIONS = {  # noqa: RUF012 - a table, never written
        "create": _create,
        "keep": _keep,
        "refuse": _refuse,
        "replace": _replace,
        "swap": _swap,
        "update": _update,
    }

    def _make(self, wanted: Wanted) -> Resource:
        mentioned = {reference.name for reference in references(wanted.definition.get("Properties"))}
        neighbours = [self.live.get(name) for name in mentioned | set(depends_on(wanted.definition))]
        return resources.create(
            wanted.logical_id,
            wanted.definition,
            wanted.properties,
            self.location,
            generation=wanted.old.generation + 1 if wanted.old else 0,
            beside_placeholder=any(neighbour and neighbour.is_placeholder for neighbour in neighbours),
        )

    def _put_back(self, new: Resource, old: Resource | None) -> None:
        resources.delete(new)
        self._deleted(new)
        if old is None:
            self.live.pop(new.logical_id, None)
        else:
            self.live[new.logical_id] = old

    def _delete(self, to_delete: list[Resource]) -> list[Resource]:
        """Delete in the given order, in rounds while rounds help; what could not be deleted."""
        reasons: dict[int, str] = {}
        while to_delete:
            kept = []
            for resource in to_delete:
                try:
                    resources.delete(resource)
                except ResourceError as fault:
                    reasons[id(resource)] = str(fault)
                    kept.append(resource)
                else:
                    self._deleted(resource)
            if len(kept) == len(to_delete):
                break
            to_delete = kept
        for resource in to_delete:
            self._deleted(resource, "DELETE_FAILED", reasons[id(resource)])
        return to_delete

    def _outputs(self, template: Template, scope: Scope, truths: Mapping[str, bool]) -> list[Output]:
        outputs = []
        for key, output in template.outputs.items():
            if "Condition" in output and not truths[output["Condition"]]:
                continue
            try:
                value = as_text(evaluate(output["Value"], scope))
                export = as_text(evaluate(output["Export"]["Name"], scope)) if "Export" in output else None
            except (TemplateError, ResourceError) as fault:
                raise DeploymentFailed(f"Output {key}: {fault}") from fault
            except Exception as bug:
                _log.exception("output %s of stack %s failed", key, self.location.stack_name)
                raise DeploymentFailed(f"Output {key}: Internal Failure") from bug
            outputs.append(Output(key, value, output.get("Description"), export))
        return outputs

    def _import(self, name: str) -> Any:
        self.imported.add(name)
        return self.import_value(name)

    def _existing(self, name: str) -> Resource:
        if name not in self.live:
            raise TemplateError(
                f"Unresolved resource dependencies [{name}] in the Resources block of the template"
            )
        return self.live[name]

    def _deleted(
        self, resource: Resource, status: str = "DELETE_COMPLETE", reason: str | None = None
    ) -> None:
        self.record(ResourceEvent(resource.logical_id, resource.physical_id, resource.type, status, reason))


def _retained(resource: Resource, policy: str, *, creating: bool = False) -> bool:
    chosen = resource.definition.get(policy)
    return chosen == "Retain" or (chosen == "RetainExceptOnCreate" and not creating)


def _known(truths: Mapping[str, bool], name: str) -> bool:
    if name not in truths:
        raise TemplateError(f"Template error: unresolved condition dependency {name} in Fn::If")
    return truths[name]
