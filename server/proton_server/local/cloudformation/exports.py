"""What the stacks of one account and region export to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.cloudformation.parsing import Export

from proton_server.local.cloudformation.errors import DeploymentFailed, TemplateError
from proton_server.local.cloudformation.outcome import Output
from proton_server.local.cloudformation.stacks import Stack


class Exports:
    """The exports of the stacks in `stacks`, kept in `exports`, where moto's ListExports reads them."""

    def __init__(self, exports: dict[str, Export], stacks: Mapping[str, Stack]) -> None:
        self._exports = exports
        self._stacks = stacks

    def value(self, name: str) -> Any:
        """What Fn::ImportValue yields.

        Raises:
            TemplateError: no stack exports the name.

        """
        if name not in self._exports:
            raise TemplateError(f"No export named {name} found.")
        return self._exports[name].value

    def publish(self, stack: Stack, outputs: Iterable[Output]) -> None:
        """Make `outputs` the stack's exports; none withdraws them all.

        Raises:
            DeploymentFailed: a name is taken, or another stack imports what would disappear or change.

        """
        mine = {
            name: export
            for name, export in self._exports.items()
            if export.exporting_stack_id == stack.stack_id
        }
        wanted = {output.export: output.value for output in outputs if output.export}
        for name in wanted.keys() & (self._exports.keys() - mine.keys()):
            owner = self._stacks[self._exports[name].exporting_stack_id]
            raise DeploymentFailed(
                f"Export with name {name} is already exported by stack {owner.stack_name}."
            )
        changed = {name for name, export in mine.items() if wanted.get(name) != export.value}
        for other in list(self._stacks.values()):
            for name in sorted(changed & other.imports) if other is not stack else ():
                verb = "update" if name in wanted else "delete"
                raise DeploymentFailed(f"Cannot {verb} export {name} as it is in use by {other.stack_name}.")
        for name in mine:
            del self._exports[name]
        for name, value in wanted.items():
            self._exports[name] = Export(stack.stack_id, name, value)
