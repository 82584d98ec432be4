"""The `proton-server` command, which is there also where its dependencies are not.

The provider's package brings the server along, without the extra `server` that its dependencies are.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; exits with one sentence where the extra is missing."""
    try:
        from proton_server.cli.commands import main as run  # noqa: PLC0415 - it imports what may be missing

        run()  # which imports the command
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("proton_server"):
            raise
        sys.exit(
            f"proton-server needs {missing.name}, which is not installed: install the server's "
            "dependencies with `pip install 'pulumi-aws-proton[server]'`, from a clone with `pip install "
            "'.[server]'`"
        )


if __name__ == "__main__":
    main()
