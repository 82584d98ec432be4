"""A stand-in for Pulumi's engine that drives one resource: the calls it makes, in its order."""

from __future__ import annotations

import dataclasses
from typing import Any

from pulumi import dynamic
from pulumi.dynamic.config import Config

from aws_proton_provider.adapters.dynamic import _DynamicProvider
from aws_proton_provider.adapters.handler import _provider_of
from aws_proton_provider.core.facts import OWNER


class CheckFailed(Exception):
    """The failures that `check` returned, one on a line."""


@dataclasses.dataclass
class Stack:
    """Plays the engine for one resource: the calls it makes, in its order, with the values it hands over."""

    kind: type[_DynamicProvider]
    config: dict[str, str]
    owner: str
    identifier: str | None = None
    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    state: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider = self.kind()
        self._configure()

    def _configure(self) -> None:
        # Each command is a process of its own, and remembers no listing of another's.
        _provider_of.cache_clear()
        config = Config({f"aws-proton:{key}": value for key, value in self.config.items()}, "project")
        self.provider.configure(dynamic.ConfigureRequest(config))

    def preview(self, **program: Any) -> tuple[dict[str, Any], dynamic.DiffResult | None]:
        """The checked inputs, and their diff from the state unless there is none yet."""
        self._configure()
        checked = self._checked(self.inputs, program)
        if self.identifier is None:
            return checked, None
        return checked, self.provider.diff(self.identifier, self.state, checked)

    def up(self, **program: Any) -> dict[str, Any]:
        """Makes it so, and returns the state."""
        inputs, found = self.preview(**program)
        if found is not None and found.replaces:
            inputs = self._checked({}, program)
            self._replace(inputs, delete_first=bool(found.delete_before_replace))
        elif found is not None and found.changes:
            assert self.identifier is not None
            self.state = _carried(self.provider.update(self.identifier, self.state, inputs).outs)
        elif self.identifier is None:
            self._create(inputs)
        self.inputs = inputs
        return self.state

    def create_unseen(self, **program: Any) -> None:
        """Creates after a check that was not allowed to ask the service."""
        inputs = _carried(
            {**program, OWNER: self.owner, "tagsAll": {"pulumi:owner": self.owner}, "waitForDeployment": True}
        )
        self._create(inputs)

    def refresh(self) -> bool:
        """Takes over what is there; whether there is anything."""
        assert self.identifier is not None
        found = self.provider.read(self.identifier, self.state)
        if not found.id:
            self.identifier, self.inputs, self.state = None, {}, {}
            return False
        self.state, self.inputs = _carried(found.outs), _carried(found.inputs)
        return True

    def destroy(self) -> None:
        assert self.identifier is not None
        self.provider.delete(self.identifier, self.state)
        self.identifier, self.inputs, self.state = None, {}, {}

    def forget(self) -> Stack:
        """The same stack after its process died before Pulumi wrote down what was made."""
        return Stack(self.kind, self.config, self.owner)

    def _checked(self, olds: dict[str, Any], program: dict[str, Any]) -> dict[str, Any]:
        result = self.provider.check(olds, _carried({**program, OWNER: self.owner}))
        if result.failures:
            raise CheckFailed("\n".join(item.reason for item in result.failures))
        return _carried(result.inputs)

    def _create(self, inputs: dict[str, Any]) -> None:
        made = self.provider.create(inputs)
        self.identifier, self.state = made.id, _carried(made.outs)

    def _replace(self, inputs: dict[str, Any], *, delete_first: bool) -> None:
        identifier, state = self.identifier, self.state
        assert identifier is not None
        if delete_first:
            self.provider.delete(identifier, state)
        self._create(inputs)
        if not delete_first:
            self.provider.delete(identifier, state)


def _carried(value: Any) -> Any:
    """As Pulumi's wire carries it: every number a double, no empty places."""
    if isinstance(value, dict):
        return {key: _carried(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_carried(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
