"""The `proton-server` command, which is there also where its dependencies are not."""

from __future__ import annotations

import sys

from proton_server.cli.extras import missing


def main() -> None:
    """Runs the command line; exits with one sentence where an extra is missing."""
    try:
        from proton_server.cli.commands import main as run  # noqa: PLC0415 - it imports what may be missing

        run()  # which imports the command
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("proton_server"):
            raise
        sys.exit(missing(error.name or "a module", "local" if "local" in sys.argv[1:2] else "server"))


if __name__ == "__main__":
    main()
