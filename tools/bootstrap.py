"""`make setup`: what has to be there before anything else runs. Says what it does; does nothing twice.

In this order: `.venv` with the locked dependencies (`tools.uv`), then a Pulumi CLI (`tools.pulumi_cli`).
Forbidden here: anything outside the standard library, and syntax that Python 3.6 can't read, so that an old
interpreter gets a sentence and not a traceback.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - the whole point is to be read by an older one
    sys.exit(
        f"This project needs Python 3.10 or newer, but {sys.executable} is {sys.version.split()[0]}. "
        "Install a newer one and name it if need be, as in: make setup PYTHON=python3.12"
    )

from tools import pulumi_cli, uv


def main() -> None:
    """Make `.venv` and the Pulumi CLI ready; exits with one sentence when that can't be done."""
    uv.sync()
    pulumi_cli.link_into(uv.VENV / "bin", pulumi_cli.ensure())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Set-up was interrupted; run make again to continue.")
