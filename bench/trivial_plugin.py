"""A native provider that does nothing, as small as it can be: `pulumi-resource-trivial`.

What Pulumi itself takes for as many resources of a Python plugin is measured with it.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages


class Nothing(provider_pb2_grpc.ResourceProviderServicer):
    """Answers whatever it is asked with what it was given; `filled` names outputs to add."""

    def Handshake(self, _: Any, __: Any) -> Any:
        """Nothing is special."""
        return messages.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, _: Any, __: Any) -> Any:
        """The plugin's version."""
        return plugin_pb2.PluginInfo(version="0.1.0")

    def CheckConfig(self, request: Any, _: Any) -> Any:
        """Whatever is given is valid."""
        return messages.CheckResponse(inputs=request.news)

    def DiffConfig(self, _: Any, __: Any) -> Any:
        """Nothing replaces anything."""
        return messages.DiffResponse(changes=messages.DiffResponse.DIFF_NONE)

    def Configure(self, _: Any, __: Any) -> Any:
        """There is nothing to configure."""
        return messages.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, _: Any) -> Any:
        """Whatever is given is valid."""
        return messages.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, _: Any) -> Any:
        """The inputs are compared as a whole."""
        same = request.old_inputs == request.news
        changes = messages.DiffResponse.DIFF_NONE if same else messages.DiffResponse.DIFF_SOME
        return messages.DiffResponse(changes=changes)

    def Create(self, request: Any, _: Any) -> Any:
        """Fills the outputs."""
        for name in request.properties["filled"]:
            request.properties.fields[name].string_value = "x" * 40
        return messages.CreateResponse(id=request.properties["name"], properties=request.properties)

    def Read(self, request: Any, _: Any) -> Any:
        """Nothing has changed."""
        return messages.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, _: Any, __: Any) -> Any:
        """There is nothing to delete."""
        return empty_pb2.Empty()

    def Cancel(self, _: Any, __: Any) -> Any:
        """There is nothing to end."""
        return empty_pb2.Empty()


def install(folder: Path) -> None:
    """Puts the plugin's executable into a folder, for `plugins.providers` of a project."""
    program = folder / "pulumi-resource-trivial"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(1000))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Nothing(), server)
    os.write(1, f"{server.add_insecure_port('127.0.0.1:0')}\n".encode())
    server.start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop(0)
