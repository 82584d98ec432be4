"""Pulumi's dynamic server and engine: how errors are answered, messages to the engine, and its end.

Messages name no resource, since Pulumi gives the server no URN.
"""

from __future__ import annotations

import sys
import traceback

from aws_proton_provider.adapters.messages import connect
from aws_proton_provider.adapters.processes import end_with_engine
from aws_proton_provider.core.errors import ProtonError


class _OneLine:
    """Stands in for `traceback` in Pulumi's dynamic server, which answers any exception with one."""

    @staticmethod
    def format_exc() -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ProtonError) else traceback.format_exc()


def adapt_server() -> None:
    """Makes Pulumi's dynamic server answer errors in one line, and end with the engine.

    Where the server is not as expected (another SDK version), errors are only uglier.
    """
    server = sys.modules.get("__main__")
    name = getattr(getattr(server, "__spec__", None), "name", "")
    if name != "pulumi.dynamic.__main__":
        return
    end_with_engine()
    if hasattr(server, "traceback"):
        server.traceback = _OneLine  # type: ignore[union-attr]


def warn(message: str) -> None:
    """Shows a warning once in this command.

    Without an engine to be reached it is left out: it is never the error.
    """
    # The engine's address is the server's last argument.
    connect(sys.argv[-1]).warn("", message)
