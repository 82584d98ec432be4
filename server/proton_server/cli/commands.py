"""The command `proton-server`: a module for each of its commands.

A person's mistake ends in one sentence and exit code 1.
"""

from __future__ import annotations

import click

from proton_server.cli.lazy_group import LazyGroup

_NAMES = ("adopt", "audit", "credentials", "database", "keys", "local", "serve", "templates")


@click.group(cls=LazyGroup, lazy={name: f"proton_server.cli.{name}" for name in _NAMES})
@click.version_option(package_name="pulumi-aws-proton")
def main() -> None:
    """A Proton-compatible control plane."""
