"""A language host for tests: runs an unmodified Go or TypeScript program for Pulumi's engine.

Pulumi's own hosts come only with its releases, which a machine with package registries alone cannot fetch.
The engine starts `language_host.py go|nodejs … ENGINE` by the name `pulumi-language-go` or `-nodejs`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import (
    LanguageRuntimeServicer,
    add_LanguageRuntimeServicer_to_server,
)

_REPORTED = {"go": None, "nodejs": 32}
"""The exit code of a program that has reported its error to the engine itself."""


def _go(request: Any, engine: str) -> list[str]:
    return ["go", "run", "."]


def _nodejs(request: Any, engine: str) -> list[str]:
    options = {
        "--monitor": request.monitor_address,
        "--engine": engine,
        "--project": request.project,
        "--stack": request.stack,
        "--organization": request.organization,
        "--pwd": request.info.program_directory,
        "--parallel": str(request.parallel),
    }
    words = [word for option in options.items() for word in option]
    dry_run = ["--dry-run"] if request.dryRun else []
    return ["node", "node_modules/@pulumi/pulumi/cmd/run", *words, *dry_run, request.info.entry_point]


_COMMANDS: dict[str, Callable[[Any, str], list[str]]] = {"go": _go, "nodejs": _nodejs}


class _Host(LanguageRuntimeServicer):
    """What the engine asks for a program that is run, and no more."""

    def __init__(self, language: str, engine: str) -> None:
        self._language, self._engine = language, engine

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="0.0.1")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.GetRequiredPackagesResponse()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return Empty()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        done = subprocess.run(
            _COMMANDS[self._language](request, self._engine),
            cwd=request.info.program_directory,
            env=os.environ | _variables(request, self._engine),
            stdout=sys.stderr,  # the first line of the host's own output is its port
            check=False,
        )
        if done.returncode == _REPORTED[self._language]:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(
            error=f"the program exited with {done.returncode}" if done.returncode else ""
        )


def _variables(request: Any, engine: str) -> dict[str, str]:
    """How a Go program knows its stack and the engine (sdk/go/pulumi/run.go of Pulumi)."""
    return {
        "PULUMI_MONITOR": request.monitor_address,
        "PULUMI_ENGINE": engine,
        "PULUMI_ORGANIZATION": request.organization,
        "PULUMI_PROJECT": request.project,
        "PULUMI_STACK": request.stack,
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        "PULUMI_DRY_RUN": str(request.dryRun).lower(),
        "PULUMI_PARALLEL": str(request.parallel),
    }


def main(language: str, engine: str) -> None:
    server = grpc.server(ThreadPoolExecutor())
    add_LanguageRuntimeServicer_to_server(_Host(language, engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:  # how the engine ends a plugin
        server.stop(grace=None)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[-1])
