"""The resources that a stack has, and each way to change one of them, with its reversal.

Nothing is decided here but how to undo: `deployment.py` says which resources change, `plan.py` how.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from proton_server.local.cloudformation import resources
from proton_server.local.cloudformation.errors import DeploymentFailed, ResourceError
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.nested import NestedStacks
from proton_server.local.cloudformation.outcome import Recorder, ResourceEvent
from proton_server.local.cloudformation.pace import Pace
from proton_server.local.cloudformation.plan import Action
from proton_server.local.cloudformation.references import Reference, references
from proton_server.local.cloudformation.resources import Resource
from proton_server.local.cloudformation.template import depends_on

_log = logging.getLogger("proton_server.local")


@dataclass(frozen=True)
class DesiredResource:
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


class _Reversal(NamedTuple):
    """How to undo one change."""

    resource: Resource
    """What was changed."""
    verb: str
    """What undoing it is to the resource: ``UPDATE``, ``DELETE``, or nothing."""
    step: Callable[[], None]


@dataclass
class Inventory:
    """The resources of one stack, by logical id, in the order of their creation.

    Attributes:
        replaced: resources that have a successor and still exist, newest first.

    """

    location: Location
    record: Recorder
    nested: NestedStacks
    live: dict[str, Resource] = field(default_factory=dict)
    replaced: list[Resource] = field(default_factory=list)
    _undo: list[_Reversal] = field(default_factory=list)

    def change(self, action: Action, desired: DesiredResource) -> Resource:
        """Bring one resource to what is desired, and remember how to undo that.

        Raises:
            ResourceError: the service refuses it, or the action is to refuse.

        """
        new = _ACTIONS[action](self, desired)
        self.live[desired.logical_id] = new
        return new

    def forget_changes(self) -> None:
        """Forget how to undo what was done: it is final."""
        self._undo, self.replaced = [], []

    @property
    def stuck_at(self) -> str | None:
        """The logical id of what the last `undo` could not put back."""
        return self._undo[-1].resource.logical_id if self._undo else None

    def undo(self, pace: Pace, skip: Collection[str] = ()) -> None:
        """Put back what was changed, newest first; the next call goes on where one failed.

        Args:
            pace: of the rollback.
            skip: logical ids of resources to leave as they are.

        Raises:
            DeploymentFailed: something could not be put back.

        """
        pace.share(len(self._undo))
        while self._undo:
            resource, verb, step = self._undo[-1]
            self._note(resource, verb, "IN_PROGRESS")
            pace.wait()
            try:
                if resource.logical_id not in skip:
                    step()
            except ResourceError as error:
                self._note(resource, verb, "FAILED", str(error))
                raise DeploymentFailed(str(error), "update", (resource.logical_id,)) from error
            self._undo.pop()
            self._note(resource, verb, "COMPLETE")
        self.replaced = []

    def delete(self, to_delete: Iterable[Resource], pace: Pace) -> list[Resource]:
        """Delete in the given order, in rounds while rounds help; those that could not be deleted."""
        reasons: dict[int, str] = {}
        waiting = list(to_delete)
        pace.share(len(waiting))
        while waiting:
            kept = []
            for resource in waiting:
                if id(resource) not in reasons:
                    self._note(resource, "DELETE", "IN_PROGRESS")
                    pace.wait()
                try:
                    resources.delete(resource)
                except ResourceError as error:
                    reasons[id(resource)] = str(error)
                    kept.append(resource)
                else:
                    self._note(resource, "DELETE", "COMPLETE")
            if len(kept) == len(waiting):
                break
            waiting = kept
        for resource in waiting:
            self._note(resource, "DELETE", "FAILED", reasons[id(resource)])
        return waiting

    def _create(self, desired: DesiredResource) -> Resource:
        new = self._make(desired)
        self._undo.append(_Reversal(new, "", lambda: self._put_back(new, desired.old)))
        return new

    def _keep(self, desired: DesiredResource) -> Resource:
        """Only policies and the stack's tags can differ; the newest count."""
        old = desired.former

        def revert() -> None:
            self.live[old.logical_id] = resources.keep(old, old.definition, self.location)

        self._undo.append(_Reversal(old, "", revert))
        return resources.keep(old, desired.definition, self.location)

    def _update(self, desired: DesiredResource) -> Resource:
        old = desired.former
        new = resources.update(old, desired.definition, desired.properties, self.location)

        def revert() -> None:
            self.live[old.logical_id] = resources.update(new, old.definition, old.properties, self.location)

        self._undo.append(_Reversal(old, "UPDATE", revert))
        return new

    def _replace(self, desired: DesiredResource) -> Resource:
        new = self._create(desired)
        self.replaced.insert(0, desired.former)
        return new

    def _swap(self, desired: DesiredResource) -> Resource:
        """For an old and a new that cannot exist side by side."""
        old = desired.former
        _log.warning("%s is deleted before it is replaced; AWS would refuse this update", old.logical_id)
        resources.delete(old)

        def recreate() -> None:
            self.live[old.logical_id] = self._make(
                DesiredResource(old.logical_id, old.definition, old.properties, None),
                generation=old.generation,
            )

        self._undo.append(_Reversal(old, "UPDATE", recreate))
        new = self._make(desired)
        self._undo.append(_Reversal(new, "", lambda: resources.delete(new)))
        return new

    def _refuse(self, desired: DesiredResource) -> Resource:
        raise ResourceError(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {desired.former.physical_id} and update the stack again."
        )

    def _make(self, desired: DesiredResource, generation: int | None = None) -> Resource:
        mentioned = {*references(desired.definition.get("Properties"))}
        mentioned |= {Reference(name) for name in depends_on(desired.definition)}
        neighbours = [(self.live.get(name), attribute) for name, attribute in mentioned]
        successor = desired.old.generation + 1 if desired.old else 0
        return resources.create(
            desired.logical_id,
            desired.definition,
            desired.properties,
            self.location,
            self.nested,
            generation=successor if generation is None else generation,
            beside_placeholder=any(
                neighbour is not None and neighbour.invents(attribute) for neighbour, attribute in neighbours
            ),
        )

    def _put_back(self, new: Resource, old: Resource | None) -> None:
        self._note(new, "DELETE", "IN_PROGRESS")
        try:
            resources.delete(new)
        except ResourceError as error:
            # As in an update's clean-up: what is new and cannot be deleted is left, and fails no rollback.
            self._note(new, "DELETE", "FAILED", str(error))
        else:
            self._note(new, "DELETE", "COMPLETE")
        if old is None:
            self.live.pop(new.logical_id, None)
        else:
            self.live[new.logical_id] = old

    def _note(self, resource: Resource, verb: str, state: str, reason: str | None = None) -> None:
        """Record what happens to a resource, unless it is nothing to the resource itself."""
        if verb:
            self.record(
                ResourceEvent(
                    resource.logical_id, resource.physical_id, resource.type, f"{verb}_{state}", reason
                )
            )


_ACTIONS: Mapping[Action, Callable[[Inventory, DesiredResource], Resource]] = {
    "create": Inventory._create,  # noqa: SLF001 - its own table
    "keep": Inventory._keep,  # noqa: SLF001
    "refuse": Inventory._refuse,  # noqa: SLF001
    "replace": Inventory._replace,
    "swap": Inventory._swap,  # noqa: SLF001
    "update": Inventory._update,  # noqa: SLF001
}
