"""Commands of `proton-server`, run in this process: a new one takes a second to import what it needs."""

from __future__ import annotations

from collections.abc import Mapping

from click.testing import CliRunner, Result

from proton_server.cli.commands import main
from tests.master_keys import MASTER_KEYS_ENVIRONMENT


def run_command(*arguments: str, environment: Mapping[str, str | None] = MASTER_KEYS_ENVIRONMENT) -> Result:
    """Runs `proton-server` with arguments, and with the tests' master keys."""
    return CliRunner().invoke(main, [*arguments], env=environment, catch_exceptions=False)
