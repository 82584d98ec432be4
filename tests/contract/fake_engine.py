"""A stand-in for Pulumi's engine that drives one resource: the calls it makes, in its order."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from aws_proton_provider.core.facts import OWNER
from aws_proton_provider.core.ownership import owner
from tests.contract.adapters import Adapter, Diff, InitFailed, Properties
from tests.contract.values import revealed, without_nulls


class CheckFailed(Exception):
    """The failures that `check` returned, one on a line."""


@dataclasses.dataclass
class Stack:
    """A stack of one resource. It has the values as the engine does; `state` and `inputs` show them plain.

    Each command (`preview`, `up`, `refresh`, `destroy`) starts the provider's process anew.
    """

    make_adapter: Callable[..., Adapter]
    """Starts the provider's process of the stack's adapter, or of the other one, which it is given."""
    identifier: str | None = None
    kept_inputs: Properties = dataclasses.field(default_factory=dict)
    kept_state: Properties = dataclasses.field(default_factory=dict)
    unfinished: list[str] = dataclasses.field(default_factory=list)
    """The reasons for which the last create or update did not end (`initErrors` in Pulumi's state)."""
    timeouts: dict[str, float] = dataclasses.field(default_factory=dict)
    """The program's `customTimeouts`, in seconds."""

    def __post_init__(self) -> None:
        self.adapter = self.make_adapter()

    @property
    def inputs(self) -> Properties:
        """The inputs in the state, in plain text."""
        found: Properties = revealed(self.kept_inputs)
        return found

    @property
    def state(self) -> Properties:
        """The outputs in the state, in plain text."""
        found: Properties = revealed(self.kept_state)
        return found

    @property
    def owner(self) -> str:
        """The owner that the resource's object has in its tags."""
        return owner("project", "test", [], self.adapter.urn.rpartition("::")[2])

    def preview(self, **program: Any) -> tuple[Properties, Diff]:
        """The checked inputs in plain text, and their diff from the state: none while there is none."""
        checked, found = self._preview(program)
        return revealed(checked), found or Diff(changes=False, replaces=[], delete_before_replace=False)

    def up(self, **program: Any) -> Properties:
        """Makes it so, and returns the state."""
        inputs, found = self._preview(program)
        if self.identifier is None or found is None:
            self._create(inputs)
        elif found.replaces:
            self._replace(self._checked({}, program), delete_first=found.delete_before_replace)
        elif found.changes or self.unfinished:
            self._update(inputs)
        else:
            self.kept_inputs = inputs
        return self.state

    def create_unseen(self, **program: Any) -> None:
        """Creates after a check that was not allowed to ask the service."""
        added = {OWNER: self.owner, "tagsAll": {"pulumi:owner": self.owner}, "waitForDeployment": True}
        self.create_unchecked(**program, **added)

    def create_unchecked(self, **inputs: Any) -> None:
        """Creates with these inputs, whatever a check would say."""
        self.adapter.start()
        self._create(without_nulls(inputs))

    def refresh(self) -> bool:
        """Takes over what is there; whether there is anything."""
        assert self.identifier is not None
        self.adapter.start()
        found = self.adapter.read(self.identifier, self.kept_inputs, self.kept_state)
        if not found.identifier:
            self._removed()
            return False
        self.kept_state, self.kept_inputs = found.state, found.inputs
        return True

    def take_over(self, identifier: str) -> None:
        """Imports the object with this id: reads it without knowing anything of it."""
        self.adapter.start()
        found = self.adapter.read(identifier, {}, {})
        self.identifier, self.kept_state, self.kept_inputs = found.identifier, found.state, found.inputs

    def destroy(self) -> None:
        """Deletes it."""
        assert self.identifier is not None
        self.adapter.start()
        self._delete(self.identifier, self.kept_inputs, self.kept_state)
        self._removed()

    def read(self, identifier: str | None, state: Properties) -> bool:
        """Whether a refresh with this state instead of its own finds anything."""
        self.adapter.start()
        return bool(self.adapter.read(str(identifier), {}, state).identifier)

    def delete(self, identifier: str | None, state: Properties) -> None:
        """Deletes what this state instead of its own has."""
        self.adapter.start()
        self.adapter.delete(str(identifier), {}, state)

    def forget(self) -> Stack:
        """The same stack after its process died before Pulumi wrote down what was made."""
        return Stack(self.make_adapter)

    def moved_to(self, adapter: str) -> Stack:
        """The same stack after its program has taken the classes of the other adapter, with their alias."""
        return dataclasses.replace(self, make_adapter=functools.partial(self.make_adapter, adapter))

    def _preview(self, program: Properties) -> tuple[Properties, Diff | None]:
        self.adapter.start()
        checked = self._checked(self.kept_inputs, program)
        if self.identifier is None:
            return checked, None
        return checked, self.adapter.diff(self.identifier, self.kept_inputs, self.kept_state, checked)

    def _checked(self, olds: Properties, program: Properties) -> Properties:
        inputs, failures = self.adapter.check(olds, without_nulls(program))
        if failures:
            raise CheckFailed("\n".join(failures))
        return inputs

    def _create(self, inputs: Properties) -> None:
        try:
            self.identifier, self.kept_state = self.adapter.create(inputs, **self._timeout("create"))
        except InitFailed as error:
            self.identifier, self.kept_state, self.unfinished = error.identifier, error.state, error.reasons
            self.kept_inputs = inputs
            raise
        self.kept_inputs, self.unfinished = inputs, []

    def _update(self, inputs: Properties) -> None:
        assert self.identifier is not None
        olds = self.kept_inputs, self.kept_state
        try:
            self.kept_state = self.adapter.update(self.identifier, *olds, inputs, **self._timeout("update"))
        except InitFailed as error:
            # The inputs stay as they were, so that the next diff shows the change again.
            self.kept_state, self.unfinished = error.state, error.reasons
            raise
        self.kept_inputs, self.unfinished = inputs, []

    def _replace(self, inputs: Properties, *, delete_first: bool) -> None:
        assert self.identifier is not None
        old = self.identifier, self.kept_inputs, self.kept_state
        if delete_first:
            self._delete(*old)
            self._removed()
        self._create(inputs)
        if not delete_first:
            self._delete(*old)

    def _delete(self, identifier: str, inputs: Properties, state: Properties) -> None:
        self.adapter.delete(identifier, inputs, state, **self._timeout("delete"))

    def _removed(self) -> None:
        self.identifier, self.kept_inputs, self.kept_state, self.unfinished = None, {}, {}, []

    def _timeout(self, verb: str) -> dict[str, float]:
        return {"timeout": self.timeouts[verb]} if verb in self.timeouts else {}
