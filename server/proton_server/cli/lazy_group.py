"""A group of commands that are imported when they are run, and not when the group is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """What `serve` imports takes over a second, and the AWS CLI runs `credentials` for each of its commands.

    Args:
        lazy: the modules of the commands, by the commands' names. In its module a command has its own name.

    """

    def __init__(self, *positional: Any, lazy: Mapping[str, str], **options: Any) -> None:
        super().__init__(*positional, **options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands; none is imported."""
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(self._lazy[cmd_name]), cmd_name)
        return command
