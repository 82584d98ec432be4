"""The command `proton-server`: a module for each of its commands.

A person's mistake ends in one sentence and exit code 1.
"""

from __future__ import annotations

import click

from proton_server.cli.adopt import adopt
from proton_server.cli.audit import audit
from proton_server.cli.credentials import credentials
from proton_server.cli.database import database
from proton_server.cli.keys import keys
from proton_server.cli.local import local
from proton_server.cli.revoke import revoke
from proton_server.cli.serve import serve
from proton_server.cli.templates import templates


@click.group()
@click.version_option(package_name="pulumi-aws-proton")
def main() -> None:
    """A Proton-compatible control plane."""


credentials.add_command(revoke)
for command in (serve, local, keys, credentials, audit, database, templates, adopt):
    main.add_command(command)
